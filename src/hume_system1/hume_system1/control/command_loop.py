"""The command loop: one thread, absolute deadlines, nothing on its path that waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from hume_system1.control.periods import PeriodStatistics, PeriodSummary
from hume_system1.control.realtime import Scheduling, deadline_sleep, enter_realtime

Tick = Callable[[float], None]


@dataclass(frozen=True)
class LoopStatus:
    """A snapshot of the loop.

    Attributes:
        ticks: ticks run.
        overruns: ticks that ended after the next deadline.
        skipped: deadlines left out because they had passed by more than a period.
        rate_hz: achieved rate over the statistics window.
        periods: period error and gaps over the statistics window.
        scheduling: what the operating system granted.
        error: text of the exception that ended the loop, or "".
    """

    ticks: int
    overruns: int
    skipped: int
    rate_hz: float
    periods: PeriodSummary
    scheduling: Scheduling
    error: str


class CommandLoop:
    """Calls `tick(steady_now)` at a fixed rate from a thread of its own.

    Deadlines are start + k * period for ever. After an overrun the next tick runs at once; deadlines that have passed
    by a whole period are skipped, not made up for.
    `tick` must not block, log or raise; if it raises, `on_error` is called once in this thread and the loop ends.

    Args:
        tick: called with the steady clock, s.
        rate_hz: 1 to 2000.
        priority: SCHED_FIFO priority to ask for; 0 asks for nothing.
        lock_memory: ask for mlockall.
        on_error: called with the exception that ended the loop.
        window: periods kept for the statistics.
    """

    def __init__(
        self,
        tick: Tick,
        rate_hz: float,
        *,
        priority: int = 60,
        lock_memory: bool = True,
        on_error: Callable[[BaseException], None] | None = None,
        window: int = 20000,
    ) -> None:
        self._tick = tick
        self.period = 1.0 / rate_hz
        self._priority = priority
        self._lock_memory = lock_memory
        self._on_error = on_error
        self._periods = PeriodStatistics(self.period, window)
        self._stop = False
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._scheduling = Scheduling("other", False, "")
        self._ticks = 0
        self._overruns = 0
        self._skipped = 0
        self._error = ""

    def start(self) -> None:
        """Start the thread and wait until its scheduling is settled.

        Raises:
            RuntimeError: it runs already.
        """
        if self._thread is not None:
            raise RuntimeError("the command loop runs already; stop() it first")
        self._stop = False
        self._started.clear()
        self._thread = threading.Thread(target=self._main, name="command_loop", daemon=True)
        self._thread.start()
        self._started.wait()

    def stop(self, timeout: float = 1.0) -> bool:
        """End the loop after its current tick. Returns whether the thread has ended within `timeout` s."""
        self._stop = True
        thread = self._thread
        if thread is None:
            return True
        thread.join(timeout)
        if thread.is_alive():
            return False
        self._thread = None
        return True

    @property
    def running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def status(self) -> LoopStatus:
        """Snapshot, from any thread. Sorts the window: some milliseconds, so not from the loop itself."""
        summary = self._periods.summary()
        return LoopStatus(
            ticks=self._ticks,
            overruns=self._overruns,
            skipped=self._skipped,
            rate_hz=summary.rate_hz,
            periods=summary,
            scheduling=self._scheduling,
            error=self._error,
        )

    def reset_statistics(self) -> None:
        """Forget the periods measured so far (e.g. after warm-up)."""
        self._periods.request_reset()

    def _main(self) -> None:
        self._scheduling = enter_realtime(self._priority, self._lock_memory)
        self._started.set()
        try:
            self._run()
        except BaseException as error:
            self._error = f"{type(error).__name__}: {error}"
            if self._on_error is not None:
                self._on_error(error)

    def _run(self) -> None:
        period = self.period
        tick = self._tick
        record = self._periods.record
        clock = time.monotonic
        sleep_until = deadline_sleep()
        deadline = clock() + period
        while not self._stop:
            sleep_until(deadline)
            now = clock()
            record(now)
            tick(now)
            self._ticks += 1
            deadline += period
            late = clock() - deadline
            if late > 0.0:
                missed = int(late / period)
                self._overruns += 1
                self._skipped += missed
                deadline += missed * period
