"""The ExecuteTask action: one goal at a time, a newer goal takes over, cancelling stops the arm."""

from __future__ import annotations

import time
from collections.abc import Callable

from hume_msgs.action import ExecuteTask
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.node import Node
from std_srvs.srv import Trigger

from hume_system2.tasks import ClientWatch, TaskEnding, TaskOutcome, TaskStatistics

_ACTION = "hume/execute_task"
_CANCELED = TaskEnding(TaskOutcome.CANCELED, "cancelled by the client")
_CANCELED_BY_SERVICE = TaskEnding(TaskOutcome.CANCELED, "cancelled by an operator")


class GoalServer:
    """Serves `hume/execute_task` and `~/cancel`. All callbacks run on the spin thread.

    The action can be cancelled by whoever sent the goal. The service ends whatever is in hand, the standing task too.

    rclpy's execute callback is called once the outcome is known, and returns it: a coroutine that waits for it would
    keep the executor busy all the while.

    Args:
        node: owner.
        refusal: says why a goal cannot be taken, or returns an empty string.
        on_start: a goal begins. Returns what is counted over it.
        on_end: the goal in hand ended.
        end: ends what is in hand, goal or standing task. Returns whether anything was.
    """

    def __init__(
        self,
        node: Node,
        refusal: Callable[[ExecuteTask.Goal], str],
        on_start: Callable[[ExecuteTask.Goal], TaskStatistics],
        on_end: Callable[[TaskEnding], None],
        end: Callable[[TaskEnding], bool],
    ) -> None:
        self._node = node
        self._end = end
        self._refusal = refusal
        self._on_start = on_start
        self._on_end = on_end
        self._handle: ServerGoalHandle | None = None
        self._results: dict[bytes, ExecuteTask.Result] = {}
        self._statistics = TaskStatistics()
        self._watch = ClientWatch()
        self._server = ActionServer(
            node,
            ExecuteTask,
            _ACTION,
            execute_callback=self._execute,
            goal_callback=self._decide,
            handle_accepted_callback=self._take_over,
            cancel_callback=self._cancel,
        )
        self._cancel_service = node.create_service(Trigger, "~/cancel", self._serve_cancel)

    @property
    def busy(self) -> bool:
        """A goal is being carried out."""
        return self._handle is not None

    def clients(self) -> int:
        """How many clients of the action are in the graph."""
        # rclpy of ROS 2 Humble does not offer this.
        count = getattr(self._node, "count_clients", None)
        return 0 if count is None else int(count(f"{_ACTION}/_action/send_goal"))

    def client_gone(self) -> bool:
        """Whether no client is left that could cancel the current goal. Call this regularly."""
        return self.busy and self._watch.gone(self.clients(), time.monotonic())

    def publish_feedback(self, feedback: ExecuteTask.Feedback) -> None:
        """Send the client feedback on the current goal."""
        if self._handle is not None and self._handle.is_active:
            self._handle.publish_feedback(feedback)

    def finish(self, ending: TaskEnding) -> None:
        """End the current goal."""
        if self._handle is not None:
            self._on_end(ending)
            self._conclude(ending)

    def close(self) -> None:
        """Stop serving."""
        self.finish(TaskEnding(TaskOutcome.STOPPED, "System 2 is shutting down"))
        self._server.destroy()
        self._node.destroy_service(self._cancel_service)

    def _decide(self, request: ExecuteTask.Goal) -> GoalResponse:
        problem = self._refusal(request)
        if problem:
            self._node.get_logger().error(f"goal refused: {problem}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _take_over(self, handle: ServerGoalHandle) -> None:
        self.check_cancel()
        self.finish(TaskEnding(TaskOutcome.PREEMPTED, "a newer goal took over"))
        self._handle = handle
        self._watch = ClientWatch()
        self._statistics = self._on_start(handle.request)

    def _cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        if handle is not self._handle:
            return CancelResponse.REJECT
        if not handle.is_cancel_requested:
            self._on_end(_CANCELED)
        return CancelResponse.ACCEPT

    def _serve_cancel(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = self._end(_CANCELED_BY_SERVICE)
        response.message = "the task was cancelled. The arm comes to rest" if response.success else "no task is in hand"
        return response

    def check_cancel(self) -> None:
        """Finish a goal whose client asked to cancel. Call this regularly."""
        if self._handle is not None and self._handle.is_cancel_requested:
            self._conclude(_CANCELED)

    def _conclude(self, ending: TaskEnding) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            self._results[bytes(handle.goal_id.uuid)] = _result(ending, self._statistics)
            handle.execute()

    def _execute(self, handle: ServerGoalHandle) -> ExecuteTask.Result:
        result = self._results.pop(bytes(handle.goal_id.uuid))
        if handle.is_cancel_requested:
            handle.canceled()
        elif result.code == ExecuteTask.Result.DONE:
            handle.succeed()
        else:
            handle.abort()
        return result


def _result(ending: TaskEnding, statistics: TaskStatistics) -> ExecuteTask.Result:
    duration, chunks = time.monotonic() - statistics.started, statistics.chunks
    return ExecuteTask.Result(
        code=getattr(ExecuteTask.Result, ending.outcome.name),
        reason=ending.reason,
        chunks=chunks,
        duration=duration,
        mean_rate=chunks / duration if duration > 0 else 0.0,
        mean_value=statistics.value_sum / chunks if chunks else 0.0,
    )
