"""The shipped recording gives the shipped commands. `./hume python test/test_regress_recorded.py` writes them again."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hume_bags.regress.stream import read_stream
from hume_core.policy_contract import PolicyContract
from hume_core.robot import RobotProfile
from hume_tools.cli.main import app
from hume_training.initialize import create_checkpoint

ROBOT = "wx250s_sim"
BAGS = Path(__file__).parent / "fixtures" / "bags"
BAG, GOLDEN = BAGS / "lift", BAGS / "lift.stream"
SEED = 3
"""Of the noise. No choice between candidates is close with it, so that another machine chooses the same."""
# Constant, so that the stream does not hang on the definitions of the messages that carry durations.
LATENCIES = ("--think-latency", "0.15", "--denoise-latency", "0.05")


def small_checkpoint(folder: Path) -> Path:
    """Random weights, centred on the home pose as those of the demo."""
    profile = RobotProfile.load(ROBOT)
    home = list(profile.home)
    created: Path = create_checkpoint(
        folder, "small", 0,
        state_mean=[*home, 0.026], state_std=[0.05] * 6 + [0.01],
        action_mean=[0.0] * 6 + [0.5], action_std=[0.05] * 6 + [0.3], s1_num_steps=5,
        contract=PolicyContract.of(profile),
    )  # fmt: skip
    return created


def arguments(checkpoint: Path) -> list[str]:
    """What both the test and the writing of the golden file run."""
    return ["regress", str(BAG), "--checkpoint", str(checkpoint), "--seed", str(SEED), *LATENCIES]


def test_the_recording_gives_the_golden_command_stream(tmp_path: Path) -> None:
    checkpoint = small_checkpoint(tmp_path / "checkpoint")
    result = CliRunner().invoke(app, [*arguments(checkpoint), "--golden", str(GOLDEN)])
    assert result.exit_code == 0, result.output
    assert "hume regress: same" in result.output


def test_the_golden_stream_follows_the_recording() -> None:
    stream = read_stream(GOLDEN)
    names = [stream.header["modes"][code] for code in stream.commands["mode"]]
    assert names.count("running") > 0.7 * len(names)
    # At rest, without a task, commands are soon withheld.
    assert all(stream.commands["published"][[name in ("running", "hold") for name in names]])
    assert stream.commands["time"][-1] * 1e-9 == pytest.approx(9.5, abs=1.5)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        app([*arguments(small_checkpoint(Path(folder))), "--write", str(GOLDEN)])
