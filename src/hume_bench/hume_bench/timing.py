"""Times and peak memory of a function within one process."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

BUDGET = 30.0
"""No further turn of a measurement once this much time has passed, s."""

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Timing:
    """Repeated calls.

    Attributes:
        seconds: processor time of each call, s. Unlike the time on the wall it does not grow when other
            processes take their share of the machine. With one thread both are equal on an idle machine.
        wall_seconds: time on the wall of each call, s.
        peak_memory_mb: the process' highest resident memory meanwhile, MB.
    """

    seconds: tuple[float, ...]
    wall_seconds: tuple[float, ...]
    peak_memory_mb: float

    @property
    def median_ms(self) -> float:
        """Median, ms."""
        return 1e3 * median(self.seconds)

    def to_dict(self) -> dict[str, float]:
        """Median and spread (fastest and slowest call) of the processor time, ms, and peak memory."""
        return {
            "median_ms": self.median_ms,
            "min_ms": 1e3 * min(self.seconds),
            "max_ms": 1e3 * max(self.seconds),
            "wall_median_ms": 1e3 * median(self.wall_seconds),
            "repeats": len(self.seconds),
            "peak_memory_mb": self.peak_memory_mb,
        }


def measure_pair(
    first: Callable[[], object], second: Callable[[], object], repeats: int, budget: float = BUDGET
) -> tuple[Timing, Timing]:
    """Time two warm functions in turns. See `measure_turns`."""
    slow, fast = measure_turns((first, second), repeats, budget)
    return slow, fast


def measure_turns(functions: Sequence[Callable[[], object]], repeats: int, budget: float = 30.0) -> list[Timing]:
    """Time warm functions in turns, so that a slower machine for a while slows all.

    Args:
        functions: what to time.
        repeats: turns at most. At least two are made.
        budget: no further turn once this much time has passed, s.
    """
    times: list[list[float]] = [[] for _ in functions]
    walls: list[list[float]] = [[] for _ in functions]
    peaks = [0.0] * len(functions)
    started = time.perf_counter()
    for turn in range(repeats):
        if turn >= 2 and time.perf_counter() - started > budget:
            break
        for i, function in enumerate(functions):
            _reset_peak()
            wall, begin = time.perf_counter(), time.process_time()
            function()
            times[i].append(time.process_time() - begin)
            walls[i].append(time.perf_counter() - wall)
            peaks[i] = max(peaks[i], _peak_mb())
    return [Timing(tuple(times[i]), tuple(walls[i]), peaks[i]) for i in range(len(functions))]


def _reset_peak() -> None:
    """Let the kernel start the resident high-water mark again. Elsewhere the mark of the whole run counts."""
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
