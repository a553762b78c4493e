"""Giving a task: a goal of `hume/execute_task`, watched until it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hume_msgs.action import ExecuteTask
from rcl_interfaces.msg import Log
from rclpy.action import ActionClient

from hume_operate.client import STOPPED, OperatorClient

REFUSED = "refused"
OUTCOMES = {
    ExecuteTask.Result.DONE: "done",
    ExecuteTask.Result.TIMEOUT: "timeout",
    ExecuteTask.Result.CANCELED: "canceled",
    ExecuteTask.Result.PREEMPTED: "preempted",
    ExecuteTask.Result.STOPPED: "stopped",
    ExecuteTask.Result.FAILED: "failed",
}

_ACTION = "hume/execute_task"
_REFUSAL = "goal refused: "
_REFUSAL_TIME = 1.0
"""How long the reason of a refusal may take on /rosout, s."""
_AWAY_AFTER = 5.0
"""System 2 is gone when its action is out of the graph for longer, s."""
_CANCEL_TIMEOUT = 5.0


@dataclass(frozen=True)
class TaskEnd:
    """How a task ended.

    Attributes:
        instruction: in words. Empty: the standing task.
        outcome: one of `OUTCOMES`, or "refused".
        reason: in words.
        chunks: how many System 2 published.
        duration: s.
        mean_rate: chunks per second.
        mean_value: of the chunks.
    """

    instruction: str
    outcome: str
    reason: str
    chunks: int = 0
    duration: float = 0.0
    mean_rate: float = 0.0
    mean_value: float = 0.0

    @property
    def done(self) -> bool:
        """System 2 says that the task is done."""
        return self.outcome == OUTCOMES[ExecuteTask.Result.DONE]

    def __str__(self) -> str:
        """One line."""
        figures = f" after {self.duration:.1f} s, {self.chunks} chunks" if self.chunks else ""
        return f"{self.outcome}{figures}: {self.reason}"


class TaskClient:
    """Sends one goal and follows it.

    Args:
        client: of the stack.
        on_progress: called with a line whenever something has changed. At most once a second.
    """

    def __init__(self, client: OperatorClient, on_progress: Callable[[str], None] = lambda text: None) -> None:
        self._client, self._on_progress = client, on_progress
        self._action: Any = ActionClient(client.node, ExecuteTask, _ACTION)
        self._rosout = client.node.create_subscription(Log, "/rosout", self._on_log, 10)
        # All robots of a domain log on one topic. A logger is called after its node, with dots for slashes.
        self._logger = f"{client.namespace}/hume_system2".strip("/").replace("/", ".")
        self._refusal = ""
        self._told = ("", 0.0)
        self._instruction = ""
        self._handle: Any = None
        self._result: Any = None

    def close(self) -> None:
        """Leave the action: where this was its last client, System 2 ends the goal."""
        self._client.node.destroy_subscription(self._rosout)
        self._action.destroy()

    def send(self, instruction: str, max_duration: float = 0.0) -> TaskEnd | None:
        """Send a goal once System 2 is ready. Returns how it ended already, or None: it was accepted.

        Args:
            instruction: in words. Empty: the standing task.
            max_duration: s. 0: no limit.

        Raises:
            NobodyAnswersError: System 2 is not there, or not active.
        """
        client, self._instruction = self._client, instruction
        client.wait(lambda: self._action.server_is_ready() and client.system2 is not None and client.system2.ready)
        if not self._action.server_is_ready():
            raise client.nobody("System 2", f"nobody offers '{_ACTION}'")
        if client.system2 is None or not client.system2.ready:
            raise client.nobody("System 2", "it is not active yet (--timeout waits longer)")
        goal = ExecuteTask.Goal(instruction=instruction, max_duration=max_duration)
        future = self._action.send_goal_async(goal, feedback_callback=self._on_feedback)
        if not client.wait(future.done):
            raise client.nobody("System 2", f"'{_ACTION}' gives no answer within {client.timeout:g} s")
        self._handle = future.result()
        if not self._handle.accepted:
            client.wait(lambda: self._refusal, _REFUSAL_TIME)
            return TaskEnd(instruction, REFUSED, self._refusal or "System 2 refuses the goal. Its log says why")
        self._result = self._handle.get_result_async()
        return None

    def follow(self, stop: Callable[[], bool]) -> TaskEnd:
        """Wait until the goal ends. Where `stop` says so, cancel it first."""
        seen = time.monotonic()
        while not self._result.done():
            if stop():
                return self._cancel()
            self._client.spin()
            if self._action.server_is_ready():
                seen = time.monotonic()
            elif time.monotonic() - seen > _AWAY_AFTER:
                return TaskEnd(self._instruction, "failed", "System 2 has left the graph. See its log")
        return self._ended()

    def _cancel(self) -> TaskEnd:
        cancelling = self._handle.cancel_goal_async()
        self._client.wait(lambda: cancelling.done() and self._result.done(), _CANCEL_TIMEOUT)
        if self._result.done():
            return self._ended()
        return TaskEnd(self._instruction, "failed", "the goal was cancelled, but System 2 gives no answer")

    def _ended(self) -> TaskEnd:
        result = self._result.result().result
        return TaskEnd(
            self._instruction,
            OUTCOMES.get(int(result.code), f"code {result.code}"),
            str(result.reason),
            int(result.chunks),
            float(result.duration),
            float(result.mean_rate),
            float(result.mean_value),
        )

    def _on_log(self, message: Log) -> None:
        if message.name == self._logger and message.msg.startswith(_REFUSAL):
            self._refusal = message.msg.removeprefix(_REFUSAL)

    def _on_feedback(self, message: Any) -> None:
        feedback, status = message.feedback, self._client.status
        mode = "" if status is None else (str(status.reason) or str(status.mode_name).lower())
        hint = " (leave it with: hume reset)" if status is not None and status.mode in STOPPED else ""
        head = f"{feedback.phase.replace('_', ' ')}; System 1: {mode}{hint}"
        now = time.monotonic()
        if head != self._told[0] or now - self._told[1] >= 1.0:
            self._told = head, now
            self._on_progress(f"{head}; value {feedback.value:.2f}, {feedback.system2_rate:.1f} thoughts/s")
