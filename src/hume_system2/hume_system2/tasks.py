"""How a task begins and ends: the one rule. No thread, no node: what is known comes from outside.

A task begins because somebody asks for it. Whatever ends it, nothing begins by itself afterwards.
"""

from __future__ import annotations

import enum
import math
import time
from dataclasses import dataclass, field

_AWAY_AFTER = 0.5
"""A client that is out of the graph for longer is gone, s."""


class TaskOutcome(enum.Enum):
    """How a task ended. The names are those of the constants of `ExecuteTask.Result`."""

    DONE = "done"
    TIMEOUT = "timeout"
    CANCELED = "canceled"
    PREEMPTED = "preempted"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class TaskEnding:
    """How and why a task ends."""

    outcome: TaskOutcome
    reason: str


@dataclass
class TaskStatistics:
    """Counted over one task.

    Attributes:
        started: s on the steady clock.
        chunks: how many were published.
        value_sum: of their values.
        values_above: how many in a row were at or above the value that means done.
    """

    started: float = field(default_factory=time.monotonic)
    chunks: int = 0
    value_sum: float = 0.0
    values_above: int = 0

    def add(self, value: float, done_value: float) -> None:
        """Count one thought with this value."""
        self.chunks += 1
        self.value_sum += value
        self.values_above = self.values_above + 1 if value >= done_value else 0


@dataclass
class Task:
    """What the arm is to do.

    Attributes:
        instruction: in words.
        max_duration: s. 0: no limit.
        statistics: of this task.
        system1_ready: System 1 was in neither FAULT nor ESTOP at some time since the task began. A task may begin
            while System 1 waits for the fresh chunk that completes its reset.
    """

    instruction: str
    max_duration: float = 0.0
    statistics: TaskStatistics = field(default_factory=TaskStatistics)
    system1_ready: bool = False

    def ending(
        self, now: float, *, error: str, stopped: str, client_gone: bool, done_thoughts: int
    ) -> TaskEnding | None:
        """Why the task has to end now. None: it goes on.

        Args:
            now: s on the steady clock.
            error: why nothing can be thought any more. Empty: it can.
            stopped: mode and reason of System 1 in FAULT or ESTOP. Empty: it is in neither.
            client_gone: nobody is left who could cancel the goal.
            done_thoughts: this many values in a row mean that the task is done.
        """
        if error:
            return TaskEnding(TaskOutcome.FAILED, error)
        if stopped and self.system1_ready:
            return TaskEnding(TaskOutcome.STOPPED, f"System 1 is in {stopped}")
        if self.statistics.values_above >= done_thoughts:
            return TaskEnding(TaskOutcome.DONE, f"{done_thoughts} values in a row at or above done_value")
        if 0.0 < self.max_duration < now - self.statistics.started:
            return TaskEnding(TaskOutcome.TIMEOUT, f"max_duration of {self.max_duration:g} s is over")
        if client_gone:
            return TaskEnding(TaskOutcome.STOPPED, "the goal's client has left, and nobody else could cancel the goal")
        return None


class ClientWatch:
    """Whether anybody is left who could cancel a goal. One that was never seen is not missed."""

    def __init__(self) -> None:
        self._away_since = math.inf
        self._seen = False

    def gone(self, clients: int, now: float) -> bool:
        """Take note of how many clients the action has at steady time `now`, s."""
        if clients > 0:
            self._seen, self._away_since = True, math.inf
        elif self._seen:
            self._away_since = min(self._away_since, now)
        return now - self._away_since >= _AWAY_AFTER


def begins_at_start(epoch: int, chunk_age: float, stopped: bool, clients: int) -> bool:
    """Whether a System 2 that starts by itself begins the standing task.

    It does beside a System 1 that was not asked for anything yet, and where its own crash interrupted the standing
    task.

    Args:
        epoch: of System 1. 0: nothing was asked of it.
        chunk_age: of System 1, s. Infinite: there is no chunk in this epoch.
        stopped: System 1 is in FAULT or ESTOP.
        clients: of the action. Where there are some, what was interrupted may have been a goal of theirs.
    """
    interrupted = math.isfinite(chunk_age) and not stopped and clients == 0
    return epoch == 0 or interrupted
