"""Where commands go. `send` runs on the command path: it fills a message made beforehand and publishes it."""

from __future__ import annotations

from array import array
from math import isnan
from typing import Any, Protocol

from rclpy.node import Node
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from hume_core.errors import RobotProfileError
from hume_core.robot import ArmControllerType, GripperController, GripperControllerType, RobotProfile
from hume_ros import qos
from hume_ros.conversions import set_stamp
from hume_ros.timers import steady_timer
from hume_system1.control import sinks as content
from hume_system1.control.command import Command
from hume_system1.control.core import ControlCore

_GRIPPER_TOLERANCE = 1e-4


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


class GripperPositionSink:
    """A gripper under `forward_command_controller`: one position, m or rad."""

    def __init__(self, node: Node, topic: str) -> None:
        self._node = node
        self._publisher = node.create_publisher(Float64MultiArray, topic, qos.COMMAND)
        self._message = Float64MultiArray(data=array("d", [0.0]))

    def send(self, command: Command) -> None:
        """See `Sink`."""
        if not isnan(command.gripper):
            self._message.data[0] = command.gripper
            self._publisher.publish(self._message)

    def close(self) -> None:
        """See `Sink`."""
        self._node.destroy_publisher(self._publisher)


class GripperTrajectorySink:
    """A gripper under `joint_trajectory_controller`: one joint, m or rad, to be reached one period later."""

    def __init__(self, node: Node, topic: str, joint: str, period: float) -> None:
        self._node = node
        self._publisher = node.create_publisher(JointTrajectory, topic, qos.COMMAND)
        self._message = JointTrajectory(joint_names=[joint])
        self._period = period

    def send(self, command: Command) -> None:
        """See `Sink`."""
        if not isnan(command.gripper):
            point = JointTrajectoryPoint(positions=array("d", [command.gripper]))
            set_stamp(point.time_from_start, self._period)
            self._message.points = [point]
            self._publisher.publish(self._message)

    def close(self) -> None:
        """See `Sink`."""
        self._node.destroy_publisher(self._publisher)


class GripperActionSink:
    """A gripper behind `control_msgs/GripperCommand`; goals go out from the spin thread when the target moves.

    Raises:
        RobotProfileError: `control_msgs` is not installed.
    """

    def __init__(self, node: Node, topic: str, period: float = 0.1) -> None:
        try:
            from control_msgs.action import GripperCommand
        except ImportError as error:
            raise RobotProfileError(
                "controllers.gripper.type 'gripper_action' needs the package control_msgs; install it "
                "(apt install ros-$ROS_DISTRO-control-msgs) or use 'position'"
            ) from error
        from rclpy.action import ActionClient

        self._node = node
        self._goal: Any = GripperCommand.Goal()
        self._client: Any = ActionClient(node, GripperCommand, topic)
        self._target = self._sent = float("nan")
        self._timer = steady_timer(node, period, self._send_goal)

    def send(self, command: Command) -> None:
        """See `Sink`; only notes the target."""
        self._target = command.gripper

    def close(self) -> None:
        """See `Sink`."""
        self._node.destroy_timer(self._timer)
        self._client.destroy()

    def _send_goal(self) -> None:
        if isnan(self._target) or abs(self._target - self._sent) < _GRIPPER_TOLERANCE:
            return
        if self._client.server_is_ready():
            self._sent = self._goal.command.position = self._target
            self._client.send_goal_async(self._goal)


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
    if profile.controllers.gripper is not None:
        sinks.append(_gripper_sink(node, profile, profile.controllers.gripper))
    return sinks


def _gripper_sink(node: Node, profile: RobotProfile, controller: GripperController) -> Sink:
    if controller.type is GripperControllerType.POSITION:
        return GripperPositionSink(node, controller.topic)
    if controller.type is GripperControllerType.JOINT_TRAJECTORY and profile.gripper is not None:
        return GripperTrajectorySink(node, controller.topic, profile.gripper.joint, 1.0 / profile.rates.stream)
    return GripperActionSink(node, controller.topic)
