"""The small checkpoint fits every shipped robot profile; the shipped one is used where none is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hume_core.config import HumeConfig
from hume_core.errors import ConfigError
from hume_core.policy_contract import PolicyContract
from hume_core.robot import RobotProfile, known_profiles
from hume_tools.cli.main import app
from hume_training.default_checkpoint import (
    _actions,
    _state,
    default_checkpoint,
    main,
    random_checkpoint,
    shipped_checkpoint,
)
from hume_training.evaluation.run import EvaluateOptions


@pytest.mark.parametrize("robot", known_profiles())
def test_action_statistics_have_the_profiles_size(robot: str) -> None:
    profile = RobotProfile.load(robot)
    mean, std = _actions(profile)
    assert len(mean) == len(std) == profile.action_dim
    assert min(std) > 0.0


@pytest.mark.parametrize(
    ("suite", "name"),
    [("", "wx250s_tabletop"), ("hard", "wx250s_tabletop"), ("mixed", "wx250s_tabletop"), ("detour", "wx250s_detour")],
)
def test_the_suite_s_scene_decides_which_trained_one_is_taken(suite: str, name: str) -> None:
    assert default_checkpoint("wx250s_sim", suite) == shipped_checkpoint(name)


def test_an_unknown_suite_is_refused() -> None:
    with pytest.raises(ConfigError, match="suite 'slalom' is unknown"):
        default_checkpoint("wx250s_sim", "slalom")


def test_two_arms_stand_in_the_order_of_their_rows_and_states() -> None:
    aloha = RobotProfile.load("aloha")
    home = {joint.name: joint.home for joint in aloha.joints}
    (mean, _), (state, spread) = _actions(aloha), _state(aloha)
    # Rows and states count grippers from 0 closed to 1 open.
    assert mean == [home.get(name, 0.5) for name in aloha.action_layout().column_names]
    np.testing.assert_allclose(state, [home.get(name, 0.5) for name in aloha.state_names], rtol=1e-6)
    assert len(spread) == 14


def test_a_twist_is_small_in_metres_whatever_the_scale() -> None:
    profile = RobotProfile.load("wx250s").with_action("ee_delta", scale=(0.05,) * 3 + (0.5,) * 3)
    _, std = _actions(profile)
    assert std[0] * 0.05 == pytest.approx(0.002)
    assert std[3] * 0.5 == pytest.approx(0.01)


def test_poses_need_a_checkpoint_of_their_own() -> None:
    profile = RobotProfile.load("wx250s").with_action("ee_pose")
    with pytest.raises(ConfigError, match=r"'ee_pose' of robot 'wx250s'\. Name a checkpoint"):
        _actions(profile)


def test_the_shipped_checkpoint_fits_its_robot() -> None:
    contract = PolicyContract.load(shipped_checkpoint("wx250s_tabletop"))
    assert contract is not None
    assert contract.differences(RobotProfile.load("wx250s_sim")) == []
    config = HumeConfig.load(shipped_checkpoint("wx250s_tabletop") / "config.json")
    assert (contract.state_dim, contract.action_dim) == (config.state_dim, config.action_dim)


def test_a_small_checkpoint_says_which_robot_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    contract = PolicyContract.load(random_checkpoint("franka_panda"))
    assert contract == PolicyContract.of(RobotProfile.load("franka_panda"))


def test_evaluate_judges_the_named_or_the_shipped_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []

    def run(options: EvaluateOptions) -> int:
        judged.append(options.checkpoint)
        return 0

    monkeypatch.setattr("hume_training.evaluation.run.run_evaluate", run)
    for named in ([], ["mine"]):
        assert CliRunner().invoke(app, ["evaluate", *named]).exit_code == 0
    assert judged == [str(shipped_checkpoint("wx250s_tabletop")), "mine"]


def test_the_module_prints_the_folder_of_a_random_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(["wx250s_pair_sim"]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert folder == random_checkpoint("wx250s_pair_sim")
    contract = PolicyContract.load(folder)
    assert contract is not None
    assert (contract.action_dim, contract.state_dim) == (14, 14)
    assert main(["wx250s_trio"]) == 2
    assert "unknown robot 'wx250s_trio'" in capsys.readouterr().err
