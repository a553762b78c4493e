"""What the `hume` command says of itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from hume_tools.cli.main import app


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command below a group, by its words on the command line."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands(typer.main.get_command(app)))


def test_the_commands_are_found() -> None:
    assert {"demo", "evaluate", "regress", "bench stream"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert [item.name for item in command.params if not item.help] == []


@pytest.mark.parametrize("words", [(), ("evaluate",), ("bench", "stream")])
def test_the_usage_names_the_command_as_it_is_typed(words: tuple[str, ...]) -> None:
    arguments = [sys.executable, "-m", "hume_tools", *words, "--help"]
    shown = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120).stdout
    assert " ".join(("Usage: hume", *words)) in shown
