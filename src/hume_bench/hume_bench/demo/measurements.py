"""Figures gathered from the topics while episodes run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from hume_msgs.msg import System1Status

from hume_bench.demo.reply_times import ReplyTimes


def percentiles(values: Sequence[float], wanted: Sequence[float]) -> list[float]:
    """Percentiles of values. NaN where there are none."""
    finite = [value for value in values if math.isfinite(value)]
    return [float(x) for x in np.percentile(finite, wanted)] if finite else [math.nan] * len(wanted)


class FaultWatch:
    """Notes the faults of one episode, as System 1's status tells them.

    Args:
        stopped: System 1 is still stopped by an older fault, which it leaves with the first chunk of this episode.
    """

    def __init__(self, stopped: bool) -> None:
        self._stopped = stopped
        self._first = self._now = ""

    def see(self, stopped: bool, text: str) -> None:
        """A status: whether System 1 is in FAULT or ESTOP, and the mode with its reason."""
        if stopped and not self._stopped:
            self._first = self._first or text
        self._stopped, self._now = stopped, text if stopped else ""

    @property
    def fault(self) -> str:
        """The first fault of this episode, or the one it never left. Empty: none."""
        return self._first or self._now


@dataclass
class Measurements:
    """Counts over the time in which a task was being carried out.

    Attributes:
        seconds: that time.
        chunks, segments: messages seen in it.
        observation_to_command: s, one per status message.
        holds: how often System 1 began to hold, by reason.
        status: the newest status.
        system2, system1: when chunks and segments came, and how long they took.
    """

    seconds: float = 0.0
    chunks: int = 0
    segments: int = 0
    observation_to_command: list[float] = field(default_factory=list)
    holds: Counter[str] = field(default_factory=Counter)
    status: System1Status | None = None
    system2: ReplyTimes = field(default_factory=ReplyTimes)
    system1: ReplyTimes = field(default_factory=ReplyTimes)

    def see(self, status: System1Status, measuring: bool) -> None:
        """Take the newest status, while a task is being carried out (`measuring`) or not."""
        before, self.status = self.status, status
        if not measuring:
            return
        if status.mode == System1Status.RUNNING:
            self.observation_to_command.append(float(status.observation_to_command))
        elif status.mode == System1Status.HOLD and before is not None and before.mode == System1Status.RUNNING:
            self.holds[status.reason] += 1

    @property
    def loop_ran(self) -> bool:
        """Chunks became segments and segments became commands."""
        status = self.status
        return status is not None and self.chunks > 0 and status.segments_accepted > 0 and status.stream_rate > 0

    @property
    def system2_hz(self) -> float:
        """Chunks per second."""
        return self.chunks / self.seconds if self.seconds else math.nan

    @property
    def system1_hz(self) -> float:
        """Segments per second."""
        return self.segments / self.seconds if self.seconds else math.nan

    @property
    def stream_hz(self) -> float:
        """Commands per second, as the command loop counts them."""
        return float(self.status.stream_rate) if self.status else math.nan

    @property
    def period_error_us(self) -> dict[str, float]:
        """Period error of the command loop over its last 20,000 periods, us."""
        names = {"p50": "p50", "p99": "p99", "p999": "p999", "max": "max"}
        return {
            key: float(getattr(self.status, f"stream_period_error_{name}")) if self.status else math.nan
            for key, name in names.items()
        }

    @property
    def chunks_rejected(self) -> int:
        """Chunks that the control core turned away."""
        if self.status is None:
            return 0
        counts = zip(self.status.rejected_reasons, self.status.rejected_counts, strict=True)
        return sum(int(count) for reason, count in counts if reason.startswith("chunk"))

    @property
    def max_velocity_ratio(self) -> float:
        """Highest commanded velocity over its limit."""
        return float(self.status.max_velocity_ratio) if self.status else math.nan

    @property
    def scheduler(self) -> str:
        """Scheduling of the command loop."""
        return str(self.status.scheduler) if self.status else ""
