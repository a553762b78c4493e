"""Time in a session: what is due next, and the two clocks of the nodes."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from enum import IntEnum
from typing import Any, TypeAlias

NS = 1_000_000_000
_SECOND = 1e-9

Waits: TypeAlias = "Iterator[Future[Any]]"
"""Futures that have to be done before the iterator is asked to go on. The code that steps the session sees to that."""


class Rank(IntEnum):
    """Order of what happens at the same instant. What reaches the session from outside comes before all of these."""

    FINISH = 0
    START = 1
    REPORT = 2
    TICK = 3


class Schedule:
    """Actions in order of time. Steady time counts from the start. ROS time is the time of the schedule.

    Attributes:
        start: when the session begins, ns.
        now: ns.
    """

    def __init__(self) -> None:
        self._queue: list[tuple[int, int, int, Callable[[], Waits | None]]] = []
        self._count = 0
        self.start = self.now = 0

    def begin(self, start: int) -> None:
        """The session begins."""
        self.start = self.now = start

    def at(self, time: int, rank: Rank, action: Callable[[], Waits | None]) -> None:
        """Call `action` at a time, ns. It may return what it has to wait for."""
        self._count += 1
        heapq.heappush(self._queue, (time, rank, self._count, action))

    def advance(self, time: int) -> Waits:
        """Do everything due before `time`, ns, and go there."""
        while self._queue and self._queue[0][0] < time:
            self.now, _, _, action = heapq.heappop(self._queue)
            waits = action()
            if waits is not None:
                yield from waits
        self.now = max(self.now, time)

    @property
    def elapsed(self) -> int:
        """Since the start, ns."""
        return self.now - self.start

    @property
    def steady(self) -> float:
        """Steady clock, s."""
        return self.elapsed * _SECOND

    @property
    def ros(self) -> float:
        """ROS clock, s, as the nodes read it."""
        return float(self.now) * _SECOND

    def time_of(self, steady: float) -> int:
        """A reading of the steady clock as time of the schedule, ns."""
        return self.start + round(steady * NS)


def done(future: Future[Any]) -> Waits:
    """Wait for one future."""
    if not future.done():
        yield future
