"""Where commands go. `send` runs on the command path: it fills a message made beforehand and publishes it."""

from __future__ import annotations

from array import array
from typing import Protocol

from rclpy.node import Node
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from hume_core.robot import ArmControllerType, RobotProfile
from hume_ros import qos
from hume_ros.conversions import set_stamp
from hume_system1.control import sinks as content
from hume_system1.control.command import Command
from hume_system1.control.core import ControlCore
from hume_system1.gripper_sinks import make_gripper_sink


class Sink(Protocol):
    """Takes the command of each tick."""

    def send(self, command: Command) -> None:
        """Publish it. Called from the loop thread."""

    def close(self) -> None:
        """Leave the topic."""


class ForwardCommandSink:
    """`forward_command_controller`: joint positions, rad."""

    def __init__(self, node: Node, topic: str, size: int) -> None:
        self._node = node
        self._publisher = node.create_publisher(Float64MultiArray, topic, qos.COMMAND)
        self._data = array("d", [0.0] * size)
        self._message = Float64MultiArray(data=self._data)

    def send(self, command: Command) -> None:
        """See `Sink`."""
        self._message.data[:] = array("d", content.forward_command(command))
        self._publisher.publish(self._message)

    def close(self) -> None:
        """See `Sink`."""
        self._node.destroy_publisher(self._publisher)


class JointTrajectorySink:
    """`joint_trajectory_controller`: where to be shortly, then where the arm comes to rest if no more messages come.

    The second point has zero velocity, as the controller demands of the last one, and it brings the arm to a
    controlled stop when this process dies.
    """

    def __init__(self, node: Node, topic: str, profile: RobotProfile, core: ControlCore) -> None:
        self._node = node
        self._core = core
        self._publisher = node.create_publisher(JointTrajectory, topic, qos.COMMAND)
        self._period = 1.0 / profile.rates.stream
        # A stamp of zero means "from now" to the controller.
        self._message = JointTrajectory(joint_names=list(profile.joint_names))

    def send(self, command: Command) -> None:
        """See `Sink`."""
        points = content.trajectory_points(command, self._core.stop_point(), self._period)
        self._message.points = [_point(values) for values in points]
        self._publisher.publish(self._message)

    def close(self) -> None:
        """See `Sink`."""
        self._node.destroy_publisher(self._publisher)


def _point(values: content.TrajectoryPoint) -> JointTrajectoryPoint:
    point = JointTrajectoryPoint(positions=array("d", values.positions), velocities=array("d", values.velocities))
    set_stamp(point.time_from_start, values.time_from_start)
    return point


def make_sinks(node: Node, profile: RobotProfile, core: ControlCore, dry_run: bool) -> list[Sink]:
    """The sinks of a robot; none in a dry run.

    Raises:
        RobotProfileError: the gripper's controller needs a package that is not installed.
    """
    if dry_run:
        return []
    arm = profile.controllers.arm
    sinks: list[Sink] = [
        ForwardCommandSink(node, arm.topic, len(profile.joints))
        if arm.type is ArmControllerType.FORWARD_COMMAND
        else JointTrajectorySink(node, arm.topic, profile, core)
    ]
    gripper = make_gripper_sink(node, profile, core)
    return sinks if gripper is None else [*sinks, gripper]
