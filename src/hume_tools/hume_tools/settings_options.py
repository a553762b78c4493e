"""Command-line options for what a node has as a setting too: range, choices and help come from its declaration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import typer

from hume_core.settings import Setting, find, parse_text


def option(cls: type, name: str, *, low: float | None = None, help: str = "") -> Any:
    """A typer option; its type is that of the function's argument.

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
