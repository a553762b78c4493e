"""Where commands go. `send` runs on the command path: it fills a message made beforehand and publishes it."""

from __future__ import annotations

from array import array
from typing import Protocol

import numpy as np
from rclpy.node import Node
from std_msgs.msg import Float64MultiArray

from hume_core.robot import Arm, ArmControllerType, RobotProfile
from hume_system1.command_topic import CommandTopic
from hume_system1.control.command import Command
from hume_system1.control.core import ControlCore
from hume_system1.control.trajectory_stream import TrajectoryStream
from hume_system1.gripper_sinks import make_gripper_sinks
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
    """`forward_command_controller`: joint positions, rad.

    Args:
        node: who publishes.
        topic: of the controller.
        joints: those of its arm among all joints.
    """

    def __init__(self, node: Node, topic: str, joints: slice) -> None:
        super().__init__(node, Float64MultiArray, topic)
        self._joints = joints
        self._message = Float64MultiArray(data=array("d", [0.0] * (joints.stop - joints.start)))

    def send(self, command: Command) -> None:
        """See `Sink`."""
        self._message.data[:] = array("d", command.position[self._joints])
        self._publisher.publish(self._message)


class JointTrajectorySink(TrajectoryPublisher):
    """`joint_trajectory_controller`: the points that were sent and are not over, the command, and the way to
    standstill.

    Args:
        node: who publishes.
        arm: whose controller it is.
        joints: those of the arm among all joints.
        lead: see `RobotProfile.trajectory_lead`, s.
        core: gives the commands.
    """

    def __init__(self, node: Node, arm: Arm, joints: slice, lead: float, core: ControlCore) -> None:
        settings = core.settings
        self._core, self._joints, self._turns = core, joints, np.zeros(core.limits.size)
        stream = TrajectoryStream(len(arm.joints), lead, settings.period, settings.longest_tick)
        super().__init__(node, arm.controller.topic, arm.joint_names, stream)

    def send(self, command: Command) -> None:
        """See `Sink`."""
        self._stream.add(command.time, command.starts, self._core.limiter.joints[self._joints])
        self._turns[:] = 0.0
        self._core.intake.joint_states.as_reported(self._turns)
        self.publish(self._turns[self._joints])


def make_sinks(node: Node, profile: RobotProfile, core: ControlCore, dry_run: bool) -> list[Sink]:
    """The sinks of a robot: one for each controller, all fed from one tick. None in a dry run.

    Raises:
        RobotProfileError: a gripper's controller needs a package that is not installed.
    """
    if dry_run:
        return []
    sinks: list[Sink] = []
    for arm, joints in zip(profile.arms, profile.joint_slices, strict=True):
        if arm.controller.type is ArmControllerType.FORWARD_COMMAND:
            sinks.append(ForwardCommandSink(node, arm.controller.topic, joints))
        else:
            sinks.append(JointTrajectorySink(node, arm, joints, profile.trajectory_lead, core))
    return [*sinks, *make_gripper_sinks(node, profile, core)]
