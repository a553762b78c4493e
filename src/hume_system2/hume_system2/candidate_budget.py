"""How many candidates a thought takes: all, and fewer while thoughts take longer than they may.

Fewer candidates keep their Euler steps. The number of steps belongs to the policy as it was trained and judged, and
each candidate is then as good as ever. What is lost is choice among them.
"""

from __future__ import annotations

from collections.abc import Callable

_LATE_FOR = 2.0  # s of thoughts that all took too long. One that was held up for a moment says nothing
_LATE_THOUGHTS = 3
_ROOM = 0.8  # of the period. Between this and the whole of it the number stays as it is
_FIRST_TRIAL, _LAST_TRIAL = 5.0, 80.0  # s of thoughts with room to spare before more are tried


class CandidateBudget:
    """Goes from all candidates to half of them and to one, and back.

    A single candidate leaves no choice, so it is the last resort: half of them must take longer than two periods. It is
    denoised to the end (`ThinkingOptions.start_times`).

    It knows only how long thoughts took, so any clock may be behind them. More candidates are tried again after five
    seconds with room to spare. Where they do not hold, each next trial waits twice as long. A computer that is always
    too slow for them then has few trials.

    Args:
        candidates: all of them, N.
        rate_hz: thoughts per second, which gives their period.
        adapts: False: always all.
        on_change: called with one line when the number changes.

    Attributes:
        reason: why fewer than all are taken, or "".
    """

    def __init__(
        self,
        candidates: int,
        rate_hz: float,
        adapts: bool = True,
        on_change: Callable[[str], object] = lambda text: None,
    ) -> None:
        self.levels = levels(candidates) if adapts else (candidates,)
        self.reason = ""
        self._period, self._on_change = 1.0 / rate_hz, on_change
        self._level = 0
        self._late, self._late_thoughts, self._room = 0.0, 0, 0.0
        self._trial, self._since_trial = _FIRST_TRIAL, float("inf")

    @property
    def all(self) -> int:
        """Candidates while thoughts are in time."""
        return self.levels[0]

    @property
    def count(self) -> int:
        """Candidates of the next thought."""
        return self.levels[self._level]

    def note(self, duration: float) -> None:
        """A thought with `count` candidates took so long, s."""
        # The next one begins a period after this one, or when it is over.
        span = max(duration, self._period)
        self._since_trial += span
        late, room = duration > (self._level + 1) * self._period, duration <= _ROOM * self._period
        self._late, self._late_thoughts = (self._late + span, self._late_thoughts + 1) if late else (0.0, 0)
        self._room = self._room + span if room else 0.0
        if self._late >= _LATE_FOR and self._late_thoughts >= _LATE_THOUGHTS:
            self._take_fewer(duration)
        elif self._room >= self._trial and self._level > 0:
            self._try_more()

    def _take_fewer(self, duration: float) -> None:
        self._late, self._late_thoughts = 0.0, 0
        if self._level + 1 == len(self.levels):
            return
        did_not_hold = self._since_trial <= self._trial
        self._trial = min(2.0 * self._trial, _LAST_TRIAL) if did_not_hold else _FIRST_TRIAL
        self.reason = (
            f"a thought took {duration:.2f} s and has {self._period:.2f} s (rates.system2 of the robot profile)"
        )
        self._go(self._level + 1)

    def _try_more(self) -> None:
        self._since_trial = 0.0
        self._go(self._level - 1)
        if self._level == 0:
            self.reason = ""

    def _go(self, level: int) -> None:
        self._level, self._room = level, 0.0
        because = f": {self.reason}" if level > 0 else ""
        self._on_change(f"{self.count} of {self.all} candidates from now on{because}")


def levels(candidates: int) -> tuple[int, ...]:
    """Numbers of candidates from all to one. Few, as an engine makes a graph for each."""
    return tuple(dict.fromkeys((candidates, (candidates + 1) // 2, 1)))
