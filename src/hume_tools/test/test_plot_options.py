"""Every command that measures a claim draws it with --plot, and refuses a wrong file before it measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hume_core.errors import ConfigError
from hume_tools.cli.main import app

COMMANDS = {
    ("bench", "model"): "hume_bench.model.run_bench",
    ("bench", "splice"): "hume_bench.splice.run_bench",
    ("bench", "stops"): "hume_bench.stops.run_bench",
    ("bench", "stream"): "hume_bench.stream.run_bench",
    ("evaluate",): "hume_training.evaluation.run.run_evaluate",
}


@pytest.fixture(params=sorted(COMMANDS), ids=" ".join)
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return tuple(request.param)


@pytest.fixture
def asked(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the command's function was called with; it measures nothing."""
    calls: list[Any] = []

    def run(*arguments: Any, **named: Any) -> int:
        calls.extend([*arguments, *named.values()])
        return 0

    monkeypatch.setattr(COMMANDS[command], run)
    return calls


@pytest.mark.parametrize("name", ["a.svg", "folder/a.png"])
def test_the_plot_goes_to_the_file(command: tuple[str, ...], asked: list[Any], name: str) -> None:
    assert CliRunner().invoke(app, [*command, "--plot", name]).exit_code == 0
    values = [*asked, *(getattr(value, "plot", None) for value in asked)]
    assert Path(name) in values


@pytest.mark.parametrize("name", ["a.pdf", "a.json", "plot"])
def test_another_suffix_is_refused_before_anything_is_measured(
    command: tuple[str, ...], asked: list[Any], name: str
) -> None:
    result = CliRunner().invoke(app, [*command, "--plot", name])
    assert isinstance(result.exception, ConfigError)
    assert f"'{name}' must end in one of: .svg, .png" in str(result.exception)
    assert asked == []


def test_the_help_names_the_kinds_of_file(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert ".svg or .png" in CliRunner().invoke(app, [*command, "--help"]).output
