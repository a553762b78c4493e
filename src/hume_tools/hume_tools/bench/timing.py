"""Wall-clock times and peak memory of a function within one process."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Timing:
    """Times of repeated calls, s, and the process' highest resident memory meanwhile, MB."""

    seconds: tuple[float, ...]
    peak_memory_mb: float

    @property
    def median_ms(self) -> float:
        """Median, ms."""
        return 1e3 * median(self.seconds)

    def to_dict(self) -> dict[str, float]:
        """Median and spread (fastest and slowest call), ms, and peak memory."""
        return {
            "median_ms": self.median_ms,
            "min_ms": 1e3 * min(self.seconds),
            "max_ms": 1e3 * max(self.seconds),
            "repeats": len(self.seconds),
            "peak_memory_mb": self.peak_memory_mb,
        }


def measure_pair(
    first: Callable[[], object], second: Callable[[], object], repeats: int, budget: float = 30.0
) -> tuple[Timing, Timing]:
    """Time two functions in turns, so that a slower machine for a while slows both.

    Args:
        first, second: called once each to warm up.
        repeats: turns at most; at least two are made.
        budget: no further turn once this much time has passed, s.
    """
    first()
    second()
    times: tuple[list[float], list[float]] = ([], [])
    peaks = [0.0, 0.0]
    started = time.perf_counter()
    for turn in range(repeats):
        if turn >= 2 and time.perf_counter() - started > budget:
            break
        for i, function in enumerate((first, second)):
            _reset_peak()
            begin = time.perf_counter()
            function()
            times[i].append(time.perf_counter() - begin)
            peaks[i] = max(peaks[i], _peak_mb())
    return Timing(tuple(times[0]), peaks[0]), Timing(tuple(times[1]), peaks[1])


def _reset_peak() -> None:
    """Let the kernel start the resident high-water mark anew; elsewhere the mark of the whole run counts."""
    try:
        _CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return


def _peak_mb() -> float:
    if _STATUS.exists():
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
