"""`hume libero`, and `hume evaluate` with a suite of LIBERO: what is typed, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hume_core.errors import ConfigError, HumeError, SimulationError
from hume_libero import environment, evaluation
from hume_libero.evaluation import LiberoOptions
from hume_tools.cli.main import app


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUME_ROOT", str(tmp_path))
    monkeypatch.delenv(environment.VARIABLE, raising=False)
    return tmp_path


def refusal(*arguments: str) -> HumeError:
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, HumeError)
    assert "\n" not in str(error)
    return error


@pytest.mark.parametrize("arguments", [("libero", "expert"), ("evaluate", "--suite", "libero_spatial")])
def test_without_libero_one_line_says_what_to_type(arguments: tuple[str, ...]) -> None:
    error = refusal(*arguments)
    assert isinstance(error, SimulationError)
    assert str(error).endswith("Type: ./hume libero setup")


@pytest.mark.parametrize("arguments", [["libero"], ["libero", "setup"]])
def test_the_command_sets_up(arguments: list[str], workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(environment, "set_up", lambda root: asked.append(root) or True)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert asked == [workspace]
    assert "LIBERO is set up" in result.output


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[LiberoOptions]:
    found: list[LiberoOptions] = []
    monkeypatch.setattr(evaluation, "run_libero", lambda options: found.append(options) or 0)
    return found


def test_options_reach_the_evaluation(asked: list[LiberoOptions]) -> None:
    given = "--suite libero_goal --tasks 3,1,3 --episodes 4 --variants full,n1 --control joints --perturbation swap"
    result = CliRunner().invoke(app, ["evaluate", "folder", *given.split(), "--system2-rate", "2", "--seed", "5"])
    assert result.exit_code == 0, result.output
    assert asked == [
        LiberoOptions(
            "libero_goal", "folder", (3, 1), 4, ["full", "n1"], "joints", "swap", 5, timing={"system2_rate": 2.0}
        )
    ]


def test_without_options_all_tasks_are_played_with_the_panda(asked: list[LiberoOptions]) -> None:
    CliRunner().invoke(app, ["evaluate", "--suite", "libero_object"])
    options: Any = asked[0]
    assert (options.robot, options.tasks, options.variants) == ("franka_panda", (), ["full"])
    assert (options.control, options.episodes) == ("osc", 300)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workers", "2"], "--workers does not go with a suite of LIBERO"),
        (["--record", "bags"], "--record does not go"),
        (["--value-quality", "3"], "--value-quality does not go"),
        (["--tasks", "one"], "--tasks is 'one'"),
        (["--tasks", "-1"], "--tasks is '-1'"),
        (["--control", "torque"], "--control is 'torque'. Valid: osc, joints"),
        (["--perturbation", "wind"], "perturbation 'wind' is unknown"),
        (["--variants", "nothing"], "variant 'nothing' is unknown"),
        (["--variants", "mean"], "none of the authors' way to think"),
        (["--variants", "oracle", "--control", "joints"], "needs a simulator that it can copy"),
    ],
)
def test_what_does_not_go_is_refused(arguments: list[str], message: str) -> None:
    error = refusal("evaluate", "--suite", "libero_goal", *arguments)
    assert isinstance(error, ConfigError)
    assert message in str(error)


@pytest.mark.parametrize("option", [["--tasks", "1"], ["--control", "joints"], ["--perturbation", "swap"]])
def test_options_of_libero_go_with_its_suites_alone(option: list[str]) -> None:
    assert f"{option[0]} goes with a suite of LIBERO" in str(refusal("evaluate", "--suite", "lift", *option))


def test_a_suite_that_libero_does_not_have_is_refused() -> None:
    assert "Valid suites of LIBERO: libero_spatial" in str(refusal("evaluate", "--suite", "libero_kitchen"))
