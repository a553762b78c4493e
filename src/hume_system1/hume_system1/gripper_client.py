"""Client of a gripper's action: follows its server, sends goals, reports what becomes of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.node import Node

from hume_core.robot import Gripper
from hume_ros.gripper_actions import GRIPPER_COMMAND, GripperServer, gripper_action_types, gripper_servers
from hume_ros.introspection import publish_goals
from hume_system1.control.gripper_goals import GoalEnding, GripperGoal, GripperGoals

_LOOK = 0.5
"""Period of looking for the server in the ROS graph, s."""
_PATIENCE = 2.0
"""How long a server may be missing before that is worth a warning, s."""
_WARN_PERIOD = 5.0


class GripperClient:
    """All methods run on the spin thread. None waits.

    Args:
        node: who sends.
        action: name of the action.
        gripper: of the robot profile.
        goals: called with what becomes of the goals.
        measured: position of the gripper, m or rad. NaN: not known.

    Raises:
        RobotProfileError: `control_msgs` is not installed.
    """

    def __init__(
        self, node: Node, action: str, gripper: Gripper, goals: GripperGoals, measured: Callable[[], float]
    ) -> None:
        self._node, self._action, self._gripper = node, action, gripper
        self._goals, self._measured = goals, measured
        self._types = gripper_action_types()
        self._client: Any = None
        self._client_type, self._connected = "", 0.0
        self._servers: dict[bytes, GripperServer] = {}
        self._server: GripperServer | None = None
        self._running: tuple[int, Any] | None = None
        self._unfinished: dict[int, bytes] = {}
        self._warned: dict[str, float] = {}
        self._looked, self._reached = -_LOOK, time.monotonic()

    def look(self, now: float) -> None:
        """Follow the server that has come last: one that crashed stays in the graph for a while."""
        if now < self._looked + _LOOK:
            return
        self._looked = now
        found = {server.id: server for server in gripper_servers(self._node, self._action)}
        known = [id for id in self._servers if id in found]
        self._servers = {id: found[id] for id in (*known, *(id for id in found if id not in known))}
        usable = [server for server in self._servers.values() if server.type in self._types]
        newest = usable[-1] if usable else None
        if newest == self._server:
            return
        # What ran on another server is over.
        self._running = None
        self._server = newest if newest is not None and self._meet(newest) else None

    def server(self, now: float) -> bytes | None:
        """Endpoint of the server that goals go to. None: there is none, which is worth a warning after a while."""
        # Some middleware calls no server ready while the graph still holds a crashed one of another type.
        if self._server is not None and (self._client.server_is_ready() or now > self._connected + _PATIENCE):
            self._reached = now
            return self._server.id
        if now > self._reached + _PATIENCE:
            self._warn("missing", self._what_is_missing())
        return None

    def send(self, goal: GripperGoal) -> None:
        """Send a goal to the server that `server` has named."""
        assert self._server is not None
        if self._goals.unanswered:
            self._warn("silent", f"the gripper's action '{self._action}' does not answer. The goal is sent again")
        self._unfinished[goal.number] = self._server.id
        future = self._client.send_goal_async(goal_message(self._types[self._server.type], self._gripper, goal))
        future.add_done_callback(partial(self._on_answer, goal, self._client))

    def cancel(self) -> None:
        """Stop what is in progress. Goals that are accepted only now are cancelled by the next call."""
        if self._running is not None:
            self._running[1].cancel_goal_async()
            self._running = None

    def leave(self) -> bool:
        """Leave the graph, unless answers are to come: an executor of rclpy may crash over those of a lost client.

        Returns:
            Whether it has left.
        """
        if any(server in self._servers for server in self._unfinished.values()):
            return False
        if self._client is not None:
            self._client.destroy()
        self._client, self._running = None, None
        self._unfinished.clear()
        return True

    def _meet(self, server: GripperServer) -> bool:
        """Have a client of the server's type. False: try again later."""
        if self._client is None:
            return self._connect(server)
        if self._client_type == server.type:
            return True
        # The executor lets go of the old client at its next turn. Until then the topics keep their types.
        self.leave()
        return False

    def _connect(self, server: GripperServer) -> bool:
        try:
            self._client = ActionClient(self._node, self._types[server.type], self._action)
            publish_goals(self._node, self._client)
        except (RuntimeError, ValueError) as error:
            self._warn("client", f"no client for the gripper's action '{self._action}' yet: {error}")
            return False
        self._client_type, self._connected = server.type, time.monotonic()
        self._node.get_logger().info(f"gripper action {self._action}: {server.type}")
        if self._gripper.force is None and server.type == GRIPPER_COMMAND:
            self._node.get_logger().info(
                f"{self._gripper.field}.force is not in the robot profile: goals carry max_effort 0, which some "
                f"drivers take as no force. Set {self._gripper.field}.force if the gripper does not hold"
            )
        return True

    def _what_is_missing(self) -> str:
        name = self._node.resolve_topic_name(self._action)
        wrong = ", ".join(sorted({server.type for server in self._servers.values()} - set(self._types)))
        if wrong:
            return (
                f"the {self._gripper.label} gets no commands: the action '{name}' is of type {wrong}. It must be "
                f"{' or '.join(self._types)}. Correct {self._gripper.controller_field}.topic in the robot profile"
            )
        return (
            f"the {self._gripper.label} gets no commands: the action '{name}' has no server. Start the gripper's "
            f"driver or controller, or correct {self._gripper.controller_field}.topic in the robot profile"
        )

    def _on_answer(self, goal: GripperGoal, client: Any, future: Any) -> None:
        if client is not self._client:
            return
        handle = future.result()
        if not handle.accepted:
            self._unfinished.pop(goal.number, None)
            if self._goals.refused(goal.number, time.monotonic()):
                self._warn(
                    "refused", f"the gripper's server refused the goal {goal.position:.4g}. It will be sent again"
                )
            return
        self._goals.accepted(goal.number)
        if self._running is None or goal.number > self._running[0]:
            self._running = goal.number, handle
        handle.get_result_async().add_done_callback(partial(self._on_result, goal))

    def _on_result(self, goal: GripperGoal, future: Any) -> None:
        self._unfinished.pop(goal.number, None)
        if self._running is not None and self._running[0] == goal.number:
            self._running = None
        if self._goals.ended(goal.number, time.monotonic(), _ending(future.result()), self._measured()):
            self._warn("failed", f"the gripper's server gave up on the goal {goal.position:.4g}. It will be sent again")

    def _warn(self, kind: str, text: str) -> None:
        """Not more than one warning of a kind in `_WARN_PERIOD`. The logger's own throttle would mix the kinds."""
        now = time.monotonic()
        if now >= self._warned.get(kind, -math.inf) + _WARN_PERIOD:
            self._warned[kind] = now
            self._node.get_logger().warning(text)


def goal_message(action_type: Any, gripper: Gripper, goal: GripperGoal) -> Any:
    """A goal of `GripperCommand` or `ParallelGripperCommand`, with force and speed of the robot profile."""
    message = action_type.Goal()
    command = message.command
    if hasattr(command, "max_effort"):
        # GripperCommand cannot say "not given". Without a figure 0 is the force that can break nothing.
        command.position, command.max_effort = goal.position, gripper.force or 0.0
        return message
    command.name, command.position, command.velocity = [gripper.joint], [goal.position], [gripper.speed]
    command.effort = [] if gripper.force is None else [gripper.force]
    return message


def _ending(answer: Any) -> GoalEnding:
    """Drivers that do not allow stalling abort a grasp, and say in the result that it stalled."""
    if answer.result.stalled:
        return GoalEnding.STALLED
    done = answer.status == GoalStatus.STATUS_SUCCEEDED or answer.result.reached_goal
    return GoalEnding.REACHED if done else GoalEnding.FAILED
