"""The command loop: one thread, absolute deadlines, nothing on its path that waits."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from hume_system1.control.periods import PeriodStatistics, PeriodSummary
from hume_system1.control.realtime import Scheduling, deadline_sleep, enter_realtime

Tick = Callable[[float], None]

# Python lets a busy thread keep the interpreter's lock for 5 ms by default, which is a whole tick.
_SWITCH_INTERVAL = 1e-4  # s


class DeadlineGrid:
    """Deadlines start + k * period; after an overrun they stay on that grid.

    Args:
        start: first deadline, s on the steady clock.
        period: s.

    Attributes:
        deadline: the next one.
        overruns: deadlines that had passed before the tick before them was over.
        skipped: deadlines left out because they had passed by a whole period.
    """

    __slots__ = ("_index", "_period", "_start", "deadline", "overruns", "skipped")

    def __init__(self, start: float, period: float) -> None:
        self._start = start
        self._period = period
        self._index = 0
        self.deadline = start
        self.overruns = 0
        self.skipped = 0

    def advance(self, now: float) -> None:
        """Go to the next deadline after a tick that ended at `now`: at once if it has passed by less than a period."""
        self._index += 1
        late = now - (self._start + self._index * self._period)
        if late > 0.0:
            missed = int(late / self._period)
            self.overruns += 1
            self.skipped += missed
            self._index += missed
        self.deadline = self._start + self._index * self._period


@dataclass(frozen=True)
class LoopStatus:
    """A snapshot of the loop.

    Attributes:
        ticks: ticks run.
        overruns, skipped: see `DeadlineGrid`.
        errors: ticks that raised.
        error: text of the first of these, or "".
        periods: rate, period error and gaps over the statistics window.
        scheduling: what the operating system granted.
    """

    ticks: int
    overruns: int
    skipped: int
    errors: int
    error: str
    periods: PeriodSummary
    scheduling: Scheduling

    @property
    def rate_hz(self) -> float:
        """Achieved rate over the statistics window."""
        return self.periods.rate_hz


class CommandLoop:
    """Calls `tick(steady_now)` at a fixed rate from a thread of its own.

    Starting it shortens the interpreter's switch interval for the whole process.

    `tick` must not block or log. If it raises, the error is counted and the loop goes on: a failed publish must not
    leave an arm without commands.

    Args:
        tick: called with the steady clock, s.
        rate_hz: ticks per second.
        priority: SCHED_FIFO priority to ask for; 0 asks for nothing.
        lock_memory: ask for mlockall.
        on_error: called with the first exception of a tick, once, from the loop thread.
        window: periods kept for the statistics.
    """

    def __init__(
        self,
        tick: Tick,
        rate_hz: float,
        *,
        priority: int = 60,
        lock_memory: bool = True,
        on_error: Callable[[Exception], None] | None = None,
        window: int = 20000,
    ) -> None:
        self._tick = tick
        self.period = 1.0 / rate_hz
        self._priority = priority
        self._lock_memory = lock_memory
        self._on_error = on_error
        self._periods = PeriodStatistics(self.period, window)
        self._grid = DeadlineGrid(0.0, self.period)
        self._scheduling = Scheduling("other", False, "")
        self._stop = False
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._ticks = 0
        self._errors = 0
        self._error = ""

    def start(self) -> None:
        """Start the thread and wait until its scheduling is settled.

        Raises:
            RuntimeError: it runs already.
        """
        if self.running:
            raise RuntimeError("the command loop runs already; stop() it first")
        sys.setswitchinterval(_SWITCH_INTERVAL)
        self._stop = False
        self._started.clear()
        self._thread = threading.Thread(target=self._run, name="command_loop", daemon=True)
        self._thread.start()
        self._started.wait()

    def stop(self, timeout: float = 1.0) -> bool:
        """End the loop after its current tick. Returns whether the thread has ended within `timeout` s."""
        self._stop = True
        if self._thread is not None:
            self._thread.join(timeout)
        return not self.running

    @property
    def running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def status(self) -> LoopStatus:
        """Snapshot, from any thread but the loop's: it sorts the window, which takes some milliseconds."""
        return LoopStatus(
            ticks=self._ticks,
            overruns=self._grid.overruns,
            skipped=self._grid.skipped,
            errors=self._errors,
            error=self._error,
            periods=self._periods.summary(),
            scheduling=self._scheduling,
        )

    def reset_statistics(self) -> None:
        """Forget the periods measured so far (e.g. after warm-up)."""
        self._periods.request_reset()

    def _run(self) -> None:
        self._scheduling = enter_realtime(self._priority, self._lock_memory)
        self._started.set()
        tick, record, clock = self._tick, self._periods.record, time.monotonic
        sleep_until = deadline_sleep()
        self._grid = grid = DeadlineGrid(clock() + self.period, self.period)
        while not self._stop:
            sleep_until(grid.deadline)
            now = clock()
            record(now)
            try:
                tick(now)
            except Exception as error:
                self._note(error)
            self._ticks += 1
            grid.advance(clock())

    def _note(self, error: Exception) -> None:
        self._errors += 1
        if self._errors > 1:
            return
        self._error = f"{type(error).__name__}: {error}"
        if self._on_error is not None:
            self._on_error(error)
