"""`hume up`: starts the nodes that the launch files start, where launch_ros is not installed."""

from __future__ import annotations

import signal

from rich.console import Console
from rich.table import Table

from hume_bringup.description import GRAPHS, graph
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.supervisor import run_until_interrupted
from hume_core.errors import ConfigError
from hume_core.settings import declared


def run_up(arguments: list[str]) -> int:
    """Start a named set of nodes and stay until Ctrl-C, SIGTERM, or until the terminal closes.

    Args:
        arguments: the set's name, then `name:=value` as for `ros2 launch`.

    Raises:
        ConfigError: unknown set or argument.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        _explain()
        return 0
    # Until there are processes to stop, a Ctrl-C ends this one at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    texts = dict(_assignment(text) for text in arguments[1:])
    options = LaunchOptions.from_text(texts)
    return run_until_interrupted(graph(arguments[0], options))


def _assignment(text: str) -> tuple[str, str]:
    name, separator, value = text.partition(":=")
    if not separator or not name:
        raise ConfigError(f"'{text}' is no launch argument. Write name:=value")
    return name, value


def _explain() -> None:
    console = Console()
    console.print(f"hume up {'|'.join(GRAPHS)} \\[name:=value ...]")
    table = Table("argument", "default", "valid", "meaning")
    for item in declared(LaunchOptions):
        table.add_row(item.name, "" if item.default is None else str(item.default), item.valid, item.help)
    console.print(table)
