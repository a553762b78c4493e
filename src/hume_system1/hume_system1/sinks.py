"""Where commands go. `send` runs on the command path: it fills a message made beforehand and publishes it."""

from __future__ import annotations

from array import array
from typing import Protocol

import numpy as np
from rclpy.node import Node
from std_msgs.msg import Float64MultiArray

from hume_core.robot import ArmControllerType, RobotProfile
from hume_system1.command_topic import CommandTopic
from hume_system1.control.command import Command
from hume_system1.control.core import ControlCore
from hume_system1.control.trajectory_stream import TrajectoryStream
from hume_system1.gripper_sinks import make_gripper_sink
from hume_system1.trajectory_publisher import TrajectoryPublisher


class Sink(Protocol):
    """Takes the command of each tick."""

    def send(self, command: Command) -> None:
        """Publish it. Called from the loop thread."""

    def unheard(self) -> str:
        """The topic if nobody subscribes to it, else empty."""

    def close(self) -> None:
        """Leave the topic."""


class ForwardCommandSink(CommandTopic):
    """`forward_command_controller`: joint positions, rad."""

    def __init__(self, node: Node, topic: str, size: int) -> None:
        super().__init__(node, Float64MultiArray, topic)
        self._message = Float64MultiArray(data=array("d", [0.0] * size))

    def send(self, command: Command) -> None:
        """See `Sink`."""
        self._message.data[:] = array("d", command.position)
        self._publisher.publish(self._message)


class JointTrajectorySink(TrajectoryPublisher):
    """`joint_trajectory_controller`: the points that were sent and are not over, the command, and the way to
    standstill.
    """

    def __init__(self, node: Node, topic: str, profile: RobotProfile, core: ControlCore) -> None:
        settings = core.settings
        self._core, self._turns = core, np.zeros(len(profile.joints))
        stream = TrajectoryStream(len(profile.joints), profile.trajectory_lead, settings.period, settings.longest_tick)
        super().__init__(node, topic, profile.joint_names, stream)

    def send(self, command: Command) -> None:
        """See `Sink`."""
        self._stream.add(command.time, command.starts, self._core.limiter.joints)
        self._turns[:] = 0.0
        self._core.intake.joint_states.as_reported(self._turns)
        self.publish(self._turns)


def make_sinks(node: Node, profile: RobotProfile, core: ControlCore, dry_run: bool) -> list[Sink]:
    """The sinks of a robot. None in a dry run.

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
