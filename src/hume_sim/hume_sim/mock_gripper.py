"""A stand-in for the action server of a gripper's driver. It moves a gripper of a `MockArm`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.node import Node

from hume_core.errors import ActionSpaceError
from hume_ros.gripper_actions import GRIPPER_COMMAND, gripper_action_types
from hume_sim.arm import checked_positions
from hume_sim.mock_arm import JointGroup, MockArm

_AT_GOAL = 1e-4


@dataclass
class _Motion:
    handle: Any
    target: float
    reached: bool = False
    stalled: bool = False


class MockGripperServer:
    """Takes goals as a controller of ros2_control does: the newest replaces the one before.

    Args:
        node: who offers the action. Its executor calls everything here.
        action: name of the action.
        action_type: its type, such as `GRIPPER_COMMAND`.
        arm: whose gripper moves.
        gripper: which one.
        refuse_while_moving: refuse goals until the gripper has arrived, as some drivers do.

    Raises:
        RobotProfileError: `control_msgs` is not installed.
    """

    def __init__(
        self,
        node: Node,
        action: str,
        action_type: str,
        arm: MockArm,
        gripper: JointGroup,
        refuse_while_moving: bool = False,
    ) -> None:
        self._arm, self._refuse, self._plain = arm, refuse_while_moving, action_type == GRIPPER_COMMAND
        self._type = gripper_action_types()[action_type]
        self._gripper = gripper
        self._motion: _Motion | None = None
        self._ended: dict[bytes, _Motion] = {}
        self._server = ActionServer(
            node,
            self._type,
            action,
            execute_callback=self._end,
            goal_callback=self._answer,
            handle_accepted_callback=self._begin,
            cancel_callback=lambda handle: CancelResponse.ACCEPT,
        )

    def step(self) -> None:
        """Look where the gripper is. Call it after each `MockArm.step`."""
        motion = self._motion
        if motion is None:
            return
        if motion.handle.is_cancel_requested:
            self._gripper.command([self._position])
            self._finish(motion)
            return
        motion.reached = abs(self._position - motion.target) < _AT_GOAL
        motion.stalled = not motion.reached and not self._arm.velocity[self._gripper.place].any()
        if motion.reached or motion.stalled:
            self._finish(motion)

    def close(self) -> None:
        """Leave the graph."""
        self._server.destroy()

    @property
    def _position(self) -> float:
        return float(self._arm.measured(self._gripper)[0])

    def _answer(self, goal: Any) -> GoalResponse:
        if self._refuse and self._motion is not None:
            return GoalResponse.REJECT
        try:
            checked_positions(self._positions(goal), self._gripper.names)
        except ActionSpaceError:
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _positions(self, goal: Any) -> Sequence[float]:
        return [goal.command.position] if self._plain else goal.command.position

    def _begin(self, handle: Any) -> None:
        if self._motion is not None:
            self._finish(self._motion)
        self._motion = _Motion(handle, self._positions(handle.request)[0])
        self._gripper.command([self._motion.target])

    def _finish(self, motion: _Motion) -> None:
        """Let the executor run `_end`, which answers."""
        self._motion = None if self._motion is motion else self._motion
        self._ended[bytes(motion.handle.goal_id.uuid)] = motion
        motion.handle.execute()

    def _end(self, handle: Any) -> Any:
        motion = self._ended.pop(bytes(handle.goal_id.uuid))
        if handle.is_cancel_requested:
            handle.canceled()
        elif motion.reached:
            handle.succeed()
        else:
            handle.abort()
        result = self._type.Result(reached_goal=motion.reached, stalled=motion.stalled)
        if self._plain:
            result.position = self._position
        else:
            result.state.name, result.state.position = list(self._gripper.names), [self._position]
        return result
