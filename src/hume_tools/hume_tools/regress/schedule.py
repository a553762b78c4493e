"""Time in a replay: what is due next, and the two clocks of the nodes."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from enum import IntEnum

NS = 1_000_000_000
_SECOND = 1e-9


class Rank(IntEnum):
    """Order of what happens at the same instant; messages of the recording come before all of these."""

    FINISH = 0
    START = 1
    REPORT = 2
    TICK = 3


class Schedule:
    """Actions in order of time; ROS time is the time of the recording, steady time counts from its start.

    Attributes:
        start: of the recording, ns.
        now: ns.
    """

    def __init__(self) -> None:
        self._queue: list[tuple[int, int, int, Callable[[], None]]] = []
        self._count = 0
        self.start = self.now = 0

    def begin(self, start: int) -> None:
        """The recording begins."""
        self.start = self.now = start

    def at(self, time: int, rank: Rank, action: Callable[[], None]) -> None:
        """Call `action` at a time, ns."""
        self._count += 1
        heapq.heappush(self._queue, (time, rank, self._count, action))

    def run_until(self, time: int) -> None:
        """Do everything due before `time`, ns, and go there."""
        while self._queue and self._queue[0][0] < time:
            self.now, _, _, action = heapq.heappop(self._queue)
            action()
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
        """A reading of the steady clock as time of the recording, ns."""
        return self.start + round(steady * NS)

    def since_start(self, ros: float) -> int:
        """A ROS time in s as ns since the start."""
        return round(ros * NS) - self.start
