"""The thread that thinks: takes the newest observation, never queues, and reports what came of it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from hume_core.chunk import Chunk
from hume_core.errors import ObservationError
from hume_ros.observation_buffer import ObservationBuffer
from hume_system2.candidate_budget import CandidateBudget
from hume_system2.thinker import Thinker, ThoughtResult
from hume_system2.thinking_cycle import RETRY_PERIOD, Assignment, ThinkingCycle

_RATE_WINDOW = 2.0


class ThinkingWorker:
    """Thinks about the newest observation as long as there is an assignment.

    Args:
        thinker: the model.
        observer: source of observations.
        cycle: what to think about and when. Its times are those of `time.monotonic`.
        clock: the ROS clock, s.
        on_thought: called from the thinking thread with the chunk and what it was chosen from.
        on_problem: called from the thinking thread with one line when an observation cannot be used.
        budget: how many candidates to take. It is told how long each thought took, after `on_thought`.
    """

    def __init__(
        self,
        thinker: Thinker,
        observer: ObservationBuffer,
        cycle: ThinkingCycle,
        clock: Callable[[], float],
        on_thought: Callable[[Chunk, ThoughtResult], None],
        on_problem: Callable[[str], None],
        budget: CandidateBudget,
    ) -> None:
        self._thinker = thinker
        self._observer = observer
        self._cycle = cycle
        self._clock = clock
        self._on_thought = on_thought
        self._on_problem = on_problem
        self._budget = budget
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._finished: deque[float] = deque(maxlen=256)
        self._thread = threading.Thread(target=self._run, name="thinking", daemon=True)
        self.error = ""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def assignment(self) -> Assignment | None:
        """What is being thought about. None at rest."""
        return self._cycle.assignment

    def assign(self, assignment: Assignment | None) -> None:
        """Think about this from now on. None rests. Any thread."""
        self._cycle.assignment = assignment
        if assignment is None:
            self._wanted.clear()
        else:
            self._wanted.set()

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread after the current thought."""
        self._stopping.set()
        self._wanted.set()
        self._observer.wake()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def rate(self) -> float:
        """Thoughts per second over the last two seconds."""
        now = time.monotonic()
        recent = [at for at in list(self._finished) if now - at < _RATE_WINDOW]
        return len(recent) / _RATE_WINDOW if len(recent) < 2 else (len(recent) - 1) / (recent[-1] - recent[0])

    def _run(self) -> None:
        self._thinker.enter_thread()
        cycle = self._cycle
        while not self._stopping.is_set():
            if cycle.assignment is None:
                self._wanted.wait(0.5)
                continue
            self._stopping.wait(max(0.0, cycle.next_start - time.monotonic()))
            if self._observer.wait_for_new(cycle.last_stamp, timeout=0.2):
                self._think()
            else:
                self._report_silence()

    def _think(self) -> None:
        try:
            task = self._cycle.begin(time.monotonic(), self._clock())
            if task is None:
                return
            result = self._thinker.think(task.observation, task.in_progress, self._budget.count)
        except ObservationError as error:
            self._on_problem(str(error))
            self._stopping.wait(RETRY_PERIOD)
            return
        except Exception as error:  # a thread that has ended reports nothing. Say why thinking ended
            self.error = f"thinking failed: {type(error).__name__}: {error}"
            self._on_problem(self.error)
            self._stopping.set()
            return
        chunk = self._cycle.finish(task, result, self._clock())
        if chunk is not None and not self._stopping.is_set():
            self._finished.append(time.monotonic())
            self._on_thought(chunk, result)
        self._budget.note(result.duration)

    def _report_silence(self) -> None:
        try:
            self._observer.take(self._clock())
        except ObservationError as error:
            self._on_problem(str(error))
