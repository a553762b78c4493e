"""Which sink a gripper gets, and what its goals carry. The actions themselves: `test/test_gripper_live.py`."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from hume_core.errors import RobotProfileError
from hume_core.robot import Gripper, RobotProfile
from hume_system1 import gripper_sinks
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.core import ControlCore
from hume_system1.control.gripper_goals import GripperGoal
from hume_system1.gripper_client import goal_message
from hume_system1.gripper_sinks import (
    GripperActionSink,
    GripperPositionSink,
    GripperTrajectorySink,
    make_gripper_sinks,
)
from hume_system1.robot_settings import control_settings, gripper_settings


class FakeNode:
    """Takes publishers and timers, and has no other node in its graph."""

    def create_publisher(self, *args: Any) -> object:
        return object()

    def get_publishers_info_by_topic(self, topic: str) -> list[Any]:
        return []


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(gripper_sinks, "steady_timer", lambda *args: None)
    return FakeNode()


def core_of(profile: RobotProfile) -> ControlCore:
    settings = control_settings(profile, ControlSettings())
    return ControlCore(profile.motion_limits(), settings, gripper_settings(profile))


@pytest.mark.parametrize(
    ("robot", "kind"),
    [
        ("wx250s_sim", GripperPositionSink),
        ("wx250s", GripperTrajectorySink),
        ("ur5e", GripperActionSink),
        ("franka_fr3", GripperActionSink),
        ("franka_panda", GripperActionSink),
        ("xarm7", GripperActionSink),
    ],
)
def test_each_robot_gets_the_sink_of_its_controller(node: Any, robot: str, kind: type) -> None:
    profile = RobotProfile.load(robot)
    (sink,) = make_gripper_sinks(node, profile, core_of(profile))
    assert type(sink) is kind


def test_a_robot_without_gripper_gets_none(node: Any) -> None:
    profile = RobotProfile.load("ur5e")
    bare = profile.model_copy(update={"grippers": ()})
    assert make_gripper_sinks(node, bare, core_of(profile)) == []


def test_a_missing_package_is_named_with_what_to_do(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "control_msgs.action", None)
    profile = RobotProfile.load("ur5e")
    with pytest.raises(RobotProfileError, match=r"needs control_msgs .*apt install .* or use 'position'"):
        make_gripper_sinks(node, profile, core_of(profile))


@pytest.mark.parametrize(("force", "plain", "parallel"), [(None, 0.0, []), (0.5, 0.5, [0.5]), (120.0, 120.0, [120.0])])
def test_goals_carry_force_and_speed_of_the_profile(force: float | None, plain: float, parallel: list[float]) -> None:
    actions = pytest.importorskip("control_msgs.action")
    gripper = Gripper(joint="knuckle", closed=0.7, open=0.1, speed=1.5, force=force)
    command = goal_message(actions.GripperCommand, gripper, GripperGoal(1, 0.3)).command
    assert (command.position, command.max_effort) == (0.3, plain)
    joint = goal_message(actions.ParallelGripperCommand, gripper, GripperGoal(1, 0.3)).command
    assert (list(joint.name), list(joint.position), list(joint.velocity)) == (["knuckle"], [0.3], [1.5])
    assert list(joint.effort) == parallel
