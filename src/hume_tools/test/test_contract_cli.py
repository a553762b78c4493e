"""`hume contract` prints what is known or a draft; the doctor compares a checkpoint with a robot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hume_core.policy_contract import CONTRACT_FILE, PolicyContract, named_contract
from hume_core.robot import RobotProfile
from hume_tools.cli.main import app
from hume_tools.doctor.checkpoint import judge_checkpoint
from hume_training.initialize import create_checkpoint


@pytest.fixture
def libero(tmp_path: Path) -> Path:
    """Random weights of LIBERO's sizes, without a contract."""
    return create_checkpoint(tmp_path / "libero", "small", 0, state_dim=8, action_dim=7)


def test_a_draft_is_printed_and_refused_until_it_is_filled_in(libero: Path) -> None:
    # As a shell does it: the file is there, and empty, before the command runs.
    (libero / CONTRACT_FILE).touch()
    result = CliRunner().invoke(app, ["contract", str(libero), "--robot", "franka_panda"])
    assert result.exit_code == 0, result.output
    draft = json.loads(result.stdout)
    assert "FILL IN" in result.stdout
    assert draft["arms"][0]["joints"][0] == "panda_joint1"
    (libero / CONTRACT_FILE).write_text(result.stdout, encoding="utf-8")
    again = CliRunner().invoke(app, ["contract", str(libero)])
    assert "is a draft: fill in dt" in str(again.exception)


def test_a_contract_is_printed_as_it_is(libero: Path) -> None:
    contract = named_contract("libero_spatial")
    contract.save(libero)
    result = CliRunner().invoke(app, ["contract", str(libero)])
    assert result.exit_code == 0
    assert PolicyContract.model_validate_json(result.stdout) == contract


@pytest.mark.parametrize(
    ("robot", "contract", "expected"),
    [
        ("franka_panda", "", ["does not say what its numbers mean"]),
        ("franka_panda", "libero_goal", ["state: x, y, z, rx, ry, rz"]),
        ("franka_panda", "bridge", ["rotation: ", "scale: ", "dt: "]),
        ("wx250s", "libero_goal", ["rotation: ", "scale: ", "dt: "]),
        ("franka_panda", "nonsense", ["is neither built in nor a file"]),
    ],
)
def test_the_doctor_names_everything_that_does_not_fit(
    libero: Path, robot: str, contract: str, expected: list[str]
) -> None:
    findings = list(judge_checkpoint(RobotProfile.load(robot), str(libero), contract))
    for text in expected:
        assert any(text in finding.found for finding in findings)
    assert all(finding.good for finding in findings) is (contract == "libero_goal" and robot == "franka_panda")


def test_the_doctor_names_other_sizes(tmp_path: Path) -> None:
    folder = create_checkpoint(tmp_path / "seven", "small", 0)
    findings = list(judge_checkpoint(RobotProfile.load("franka_panda"), str(folder), "libero_goal"))
    assert any("8 and 7 numbers, config.json 7 and 7" in finding.found for finding in findings)
