"""What a policy's gripper number asks of the gripper."""

from __future__ import annotations

from pathlib import Path

import pytest

from hume_core.policy_contract import named_contract
from hume_core.robot import RobotProfile
from hume_system1.control.gripper import GripperSetpoint
from hume_system1.robot_settings import gripper_settings

ROBOTS = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"


@pytest.mark.parametrize("closed_open", [(0.0, 1.0), (1.0, -1.0), (0.0, 100.0)])
def test_a_robot_s_gripper_goes_where_the_policy_s_number_says(closed_open: tuple[float, float]) -> None:
    """Raw 1 opens and 0 closes for LIBERO; other checkpoints have other ends."""
    closed, opened = closed_open
    robot = RobotProfile.load(ROBOTS / "franka_panda.yaml")
    assert robot.gripper is not None
    gripper = robot.gripper.model_copy(update={"policy_closed": closed, "policy_open": opened})
    (settings,) = gripper_settings(robot.model_copy(update={"grippers": (gripper,)}))
    command = GripperSetpoint(settings)
    assert [command.step(number, 10.0) for number in (opened, closed, opened)] == [0.04, 0.0, 0.04]


@pytest.mark.parametrize("name", ["libero_goal", "libero_object", "libero_spatial"])
def test_libero_s_gripper_is_open_at_one_and_closed_at_zero(name: str) -> None:
    robot = named_contract(name).adapt(RobotProfile.load(ROBOTS / "franka_panda.yaml"))
    (settings,) = gripper_settings(robot)
    command = GripperSetpoint(settings)
    assert [command.step(number, 10.0) for number in (1.0, 0.0, 1.0)] == [0.04, 0.0, 0.04]
