"""How punctual a bare clock_nanosleep loop is here: the limit for any loop that sleeps to its deadlines."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np

from hume_bench.period_error import period_figures
from hume_core.realtime import AbsoluteSleep, enter_realtime
from hume_system1.control.command_loop import DeadlineGrid


def measure_clock(
    rate_hz: float = 200.0, seconds: float = 10.0, priority: int = 60, lock_memory: bool = True
) -> dict[str, Any]:
    """Wake up on absolute deadlines and do nothing else.

    Args:
        rate_hz: wake-ups per second.
        seconds: length of the measurement.
        priority: SCHED_FIFO priority to ask for. 0 asks for nothing.
        lock_memory: ask for mlockall.

    Returns:
        See `period_figures`.
    """
    period = 1.0 / rate_hz
    wakes = np.zeros(int(seconds * rate_hz))
    granted: list[str] = []

    def loop() -> None:
        granted.append(enter_realtime(priority, lock_memory).policy)
        sleep_until, clock = AbsoluteSleep(), time.monotonic
        grid = DeadlineGrid(clock() + period, period)
        for k in range(len(wakes)):
            sleep_until(grid.deadline)
            now = clock()
            wakes[k] = now
            grid.advance(now)

    thread = threading.Thread(target=loop, name="clock_limit")
    thread.start()
    thread.join()
    return period_figures(np.diff(wakes), period, granted[0])
