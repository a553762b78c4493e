"""Where gripper commands go: a topic, or the action server that the gripper's driver offers."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from functools import partial
from math import inf, isnan, nan
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.node import Node
from std_msgs.msg import Float64MultiArray

from hume_core.robot import Gripper, GripperControllerType, RobotProfile
from hume_ros import qos
from hume_ros.gripper_actions import GRIPPER_COMMAND, GripperServer, gripper_action_types, gripper_servers
from hume_ros.timers import steady_timer
from hume_system1.control.command import Command
from hume_system1.control.core import ControlCore
from hume_system1.control.gripper_goals import Ending, GripperGoal, GripperGoals, wanted_target
from hume_system1.control.joint_limiter import JointLimiter
from hume_system1.control.states import Mode
from hume_system1.control.trajectory_stream import TrajectoryStream
from hume_system1.trajectory_publisher import TrajectoryPublisher, unheard_topic

_LOOK = 0.5
"""Period of looking for the server in the ROS graph, s."""
_PAUSE = 0.5
"""Time without commands after which the gripper is not ours, s."""
_PATIENCE = 2.0
"""How long a server may be missing before that is worth a warning, s."""
_WARN_PERIOD = 5.0


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
        return unheard_topic(self._publisher)

    def close(self) -> None:
        """See `Sink`."""
        self._node.destroy_publisher(self._publisher)


class GripperTrajectorySink:
    """A gripper under `joint_trajectory_controller`: one joint, m or rad, which goes in lines."""

    def __init__(self, node: Node, topic: str, joint: str, profile: RobotProfile, core: ControlCore) -> None:
        settings = core.settings
        # Limits are for what has a velocity. The command's speed is limited already.
        self._joint = JointLimiter(-inf, inf, 1.0, 1.0, 1.0)
        self._stream = TrajectoryStream(1, profile.trajectory_lead, settings.period, settings.longest_tick)
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
        return unheard_topic(self._trajectory.publisher)

    def close(self) -> None:
        """See `Sink`."""
        self._trajectory.close()


class GripperActionSink:
    """A gripper behind `GripperCommand` or `ParallelGripperCommand` of `control_msgs`, whichever the server offers.

    Everything but `send` runs on the spin thread, and nothing waits: the server may come, go, start again or change
    its type at any time.

    Args:
        node: who sends.
        action: name of the action.
        gripper: of the robot profile.
        measured: position of the gripper, m or rad; nan: not known.
        period: of looking at the target, s.

    Raises:
        RobotProfileError: `control_msgs` is not installed.
    """

    def __init__(
        self, node: Node, action: str, gripper: Gripper, measured: Callable[[], float], period: float = 0.05
    ) -> None:
        self._node, self._action, self._gripper, self._measured = node, action, gripper, measured
        self._types = gripper_action_types()
        self._goals = GripperGoals(gripper.closed, gripper.open)
        self._client: Any = None
        self._servers: dict[bytes, GripperServer] = {}
        self._server: GripperServer | None = None
        self._running: tuple[int, Any] | None = None
        self._target, self._time, self._estop = nan, 0.0, False
        self._looked, self._ready = -_LOOK, time.monotonic()
        self._timer = steady_timer(node, period, self._step)

    def send(self, command: Command) -> None:
        """See `Sink`; only notes the target."""
        self._target, self._time = wanted_target(command), command.time
        self._estop = command.mode is Mode.ESTOP

    def unheard(self) -> str:
        """See `Sink`; a server that is missing is waited for."""
        return ""

    def close(self) -> None:
        """See `Sink`."""
        self._node.destroy_timer(self._timer)
        self._leave()

    def _step(self) -> None:
        now = time.monotonic()
        if now >= self._looked + _LOOK:
            self._looked = now
            self._look()
        if self._estop and self._running is not None:
            self._running[1].cancel_goal_async()
            self._running = None
        target = self._target if now < self._time + _PAUSE else nan
        goal = self._goals.step(now, target, self._reachable(now), self._measured())
        if goal is not None:
            future = self._client.send_goal_async(self._message(goal.position))
            future.add_done_callback(partial(self._on_answer, goal))

    def _look(self) -> None:
        """Follow the server that has come last: one that crashed stays in the graph for a while."""
        found = {server.id: server for server in gripper_servers(self._node, self._action)}
        known = [id for id in self._servers if id in found]
        self._servers = {id: found[id] for id in (*known, *(id for id in found if id not in known))}
        usable = [server for server in self._servers.values() if server.type in self._types]
        newest = usable[-1] if usable else None
        if newest is not None and (self._server is None or newest.id != self._server.id):
            self._meet(newest)
        self._server = newest

    def _meet(self, server: GripperServer) -> None:
        self._leave()
        self._client = ActionClient(self._node, self._types[server.type], self._action)
        self._node.get_logger().info(f"gripper action {self._action}: {server.type}")
        if self._gripper.force is None and server.type == GRIPPER_COMMAND:
            self._node.get_logger().info(
                "gripper.force is not in the robot profile: goals carry max_effort 0, which some drivers take as "
                "no force; set gripper.force if the gripper does not hold"
            )

    def _leave(self) -> None:
        if self._client is not None:
            self._client.destroy()
        self._client, self._running = None, None

    def _reachable(self, now: float) -> bytes | None:
        if self._server is not None and self._client.server_is_ready():
            self._ready = now
            return self._server.id
        if now > self._ready + _PATIENCE:
            self._warn(self._what_is_missing())
        return None

    def _what_is_missing(self) -> str:
        name = self._node.resolve_topic_name(self._action)
        wrong = ", ".join(sorted({server.type for server in self._servers.values()} - set(self._types)))
        if wrong:
            return (
                f"the gripper gets no commands: the action '{name}' is of type {wrong}; it must be "
                f"{' or '.join(self._types)}; correct controllers.gripper.topic in the robot profile"
            )
        return (
            f"the gripper gets no commands: the action '{name}' has no server; start the gripper's driver or "
            "controller, or correct controllers.gripper.topic in the robot profile"
        )

    def _message(self, position: float) -> Any:
        """The goal of the type that the server offers."""
        assert self._server is not None
        gripper, goal = self._gripper, self._types[self._server.type].Goal()
        if self._server.type == GRIPPER_COMMAND:
            # It cannot say "not given". Without a figure 0 is the force that can break nothing.
            goal.command.position, goal.command.max_effort = position, gripper.force or 0.0
            return goal
        goal.command.name, goal.command.position = [gripper.joint], [position]
        goal.command.velocity = [gripper.speed]
        goal.command.effort = [] if gripper.force is None else [gripper.force]
        return goal

    def _on_answer(self, goal: GripperGoal, future: Any) -> None:
        handle = future.result()
        if not handle.accepted:
            if self._goals.refused(goal.number, time.monotonic()):
                self._warn(f"the gripper's server refused the goal {goal.position:.4g}; it will be sent again")
            return
        if self._goals.accepted(goal.number):
            self._running = goal.number, handle
        elif self._estop:
            handle.cancel_goal_async()
        handle.get_result_async().add_done_callback(partial(self._on_result, goal))

    def _on_result(self, goal: GripperGoal, future: Any) -> None:
        if self._running is not None and self._running[0] == goal.number:
            self._running = None
        answer = future.result()
        if self._goals.ended(goal.number, time.monotonic(), _ending(answer), self._measured()):
            self._warn(f"the gripper's server gave up on the goal {goal.position:.4g}; it will be sent again")

    def _warn(self, text: str) -> None:
        self._node.get_logger().warning(text, throttle_duration_sec=_WARN_PERIOD)


def _ending(answer: Any) -> Ending:
    """Drivers that do not allow stalling abort a grasp, and say in the result that it stalled."""
    if answer.result.stalled:
        return Ending.STALLED
    done = answer.status == GoalStatus.STATUS_SUCCEEDED or answer.result.reached_goal
    return Ending.REACHED if done else Ending.FAILED


def make_gripper_sink(
    node: Node, profile: RobotProfile, core: ControlCore
) -> GripperPositionSink | GripperTrajectorySink | GripperActionSink | None:
    """The sink of the profile's gripper; None without one.

    Raises:
        RobotProfileError: its controller needs a package that is not installed.
    """
    controller, gripper = profile.controllers.gripper, profile.gripper
    if controller is None or gripper is None:
        return None
    if controller.type is GripperControllerType.POSITION:
        return GripperPositionSink(node, controller.topic)
    if controller.type is GripperControllerType.JOINT_TRAJECTORY:
        return GripperTrajectorySink(node, controller.topic, gripper.joint, profile, core)
    return GripperActionSink(node, controller.topic, gripper, lambda: _opening(core))


def _opening(core: ControlCore) -> float:
    opening = core.intake.joint_states.grippers[0]
    return nan if opening is None else opening
