"""What the command lines share: options that are settings of a node too, and how an error ends a command."""

from __future__ import annotations

import errno
import sys
from dataclasses import replace
from typing import Any

import typer

from hume_core.errors import HumeError
from hume_core.settings import Setting, find, parse_text

_REFUSALS = {
    errno.EACCES: "name a place that this user may write to",
    errno.EPERM: "name a place that this user may write to",
    errno.EROFS: "name a place that can be written to",
    errno.ENOSPC: "make room on the disk, or name another place",
    errno.EMFILE: "allow more open files: ulimit -n 1024, or LimitNOFILE=1024 in the systemd unit",
    errno.ENFILE: "the system has too many files open: sysctl fs.file-max",
    errno.ENOMEM: "allow more memory, or end other programs",
}


def make_app(help_text: str, **kwargs: Any) -> typer.Typer:
    """A command line in the style of the project."""
    return typer.Typer(
        help=help_text, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, **kwargs
    )


def run_app(app: typer.Typer, name: str) -> None:
    """Run a command line. A typed error, or what the system refuses, ends it with one message and exit code 2.

    Args:
        app: the command line.
        name: what people type.
    """
    try:
        app(prog_name=name)
    except HumeError as error:
        print(f"hume: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        where = f": {error.filename}" if error.filename else ""
        print(f"hume: {error.strerror}{where}; {_REFUSALS[error.errno]}", file=sys.stderr)
        sys.exit(2)


def option(cls: type, name: str, *, low: float | None = None, help: str = "") -> Any:
    """A typer option. Its type is that of the function's argument.

    Args:
        cls: settings class.
        name: of the setting.
        low: where the command takes less than the node does.
        help: in place of the declared one.
    """
    item = find(cls, name)
    text = (help or item.help) + (f" In {item.unit}." if item.unit else "")
    if item.choices:
        return typer.Option(help=text, parser=lambda given: option_value(item, given), metavar="|".join(item.choices))
    return typer.Option(help=text, min=item.low if low is None else low, max=item.high)


def option_value(item: Setting, text: str) -> Any:
    """The value of an option.

    Raises:
        ConfigError: names the option and what is valid.
    """
    return parse_text(replace(item, name="--" + item.name.replace("_", "-")), text, "option")
