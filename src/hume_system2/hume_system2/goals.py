"""The ExecuteTask action: one goal at a time, a newer goal takes over, cancelling stops the arm."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hume_msgs.action import ExecuteTask
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.node import Node

Result = ExecuteTask.Result


@dataclass
class GoalStatistics:
    """Counted over one goal."""

    started: float = field(default_factory=time.monotonic)
    chunks: int = 0
    value_sum: float = 0.0
    values_above: int = 0

    def add(self, value: float, done_value: float) -> None:
        """Count one thought with this value."""
        self.chunks += 1
        self.value_sum += value
        self.values_above = self.values_above + 1 if value >= done_value else 0

    def fill(self, result: ExecuteTask.Result) -> None:
        """Write the figures into a result."""
        result.chunks = self.chunks
        result.duration = time.monotonic() - self.started
        result.mean_rate = self.chunks / result.duration if result.duration > 0 else 0.0
        result.mean_value = self.value_sum / self.chunks if self.chunks else 0.0


class GoalServer:
    """Serves `hume/execute_task`; all callbacks run on the spin thread.

    rclpy's execute callback is called once the outcome is known, and returns it: a coroutine that waits for it would
    keep the executor busy all the while.

    Args:
        node: owner.
        accepts: says why a goal cannot be taken now, or returns an empty string.
        on_start: a goal begins, with its instruction.
        on_end: the goal in hand ended, with the result's code name in lower case.
    """

    def __init__(
        self, node: Node, accepts: Callable[[], str], on_start: Callable[[str], None], on_end: Callable[[str], None]
    ) -> None:
        self._node = node
        self._accepts = accepts
        self._on_start = on_start
        self._on_end = on_end
        self._handle: ServerGoalHandle | None = None
        self._results: dict[bytes, ExecuteTask.Result] = {}
        self.statistics = GoalStatistics()
        self._server = ActionServer(
            node,
            ExecuteTask,
            "hume/execute_task",
            execute_callback=self._execute,
            goal_callback=self._decide,
            handle_accepted_callback=self._take_over,
            cancel_callback=self._cancel,
        )

    @property
    def busy(self) -> bool:
        """A goal is being carried out."""
        return self._handle is not None

    @property
    def overdue(self) -> bool:
        """The goal's time limit is over."""
        if self._handle is None:
            return False
        limit = float(self._handle.request.max_duration)
        return limit > 0 and time.monotonic() - self.statistics.started > limit

    def publish_feedback(self, feedback: ExecuteTask.Feedback) -> None:
        """Tell the client how the goal in hand goes."""
        if self._handle is not None and self._handle.is_active:
            self._handle.publish_feedback(feedback)

    def finish(self, code: int, reason: str) -> None:
        """End the goal in hand."""
        if self._handle is not None:
            self._on_end(_code_name(code))
            self._conclude(Result(code=code, reason=reason))

    def close(self) -> None:
        """Stop serving."""
        self.finish(Result.STOPPED, "System 2 is shutting down")
        self._server.destroy()

    def _decide(self, request: ExecuteTask.Goal) -> GoalResponse:
        problem = self._accepts()
        if not request.instruction.strip():
            problem = "the instruction is empty; say what to do, such as 'lift the red cube'"
        elif not request.max_duration >= 0.0:
            problem = f"max_duration is {request.max_duration}; valid: seconds, or 0 for no limit"
        if problem:
            self._node.get_logger().error(f"goal refused: {problem}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _take_over(self, handle: ServerGoalHandle) -> None:
        self.finish(Result.PREEMPTED, "a newer goal took over")
        self._handle = handle
        self.statistics = GoalStatistics()
        self._on_start(str(handle.request.instruction))

    def _cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        if handle is not self._handle:
            return CancelResponse.REJECT
        self._on_end("canceled")
        return CancelResponse.ACCEPT

    def check_cancel(self) -> None:
        """Finish a goal whose client asked to cancel; call this regularly."""
        if self._handle is not None and self._handle.is_cancel_requested:
            self._conclude(Result(code=Result.CANCELED, reason="cancelled by the client"))

    def _conclude(self, result: ExecuteTask.Result) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            self.statistics.fill(result)
            self._results[bytes(handle.goal_id.uuid)] = result
            handle.execute()

    def _execute(self, handle: ServerGoalHandle) -> ExecuteTask.Result:
        result = self._results.pop(bytes(handle.goal_id.uuid))
        if handle.is_cancel_requested:
            handle.canceled()
        elif result.code == Result.DONE:
            handle.succeed()
        else:
            handle.abort()
        return result


def _code_name(code: int) -> str:
    names = {getattr(Result, name): name for name in ("DONE", "TIMEOUT", "CANCELED", "PREEMPTED", "STOPPED", "FAILED")}
    return names[code].lower()
