"""Which robot an evaluation plays: the checkpoint says what rows mean, and only the simulated arm can be played."""

from pathlib import Path
from typing import Any

import pytest

from hume_core.errors import ActionSpaceError, CheckpointError, ContractError, RobotProfileError
from hume_core.policy_contract import PolicyContract
from hume_core.robot import RobotProfile
from hume_training.evaluation.robot import checked_robot, robot_for, simulated_robot
from hume_training.initialize import create_checkpoint

ROBOTS = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"


@pytest.fixture(autouse=True)
def _robots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUME_ROBOTS", str(ROBOTS))


@pytest.fixture
def profile() -> RobotProfile:
    return RobotProfile.load("wx250s_sim")


def contract_of(profile: RobotProfile, space: str, **conventions: Any) -> PolicyContract:
    return PolicyContract.of(profile.with_action(space, **conventions))


@pytest.mark.parametrize("given", ["", "ee_delta"])
def test_the_contract_says_what_rows_mean(profile: RobotProfile, given: str) -> None:
    adapted = robot_for(contract_of(profile, "ee_delta", dt=0.1, frame="tool"), profile, given)
    assert (adapted.action.space, adapted.action.dt, adapted.action.frame) == ("ee_delta", 0.1, "tool")


def test_an_option_that_contradicts_the_contract_is_refused(profile: RobotProfile) -> None:
    with pytest.raises(ContractError, match=r"says 'ee_delta', --action-space 'joint_delta'\. Leave"):
        robot_for(contract_of(profile, "ee_delta"), profile, "joint_delta")


def test_without_a_contract_the_option_says_it(profile: RobotProfile) -> None:
    assert robot_for(None, profile, "joint_position").action.space == "joint_position"
    with pytest.raises(ActionSpaceError, match="Valid: joint_position"):
        robot_for(None, profile, "nope")


def test_where_nobody_says_it_the_error_says_what_to_do(profile: RobotProfile) -> None:
    with pytest.raises(ContractError, match=r"has no policy_contract\.json.*Give --action-space"):
        robot_for(None, profile)


@pytest.mark.parametrize(
    ("robot", "problem"),
    [
        ("ur5e", "its joints are shoulder_pan_joint"),
        ("vx300s", "finger goes from 0.021"),
        ("so101", "its joints are"),
        ("aloha", "finger goes from 0.018"),
    ],
)
def test_another_arm_cannot_be_simulated(robot: str, problem: str) -> None:
    with pytest.raises(RobotProfileError, match=f"'{robot}' cannot be simulated: .*{problem}.*: wx250s, wx250s_sim"):
        simulated_robot(robot)


def test_the_pair_is_not_played_without_ros() -> None:
    with pytest.raises(RobotProfileError, match=r"has 2 arms, and .*one: wx250s, wx250s_sim\. .*hume up sim"):
        simulated_robot("wx250s_pair_sim")


def test_a_camera_that_the_scene_lacks_is_named(tmp_path: Path) -> None:
    content = (ROBOTS / "wx250s_sim.yaml").read_text(encoding="utf-8")
    path = tmp_path / "mine.yaml"
    for topic, found in (("camera/side/image_raw", "'side'"), ("image", "''")):
        path.write_text(content.replace("camera/wrist/image_raw", topic), encoding="utf-8")
        with pytest.raises(RobotProfileError, match=f"has a camera {found}. The scene has scene, wrist"):
            simulated_robot(str(path))


def test_a_checkpoint_is_checked_before_its_weights_are_read(tmp_path: Path, profile: RobotProfile) -> None:
    with pytest.raises(CheckpointError, match="'nope' is no folder"):
        checked_robot("nope", "wx250s_sim")
    folder = create_checkpoint(tmp_path / "bare", cameras=tuple(profile.cameras))
    with pytest.raises(ContractError, match="Give --action-space"):
        checked_robot(str(folder), "wx250s_sim")
    assert checked_robot(str(folder), "wx250s_sim", "joint_delta").action.space == "joint_delta"
    with pytest.raises(CheckpointError, match=r"of 7 and 7 numbers, but config\.json says 7 and 6"):
        checked_robot(str(create_checkpoint(tmp_path / "narrow", action_dim=6)), "wx250s_sim", "joint_delta")


def test_a_checkpoint_of_another_robot_is_refused(tmp_path: Path, profile: RobotProfile) -> None:
    other = PolicyContract.of(RobotProfile.load("franka_panda"))
    folder = create_checkpoint(
        tmp_path / "other", state_dim=other.state_dim, action_dim=other.action_dim, contract=other
    )
    with pytest.raises(ContractError, match="was not made for robot 'wx250s_sim': joints: "):
        checked_robot(str(folder), "wx250s_sim")


def test_a_checkpoint_that_wants_less_of_the_state_is_given_less(tmp_path: Path, profile: RobotProfile) -> None:
    wanted = profile.model_copy(update={"state": profile.state[:1]})
    folder = create_checkpoint(
        tmp_path / "less", state_dim=wanted.state_dim, action_dim=wanted.action_dim, contract=PolicyContract.of(wanted)
    )
    assert checked_robot(str(folder), "wx250s_sim").state_names == profile.joint_names
