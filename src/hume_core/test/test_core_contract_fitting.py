"""Whether a checkpoint was made for a robot: by what its numbers mean, never by sizes alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from hume_core.errors import ContractError
from hume_core.policy_contract import PolicyContract, fitted_robot, named_contract
from hume_core.robot import RobotProfile

PROFILE = RobotProfile.load("wx250s_sim")


def sizes(state: int = 7, action: int = 7) -> Any:
    return SimpleNamespace(state_dim=state, action_dim=action)


@pytest.mark.parametrize(
    ("robot", "config"), [("wx250s_sim", sizes()), ("franka_panda", sizes(8, 7)), ("so101", sizes(6, 6))]
)
def test_equal_sizes_are_no_contract(robot: str, config: Any) -> None:
    profile = RobotProfile.load(robot)
    with pytest.raises(ContractError) as caught:
        fitted_robot(config, None, profile, "checkpoints/mine")
    for part in ("checkpoints/mine", "policy_contract.json", "./hume contract checkpoints/mine", "libero_goal"):
        assert part in str(caught.value)


def test_with_a_contract_every_field_is_compared() -> None:
    contract = PolicyContract.of(PROFILE)
    assert fitted_robot(sizes(), contract, PROFILE) is PROFILE
    for space in ("joint_position", "ee_delta", "ee_pose"):
        with pytest.raises(ContractError, match=f"'wx250s_sim': action space: .*'joint_delta', the robot '{space}'"):
            fitted_robot(sizes(), contract, PROFILE.with_action(space))
    with pytest.raises(ContractError, match=r"action space: .*; dt: the checkpoint has 0\.05 s, the robot 0\.2 s"):
        fitted_robot(sizes(), contract, RobotProfile.load("wx250s"))


def test_a_contract_of_other_sizes_than_the_weights_is_refused() -> None:
    with pytest.raises(ContractError, match=r"states and actions of 7 and 7 numbers, but config\.json says 8 and 7"):
        fitted_robot(sizes(state=8), PolicyContract.of(PROFILE), PROFILE)


def test_a_robot_gives_what_it_can_compose_and_the_rest_is_named() -> None:
    contract = named_contract("libero_goal")
    panda = RobotProfile.load("franka_panda")
    seen = fitted_robot(sizes(8, 7), contract, panda)
    assert seen.state_names == (
        "x", "y", "z", "rx", "ry", "rz", "panda_finger_joint1_finger", "panda_finger_joint1_other_finger",
    )  # fmt: skip
    assert contract.differences(seen) == []
    arm = panda.arm.model_copy(update={"kinematics": None})
    lacking: dict[str, Any] = {"grippers": (), "arms": (arm,), "state": panda.state[:1]}
    bare = panda.model_copy(update=lacking | {"cameras": {"image": panda.cameras["image"]}})
    lines = contract.differences(bare)
    assert any("gripper" in line for line in lines)
    assert any("'tool_position', which needs forward kinematics" in line for line in lines)
    assert any(line.startswith("camera 'wrist_image': the robot has image") for line in lines)


def test_a_policy_of_the_tool_fits_arms_with_other_joint_names() -> None:
    data = RobotProfile.load("franka_panda").model_dump(mode="json")
    data["joints"] = [joint | {"name": joint["name"].replace("panda", "left")} for joint in data["joints"]]
    data["gripper"]["joint"] = "left_finger"
    assert named_contract("libero_object").differences(RobotProfile.model_validate(data)) == []


def test_a_state_that_names_joints_belongs_to_them() -> None:
    contract = PolicyContract.of(RobotProfile.load("franka_panda"))
    data = contract.model_dump(mode="json") | {"state": [{"field": "joint_positions", "joints": ["panda_joint4"]}]}
    few = PolicyContract.model_validate(data)
    assert few.state_names == ("panda_joint4",)
    lines = few.differences(RobotProfile.load("xarm7").with_action("ee_delta"))
    assert any(line.startswith("joints: ") for line in lines)
    assert any("state.0 names joint 'panda_joint4'. The arm has: joint1" in line for line in lines)


def test_a_camera_of_another_name_serves() -> None:
    seen = fitted_robot(sizes(8, 7), named_contract("bridge"), RobotProfile.load("wx250s"))
    assert list(seen.cameras) == ["image_0"]
    assert seen.cameras["image_0"].topic == RobotProfile.load("wx250s").cameras["image"].topic
