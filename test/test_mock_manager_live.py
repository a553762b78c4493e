"""The mock robot's controller manager on a live graph: listed, switched, obeyed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rcl_interfaces.srv import GetParameters
from rclpy.parameter import parameter_value_to_python
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from hume_core.robot import RobotProfile, find_profile
from hume_ros import qos

messages = pytest.importorskip("controller_manager_msgs.msg", reason="needs controller_manager_msgs")
services = pytest.importorskip("controller_manager_msgs.srv", reason="needs controller_manager_msgs")
Switch = services.SwitchController

pytestmark = pytest.mark.ros


class Robot:
    """What a test sees of the mock, and how it commands it."""

    def __init__(self, observer: Any, profile: RobotProfile) -> None:
        self.observer, self.profile = observer, profile
        self.positions: dict[str, float] = {}
        self.activity: list[dict[str, str]] = []
        node = observer.node
        self._subscriptions = [
            node.create_subscription(JointState, profile.joint_states, self._note_positions, qos.SENSOR),
            node.create_subscription(
                messages.ControllerManagerActivity, "controller_manager/activity", self._note_activity, qos.LATCHED
            ),
        ]
        self._trajectory = profile.arm.controller.type.value.startswith("joint_trajectory")
        kind = JointTrajectory if self._trajectory else Float64MultiArray
        self._publisher: Any = node.create_publisher(kind, profile.arm.controller.topic, qos.COMMAND)

    def _note_positions(self, message: JointState) -> None:
        self.positions = dict(zip(message.name, message.position, strict=True))

    def _note_activity(self, message: Any) -> None:
        self.activity.append({controller.name: controller.state.label for controller in message.controllers})

    def command(self, positions: list[float]) -> None:
        """Send one command to the arm."""
        self.observer.until(self._publisher.get_subscription_count, 20.0, "a listening controller")
        message: Any = Float64MultiArray(data=positions)
        if self._trajectory:
            point = JointTrajectoryPoint(positions=positions)
            message = JointTrajectory(joint_names=list(self.profile.joint_names), points=[point])
        self._publisher.publish(message)

    def arm(self) -> list[float]:
        """Measured arm positions, rad."""
        return [round(self.positions[name], 3) for name in self.profile.joint_names]

    def switch(self, activate: list[str], deactivate: list[str], strictness: int) -> Any:
        """Ask the manager for a switch. It may be asked twice, so only its answer's meaning counts."""
        request = Switch.Request(
            activate_controllers=activate, deactivate_controllers=deactivate, strictness=strictness
        )
        return self.observer.call(Switch, "controller_manager/switch_controller", request)

    def close(self) -> None:
        """Leave the topics."""
        for subscription in self._subscriptions:
            self.observer.node.destroy_subscription(subscription)
        self.observer.node.destroy_publisher(self._publisher)


@pytest.mark.parametrize("name", ["wx250s_sim", "so101"])
def test_the_manager_lists_switches_and_is_obeyed(name: str, observer: Any, start: Callable[..., Any]) -> None:
    profile = RobotProfile.load(name)
    start("hume_sim", "hume_mock", robot=str(find_profile(name)))
    robot = Robot(observer, profile)
    arm = "arm_controller"
    observer.until(lambda: robot.positions and robot.activity, 30.0, "joint states and the latched activity")
    assert robot.activity[-1] == {arm: "active", "gripper_controller": "active"}

    listed = observer.call(
        services.ListControllers, "controller_manager/list_controllers", services.ListControllers.Request()
    ).controller[0]
    assert (listed.name, listed.state, listed.update_rate) == (arm, "active", profile.rates.stream)
    assert listed.claimed_interfaces == [f"{joint}/position" for joint in profile.joint_names]

    request = GetParameters.Request(names=["joints", "update_rate"])
    values = observer.call(GetParameters, f"/{arm}/get_parameters", request).values
    assert parameter_value_to_python(values[0]) == list(profile.joint_names)
    assert parameter_value_to_python(values[1]) == profile.rates.stream

    home = robot.arm()
    away = [round(value + 0.1, 3) for value in home]
    assert robot.switch([], [arm], Switch.Request.BEST_EFFORT).ok
    observer.until(lambda: robot.activity[-1][arm] == "inactive", 20.0, "the activity of the stop")
    robot.command(away)
    observer.spin(0.5)
    assert robot.arm() == home
    assert not robot.switch([], [arm], Switch.Request.STRICT).ok

    assert robot.switch([arm], [], Switch.Request.BEST_EFFORT).ok
    observer.until(lambda: robot.activity[-1][arm] == "active", 20.0, "the activity of the start")
    observer.spin(0.3)
    assert robot.arm() == home
    robot.command(away)
    observer.until(lambda: robot.arm() == away, 20.0, "the commanded position")
    robot.close()


def test_a_profile_without_manager_has_none(observer: Any, start: Callable[..., Any], tmp_path: Path) -> None:
    data = yaml.safe_load(find_profile("so101").read_text(encoding="utf-8"))
    data["controllers"]["controller_manager"] = ""
    del data["kinematics"]
    path = tmp_path / "alone.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    process = start("hume_sim", "hume_mock", robot=str(path))
    robot = Robot(observer, RobotProfile.load(path))
    observer.until(lambda: robot.positions, 30.0, "joint states")
    assert "no controller_manager: the profile has no controllers under one" in process.output
    away = [round(value + 0.1, 3) for value in robot.arm()]
    robot.command(away)
    observer.until(lambda: robot.arm() == away, 20.0, "the commanded position")
    robot.close()
