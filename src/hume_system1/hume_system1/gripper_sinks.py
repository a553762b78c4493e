"""Where gripper commands go: a topic, or the action server that the gripper's driver offers."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from math import inf, isnan, nan

from rclpy.node import Node
from std_msgs.msg import Float64MultiArray

from hume_core.robot import Gripper, GripperControllerType, RobotProfile
from hume_ros.timers import steady_timer
from hume_system1.command_topic import CommandTopic
from hume_system1.control.command import Command
from hume_system1.control.core import ControlCore
from hume_system1.control.gripper_goals import GripperGoals, wanted_target
from hume_system1.control.joint_limiter import JointLimiter
from hume_system1.control.states import Mode
from hume_system1.control.trajectory_stream import TrajectoryStream
from hume_system1.gripper_client import GripperClient
from hume_system1.trajectory_publisher import TrajectoryPublisher

_PAUSE = 0.5
"""Time without commands after which the gripper is not ours, s."""


class GripperPositionSink(CommandTopic):
    """A gripper under `forward_command_controller`: one position, m or rad.

    Args:
        node: who publishes.
        topic: of the controller.
        index: of the gripper in the robot profile.
    """

    def __init__(self, node: Node, topic: str, index: int) -> None:
        super().__init__(node, Float64MultiArray, topic)
        self._index = index
        self._message = Float64MultiArray(data=array("d", [0.0]))

    def send(self, command: Command) -> None:
        """See `Sink`."""
        position = command.grippers[self._index]
        if not isnan(position):
            self._message.data[0] = position
            self._publisher.publish(self._message)


class GripperTrajectorySink(TrajectoryPublisher):
    """A gripper under `joint_trajectory_controller`: one joint, m or rad, which goes in lines.

    Args:
        node: who publishes.
        topic: of the controller.
        index: of the gripper in the robot profile.
        profile: the robot.
        core: gives the commands.
    """

    def __init__(self, node: Node, topic: str, index: int, profile: RobotProfile, core: ControlCore) -> None:
        settings, joint = core.settings, profile.grippers[index].joint
        self._index = index
        # Limits are for what has a velocity. The command's speed is limited already.
        self._joint = JointLimiter(-inf, inf, 1.0, 1.0, 1.0)
        stream = TrajectoryStream(1, profile.trajectory_lead, settings.period, settings.longest_tick)
        super().__init__(node, topic, [joint], stream, derivatives=False)

    def send(self, command: Command) -> None:
        """See `Sink`."""
        position = float(command.grippers[self._index])
        if isnan(position):
            return
        self._joint.p = position
        self._stream.add(command.time, command.starts, [self._joint])
        self.publish()


class GripperActionSink:
    """A gripper behind `GripperCommand` or `ParallelGripperCommand` of `control_msgs`, whichever the server offers.

    Everything but `send` runs on the spin thread, and nothing waits: the server may come, go, start again or change
    its type at any time.

    Args:
        node: who sends.
        action: name of the action.
        gripper: of the robot profile.
        measured: position of the gripper, m or rad. NaN: not known.
        stopped: whether an emergency stop is in force. Nothing is published in it once the arm rests.
        period: of looking at the target, s.
        index: of the gripper in the robot profile.

    Raises:
        RobotProfileError: `control_msgs` is not installed.
    """

    def __init__(
        self,
        node: Node,
        action: str,
        gripper: Gripper,
        measured: Callable[[], float],
        stopped: Callable[[], bool],
        period: float = 0.05,
        index: int = 0,
    ) -> None:
        self._index = index
        self._node, self._measured, self._stopped = node, measured, stopped
        self._goals = GripperGoals(gripper.closed, gripper.open)
        self._client = GripperClient(node, action, gripper, self._goals, measured)
        self._target, self._time = nan, 0.0
        self._closing = False
        self._timer = steady_timer(node, period, self._step)

    def send(self, command: Command) -> None:
        """See `Sink`. Only notes the target."""
        self._target, self._time = wanted_target(command, self._index), command.time

    def unheard(self) -> str:
        """See `Sink`. A server that is missing is waited for."""
        return ""

    def close(self) -> None:
        """See `Sink`. Where a goal is in progress, once it has ended."""
        self._closing = True
        self._step()

    def _step(self) -> None:
        now = time.monotonic()
        self._client.look(now)
        if self._closing:
            if self._client.leave():
                self._node.destroy_timer(self._timer)
            return
        if self._stopped():
            self._client.cancel()
        target = self._target if now < self._time + _PAUSE else nan
        goal = self._goals.step(now, target, self._client.server(now), self._measured())
        if goal is not None:
            self._client.send(goal)


GripperSink = GripperPositionSink | GripperTrajectorySink | GripperActionSink


def make_gripper_sinks(node: Node, profile: RobotProfile, core: ControlCore) -> list[GripperSink]:
    """The sinks of the profile's grippers, one for each that has a controller.

    Raises:
        RobotProfileError: a controller needs a package that is not installed.
    """
    found = [_sink_of(node, i, profile, core) for i in range(len(profile.grippers))]
    return [sink for sink in found if sink is not None]


def _sink_of(node: Node, index: int, profile: RobotProfile, core: ControlCore) -> GripperSink | None:
    gripper = profile.grippers[index]
    controller = gripper.controller
    if controller is None:
        return None
    if controller.type is GripperControllerType.POSITION:
        return GripperPositionSink(node, controller.topic, index)
    if controller.type is GripperControllerType.JOINT_TRAJECTORY:
        return GripperTrajectorySink(node, controller.topic, index, profile, core)

    def stopped() -> bool:
        return core.state.mode is Mode.ESTOP

    return GripperActionSink(node, controller.topic, gripper, lambda: _opening(core, index), stopped, index=index)


def _opening(core: ControlCore, index: int) -> float:
    opening = core.intake.joint_states.grippers[index]
    return nan if opening is None else opening
