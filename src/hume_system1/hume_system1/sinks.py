"""Where commands go. `send` runs on the command path: it fills a message made beforehand and publishes it."""

from __future__ import annotations

from array import array
from math import inf, isnan
from typing import Any, Protocol

from rclpy.node import Node
from rclpy.publisher import Publisher
from std_msgs.msg import Float64MultiArray

from hume_core.errors import RobotProfileError
from hume_core.robot import ArmControllerType, GripperController, GripperControllerType, RobotProfile
from hume_ros import qos
from hume_ros.timers import steady_timer
from hume_system1.control.command import Command
from hume_system1.control.core import ControlCore
from hume_system1.control.joint_limiter import JointLimiter
from hume_system1.control.trajectory_stream import TrajectoryStream
from hume_system1.trajectory_publisher import TrajectoryPublisher

_GRIPPER_TOLERANCE = 1e-4


class Sink(Protocol):
    """Takes the command of each tick."""

    def send(self, command: Command) -> None:
        """Publish it. Called from the loop thread."""

    def unheard(self) -> str:
        """The topic if nobody subscribes to it, else empty."""

    def close(self) -> None:
        """Leave the topic."""


def unheard(publisher: Publisher[Any]) -> str:
    """The publisher's topic if nobody subscribes to it, else empty."""
    return "" if publisher.get_subscription_count() else publisher.topic_name


class ForwardCommandSink:
    """`forward_command_controller`: joint positions, rad."""

    def __init__(self, node: Node, topic: str, size: int) -> None:
        self._node = node
        self._publisher = node.create_publisher(Float64MultiArray, topic, qos.COMMAND)
        self._data = array("d", [0.0] * size)
        self._message = Float64MultiArray(data=self._data)

    def send(self, command: Command) -> None:
        """See `Sink`."""
        self._message.data[:] = array("d", command.position)
        self._publisher.publish(self._message)

    def unheard(self) -> str:
        """See `Sink`."""
        return unheard(self._publisher)

    def close(self) -> None:
        """See `Sink`."""
        self._node.destroy_publisher(self._publisher)


class JointTrajectorySink:
    """`joint_trajectory_controller`: what was said and is not over, the command, and the way to standstill."""

    def __init__(self, node: Node, topic: str, profile: RobotProfile, core: ControlCore) -> None:
        settings = core.settings
        self._core, self._starts = core, 0
        self._stream = TrajectoryStream(
            len(profile.joints), profile.trajectory_lead, settings.period, settings.longest_tick
        )
        self._trajectory = TrajectoryPublisher(node, topic, profile.joint_names, self._stream)

    def send(self, command: Command) -> None:
        """See `Sink`."""
        if command.starts != self._starts:
            self._stream.clear()
            self._starts = command.starts
        self._stream.add(command.time, self._core.limiter.joints)
        self._trajectory.publish()

    def unheard(self) -> str:
        """See `Sink`."""
        return unheard(self._trajectory.publisher)

    def close(self) -> None:
        """See `Sink`."""
        self._trajectory.close()


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

    def unheard(self) -> str:
        """See `Sink`."""
        return unheard(self._publisher)

    def close(self) -> None:
        """See `Sink`."""
        self._node.destroy_publisher(self._publisher)


class GripperTrajectorySink:
    """A gripper under `joint_trajectory_controller`: one joint, m or rad, which goes in lines."""

    def __init__(self, node: Node, topic: str, joint: str, profile: RobotProfile) -> None:
        period = 1.0 / profile.rates.stream
        # Limits are for what has a velocity. The command's speed is limited already.
        self._joint = JointLimiter(-inf, inf, 1.0, 1.0, 1.0)
        self._stream = TrajectoryStream(1, profile.trajectory_lead, period, 1.5 * period)
        self._trajectory = TrajectoryPublisher(node, topic, [joint], self._stream, derivatives=False)
        self._starts = 0

    def send(self, command: Command) -> None:
        """See `Sink`."""
        if isnan(command.gripper):
            return
        if command.starts != self._starts:
            self._stream.clear()
            self._starts = command.starts
        self._joint.p = command.gripper
        self._stream.add(command.time, [self._joint])
        self._trajectory.publish()

    def unheard(self) -> str:
        """See `Sink`."""
        return unheard(self._trajectory.publisher)

    def close(self) -> None:
        """See `Sink`."""
        self._trajectory.close()


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

    def unheard(self) -> str:
        """See `Sink`; a server that is missing is waited for."""
        return ""

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
        return GripperTrajectorySink(node, controller.topic, profile.gripper.joint, profile)
    return GripperActionSink(node, controller.topic)
