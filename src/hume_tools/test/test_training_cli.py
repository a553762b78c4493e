"""`hume evaluate` and `hume collect`: what their help lists, and how they end when something is wrong."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

from hume_core.policy_contract import CONTRACT_FILE
from hume_core.robot import RobotProfile
from hume_sim.suites import SUITES
from hume_tools.cli.main import app, main
from hume_training.default_checkpoint import default_checkpoint, random_checkpoint, shipped_checkpoint
from hume_training.evaluation.run import DEFAULT_VARIANTS, EvaluateOptions
from hume_training.evaluation.variants import VARIANTS, find_variant


def options(command: str) -> dict[str, Any]:
    """The options of a command by name. Its positional arguments have no part in it."""
    group: Any = typer.main.get_command(app)
    return {item.name: item for item in group.commands[command].params if item.param_type_name == "option"}


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def hume(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    def run(*arguments: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["hume", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        return Ended(int(end.value.code or 0), out, err)

    return run


@pytest.mark.parametrize("command", ["evaluate", "collect"])
def test_every_option_has_help(command: str) -> None:
    assert [name for name, item in options(command).items() if not item.help] == []


@pytest.mark.parametrize(("command", "option"), [("evaluate", "variants"), ("collect", "variant")])
def test_the_help_lists_every_variant_and_suite(command: str, option: str) -> None:
    listed = set(re.findall(r"\w+", options(command)[option].help or ""))
    assert set(VARIANTS) <= listed
    assert set(SUITES) <= set(re.findall(r"\w+", options(command)["suite"].help or ""))


def test_the_default_variants_are_those_of_the_published_figures() -> None:
    assert options("evaluate")["variants"].default == ",".join(DEFAULT_VARIANTS)
    assert tuple(EvaluateOptions("mine").variants) == DEFAULT_VARIANTS
    assert [find_variant(name).name for name in DEFAULT_VARIANTS] == list(DEFAULT_VARIANTS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("evaluate", "nope"), "'nope' is no folder"),
        (("evaluate", "nope", "--value-quality", "2"), "'nope' is no folder"),
        (("collect", "FOLDER", "--policy", "nope"), "'nope' is no folder"),
        (("collect", "FOLDER", "--policy", "nope", "--robot", "xarm7"), "robot 'xarm7' cannot be simulated"),
        (("evaluate", "--robot", "ur5e"), "robot 'ur5e' cannot be simulated"),
    ],
)
def test_a_mistake_ends_in_one_line(
    tmp_path: Path, hume: Callable[..., Ended], arguments: tuple[str, ...], message: str
) -> None:
    ended = hume(*(tmp_path if part == "FOLDER" else part for part in arguments))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("hume: ")
    assert message in ended.err
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("device=cuda:9",), "device is 'cuda:9', but this PyTorch"),
        (("dataset=./data/nothing",), "dataset './data/nothing' is no folder"),
        (("tracker=visdom",), "'visdom'. Valid: tensorboard, wandb, trackio"),
        (("lora.rank=-2",), "'lora.rank' is -2"),
    ],
)
@pytest.mark.parametrize("kind", ["system2", "system1"])
def test_a_training_that_cannot_be_ends_in_one_line(
    tmp_path: Path, hume: Callable[..., Ended], kind: str, changes: tuple[str, ...], message: str
) -> None:
    file = tmp_path / "config.yaml"
    checkpoint = shipped_checkpoint("wx250s_tabletop")
    file.write_text(f"dataset: {tmp_path / 'gone'}\noutput: {tmp_path / 'run'}\ncheckpoint: {checkpoint}\n")
    ended = hume("train", kind, "--config", file, *(word for change in changes for word in ("--set", change)))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("hume: ")
    assert message in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_plan_needs_neither_dataset_nor_weights(tmp_path: Path, hume: Callable[..., Ended]) -> None:
    pytest.importorskip("peft")
    file = tmp_path / "config.yaml"
    file.write_text("dataset: gone\noutput: run\npreset: tabletop\ndevice: cuda\nbatch_size: 2\nlora: {rank: 3}\n")
    ended = hume("train", "system2", "--config", file, "--plan")
    assert (ended.code, ended.err) == (0, "")
    assert "| rank 3 | " in ended.out
    assert "computed in float32" in ended.out
    assert not (tmp_path / "run").exists()


def test_an_error_in_a_worker_ends_in_its_message(tmp_path: Path, hume: Callable[..., Ended]) -> None:
    shipped = shipped_checkpoint("wx250s_tabletop")
    folder = tmp_path / "damaged"
    folder.mkdir()
    for name in ("config.json", CONTRACT_FILE, "model.safetensors"):
        shutil.copy(shipped / name, folder)
    for arguments in (
        ("evaluate", folder, "--episodes", "30", "--suite", "lift"),
        ("collect", tmp_path / "data", "--policy", folder, "--episodes", "30"),
    ):
        ended = hume(*arguments)
        assert ended.code == 2
        assert "Traceback" not in ended.err
        assert ended.err.splitlines()[-1].startswith("hume: ")
        assert "tokenizer" in ended.err.splitlines()[-1]


def test_a_profile_with_other_rows_gets_a_checkpoint_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_checkpoint() == shipped_checkpoint("wx250s_tabletop")
    profile = RobotProfile.load("wx250s_sim").with_action("ee_delta")
    assert default_checkpoint(profile) == random_checkpoint(profile)


def test_a_checkpoint_of_tool_motions_is_evaluated_without_an_option(
    tmp_path: Path, hume: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    checkpoint = random_checkpoint(RobotProfile.load("wx250s_sim").with_action("ee_delta"))
    monkeypatch.setitem(SUITES, "lift", replace(SUITES["lift"], time_limit=2.0))
    report = tmp_path / "report.json"
    ended = hume(
        "evaluate", checkpoint, "--suite", "lift", "--variants", "n1", "--episodes", "1", "--system2-rate", "2",
        "--json", report,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    line = "--system2-rate 2 --system2-latency 0.1 --system1-rate 20 --system1-latency 0.02"
    assert f"Rates and latencies: {line}" in ended.out
    assert "NaN" not in report.read_text()
