"""Statistics of the period of a loop, written by the loop and read by other threads."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PeriodSummary:
    """Period error |period - nominal| in microseconds. NaN where nothing was measured.

    Attributes:
        count: periods in the window.
        rate_hz: mean rate over the window.
        p50, p99, p999, max: of the period error, us.
        gaps_over_two_periods: periods longer than two nominal ones.
    """

    count: int
    rate_hz: float
    p50: float
    p99: float
    p999: float
    max: float
    gaps_over_two_periods: int

    def figures(self, scheduler: str) -> dict[str, Any]:
        """For reports: `period_error_us` {p50, p99, p999, max}, `gaps_over_two_periods`, `rate_hz`, `scheduler`."""
        return {
            "period_error_us": {"p50": self.p50, "p99": self.p99, "p999": self.p999, "max": self.max},
            "gaps_over_two_periods": self.gaps_over_two_periods,
            "rate_hz": self.rate_hz,
            "scheduler": scheduler,
        }


def summarize_periods(periods: NDArray[np.float64], nominal: float) -> PeriodSummary:
    """Summary of measured periods (k,), s, against the nominal one."""
    if periods.size == 0:
        return PeriodSummary(0, math.nan, math.nan, math.nan, math.nan, math.nan, 0)
    # np.sort lets go of the interpreter's lock, np.percentile mostly does not: the loop must not wait for a report.
    error = np.sort(np.abs(periods - nominal)) * 1e6
    last = error.size - 1
    p50, p99, p999 = (float(error[round(part * last)]) for part in (0.5, 0.99, 0.999))
    return PeriodSummary(
        count=int(periods.size),
        rate_hz=float(1.0 / periods.mean()),
        p50=p50,
        p99=p99,
        p999=p999,
        max=float(error[-1]),
        gaps_over_two_periods=int(np.count_nonzero(periods > 2.0 * nominal)),
    )


class PeriodStatistics:
    """A preallocated ring of the latest periods.

    One thread calls `record`. Any thread may call `summary` and `request_reset`. No lock: a reader may see a few
    periods of the next round, which does not change a percentile.

    Args:
        nominal: period aimed at, s.
        window: periods kept.
    """

    def __init__(self, nominal: float, window: int) -> None:
        self._nominal = nominal
        self._ring = array("d", bytes(8 * window))
        self._window = window
        self._index = 0
        self._count = 0
        self._last = math.nan
        self._reset = False

    def record(self, now: float) -> None:
        """Note a wake-up at steady time `now`, s."""
        if self._reset:
            self._reset = False
            self._index = self._count = 0
            self._last = math.nan
        last = self._last
        self._last = now
        if last != last:  # nan: the first wake-up ends no period
            return
        index = self._index
        self._ring[index] = now - last
        index += 1
        self._index = 0 if index == self._window else index
        self._count += 1

    def request_reset(self) -> None:
        """Start again at the next `record`."""
        self._reset = True

    def summary(self) -> PeriodSummary:
        """Summary of the window."""
        count = min(self._count, self._window)
        periods = np.frombuffer(bytes(self._ring), dtype=np.float64)[:count]
        return summarize_periods(periods, self._nominal)
