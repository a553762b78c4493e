"""The stand-in for two arms: each controller moves its own joints, and any part may fall silent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.parameter import Parameter

from hume_core.errors import ConfigError
from hume_core.robot import RobotProfile
from hume_sim.mock_arm import MockArm
from hume_sim.mock_controllers import profile_controllers
from hume_sim.mock_joint_states import MockJointStates

ALOHA = RobotProfile.load(Path(__file__).parents[2] / "hume_bringup" / "config" / "robots" / "aloha.yaml")
PATHS = ("arms.left", "arms.right", "grippers.left", "grippers.right")


class Topic:
    def __init__(self) -> None:
        self.sent: list[Any] = []

    def publish(self, message: Any) -> None:
        self.sent.append(message)


class FakeNode:
    """Has publishers and a callback for parameters."""

    def __init__(self) -> None:
        self.topics: list[Topic] = []

    def create_publisher(self, kind: Any, topic: str, depth: int) -> Topic:
        self.topics.append(Topic())
        return self.topics[-1]

    def add_on_set_parameters_callback(self, callback: Any) -> None:
        self.set = callback

    def names(self) -> list[list[str]]:
        """Of each message that was sent, which are then forgotten."""
        found = [list(message.name) for topic in self.topics for message in topic.sent]
        for topic in self.topics:
            topic.sent.clear()
        return found


def made(separate: bool = False, silent: str = "") -> tuple[MockArm, FakeNode, MockJointStates]:
    arm, node = MockArm(ALOHA), FakeNode()
    return arm, node, MockJointStates(node, "joint_states", arm, separate=separate, silent=silent)  # type: ignore[arg-type]


@pytest.mark.parametrize("moved", range(4))
def test_a_command_moves_the_joints_of_its_own_controller(moved: int) -> None:
    arm = MockArm(ALOHA)
    assert [group.path for group in arm.groups] == list(PATHS)
    group, start = arm.groups[moved], arm.position
    step = -0.001 if moved > 1 else 0.001
    group.command((start[group.place] + step).tolist())
    arm.step(0.1)
    expected = start.copy()
    expected[group.place] += step
    np.testing.assert_allclose(arm.position, expected, atol=1e-12)
    assert (arm.velocity != 0.0).sum() == len(group.names)


def test_every_arm_and_gripper_has_a_controller() -> None:
    found = {each.name: each.command_interfaces for each in profile_controllers(ALOHA)}
    assert set(found) == set(ALOHA.managed_controllers)
    assert found["right_arm_controller"] == tuple(f"{name}/position" for name in ALOHA.arms[1].joint_names)
    assert found["left_gripper_controller"] == ("left_gripper/position",)


def test_joint_states_come_in_one_message_or_one_for_each_driver() -> None:
    arm, node, states = made()
    states.publish(Time(sec=3))
    (message,) = node.topics[0].sent
    assert list(message.name) == list(arm.names)
    np.testing.assert_array_equal(message.position, arm.position)
    assert message.header.stamp.sec == 3
    _, node, states = made(separate=True)
    states.publish(Time())
    assert node.names() == [list(group.names) for group in arm.groups]


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("silent", PATHS)
def test_a_silent_part_is_left_out_until_it_is_heard_again(separate: bool, silent: str) -> None:
    arm, node, states = made(separate)
    lost = next(group for group in arm.groups if group.path == silent)
    assert node.set([Parameter("silent_parts", value=silent)]).successful
    states.publish(Time())
    assert [name for names in node.names() for name in names] == [n for n in arm.names if n not in lost.names]
    assert node.set([Parameter("silent_parts", value=""), Parameter("other", value=1)]).successful
    states.publish(Time())
    assert sum(map(len, node.names())) == len(arm.names)


def test_nothing_is_sent_where_all_are_silent() -> None:
    _, node, states = made(silent=" , ".join(PATHS))
    states.publish(Time())
    assert node.names() == []


@pytest.mark.parametrize("wrong", ["arms.lft", "left", "arms.left grippers.left"])
def test_a_part_that_there_is_not_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"which the robot does not have\. Valid: arms\.left, arms\.right"):
        made(silent=wrong)
    _, node, _ = made()
    answer = node.set([Parameter("silent_parts", value=f"arms.left,{wrong}")])
    assert not answer.successful
    assert wrong in answer.reason
