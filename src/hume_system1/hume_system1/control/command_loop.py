"""The command loop: absolute deadlines, nothing on its path that waits.

A thread that sleeps to its deadline is late by what waking takes. Another thread may hold the interpreter's lock for
some 100 us. Its core may be busy in the kernel, or not scheduled by the host of a virtual machine, for milliseconds.

So, where SCHED_FIFO is granted, two threads take turns, each pinned to a core of its own. Both sleep until shortly
before the deadline. The first to wake takes the interpreter's lock and reads the clock in a loop until the deadline.
Then it runs the tick. The other one finds the tick done and sleeps to the next deadline. Without SCHED_FIFO one thread
sleeps to the deadline itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from hume_core.memory_lock import prepare_thread
from hume_core.realtime import (
    InterpreterLock,
    Scheduling,
    deadline_sleep,
    enter_realtime,
    last_cores,
    pin_thread,
)
from hume_system1.control.periods import PeriodStatistics, PeriodSummary

Tick = Callable[[float], None]

# How long before the deadline a thread wakes, s. Waiting takes lead / period of a core: 4e-4 / 5e-3 = 8 % at 200 Hz.
# Within this time the interpreter's lock is nearly always free.
_LEAD = 4e-4
_LEAD_OF_PERIOD = 0.1  # at most, so that a fast loop does not wait all the time
# The second thread's lead, as a part of the first one's. If both woke at once, they would compete for the lock.
_SECOND_LEAD = 0.5


class DeadlineGrid:
    """Deadlines start + k * period. After an overrun they stay on that grid.

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
        # Deadlines are start + k * period by multiplication: adding the period each time would add up its rounding.
        # After an overrun the grid stays, and whole periods that have passed are left out. To run them all at once
        # would send commands faster than the controller reads them (Buttazzo, Hard Real-Time Computing Systems, on
        # overruns).
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
    """Calls `tick(steady_now)` at a fixed rate, from one or two threads of its own and never from both at once.

    From its start on, the interpreter's switch interval is the loop's for the whole process.

    `tick` must not block or log. If it raises, the error is counted and the loop goes on: a failed publish must not
    leave an arm without commands.

    Args:
        tick: called with the steady clock, s.
        rate_hz: ticks per second.
        priority: SCHED_FIFO priority to ask for. 0 asks for nothing.
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
        self._lead = 0.0
        self._lock = InterpreterLock()
        self._turn = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._started = threading.Event()
        self._ticks = 0
        self._errors = 0
        self._error = ""

    def start(self) -> None:
        """Start the threads and wait until their scheduling is settled.

        Raises:
            RuntimeError: it runs already.
        """
        if self.running:
            raise RuntimeError("the command loop runs already. Call stop() first")
        self._lock.share()
        self._stop = False
        self._threads.clear()
        self._started.clear()
        cores = last_cores(2)
        self._start_thread(self._run, cores)
        self._started.wait()
        if self._lead > 0.0:
            self._start_thread(self._run_second, cores)

    def _start_thread(self, run: Callable[[list[int]], None], cores: list[int]) -> None:
        thread = threading.Thread(target=run, args=(cores,), name="command_loop", daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self, timeout: float = 1.0) -> bool:
        """End the loop after its current tick. Returns whether its threads have ended within `timeout` s."""
        self._stop = True
        for thread in self._threads:
            thread.join(timeout)
        return not self.running

    @property
    def running(self) -> bool:
        """Whether a thread of it is alive."""
        return any(thread.is_alive() for thread in self._threads)

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

    def _run(self, cores: list[int]) -> None:
        self._scheduling = enter_realtime(self._priority, self._lock_memory)
        paired = self._scheduling.policy != "other" and len(cores) == 2
        self._lead = min(_LEAD, _LEAD_OF_PERIOD * self.period) if paired else 0.0
        if paired:
            pin_thread(cores[0])
        self._grid = DeadlineGrid(time.monotonic() + self.period, self.period)
        self._started.set()
        self._keep_deadlines(self._lead)

    def _run_second(self, cores: list[int]) -> None:
        enter_realtime(self._priority, lock_memory=False, freeze_garbage=False)
        if self._scheduling.memory_locked:
            prepare_thread()
        pin_thread(cores[1])
        self._keep_deadlines(_SECOND_LEAD * self._lead)

    def _keep_deadlines(self, lead: float) -> None:
        """Wake `lead` s before each deadline and run its tick, unless the other thread has."""
        # Why two. A single thread is late whenever its core is not available at the deadline. If that happens with
        # probability q on either core, independently, both are late only with q^2. (The redundancy of two channels in
        # parallel. Delays that stop both cores at once, as of the host, stay.)
        #
        # Why they never tick twice. Under `turn` a thread compares the grid's deadline with the one it slept for. The
        # first one's tick has advanced the grid, so for the second the comparison fails. A thread that comes late,
        # after several deadlines, fails it too and reads the new deadline at the top of the loop.
        sleep_until, grid, turn = deadline_sleep(), self._grid, self._turn
        while not self._stop:
            deadline = grid.deadline
            sleep_until(deadline - lead)
            with turn:
                if grid.deadline == deadline and not self._stop:
                    self._run_tick(grid)

    def _run_tick(self, grid: DeadlineGrid) -> None:
        # From here to the end no other Python thread may take the interpreter's lock, else the tick would wait for it.
        self._lock.keep()
        clock, deadline = time.monotonic, grid.deadline
        # Reading the clock in a loop, as sleeping the last stretch would give the core and the lock away again.
        now = clock()
        while now < deadline:
            now = clock()
        self._periods.record(now)
        try:
            self._tick(now)
        except Exception as error:
            self._note(error)
        self._ticks += 1
        grid.advance(clock())
        self._lock.share()

    def _note(self, error: Exception) -> None:
        self._errors += 1
        if self._errors > 1:
            return
        self._error = f"{type(error).__name__}: {error}"
        if self._on_error is not None:
            self._on_error(error)
