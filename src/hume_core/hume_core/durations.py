"""How long something takes, for people: one form for all commands, and an estimate from the first units of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from hume_core.console import say

MEASURED = "as on two cores of 2.5 GHz"
"""Where the time of a unit comes from that was measured before this run."""

_WORTH_SAYING = 20.0
"""What is over sooner needs no word, s."""


@dataclass(frozen=True)
class Units:
    """Work of one kind.

    Attributes:
        count: how many units.
        what: they are, in the plural.
        each: how long one takes, s.
    """

    count: int
    what: str
    each: float

    def __str__(self) -> str:
        """'40 episodes of 36 s'."""
        each = f"{self.each:.3g} s" if self.each < 999.5 else duration(self.each)
        return f"{self.count} {self.what} of {each}"


def duration(seconds: float) -> str:
    """A time as exactly as an estimate deserves: '40 seconds', '24 minutes', '3.5 hours', '2.1 days'."""
    for unit, name in ((1.0, "second"), (60.0, "minute")):
        count = max(1, round(seconds / unit))
        if count < 90:
            return f"{count} {name}{'s' if count > 1 else ''}"
    unit, name = (3600.0, "hours") if seconds < 48.0 * 3600.0 else (86400.0, "days")
    return f"{seconds / unit:.1f} {name}".replace(".0 ", " ")


def estimate(*parts: Units, basis: str = "", at_once: int = 1) -> str:
    """'about 24 minutes: 40 episodes of 36 s', and what that rests on.

    Args:
        *parts: of the work, one after the other.
        basis: where the times of the units come from. Empty: they were measured in this run.
        at_once: how many units are worked on at the same time.
    """
    total = sum(part.count * part.each for part in parts) / at_once
    beside = f", {at_once} at a time" if at_once > 1 else ""
    rests = f" ({basis})" if basis else ""
    return f"about {duration(total)}: {', '.join(map(str, parts))}{beside}{rests}"


class FirstUnits:
    """Says how long the rest of a run takes, once, as soon as its first units are done.

    Args:
        total: units of this run.
        what: they are, in the plural.
        after: units that the estimate rests on.
        tell: takes the line.
        clock: steady time, s.
    """

    def __init__(
        self,
        total: int,
        what: str,
        after: int = 1,
        tell: Callable[[str], None] = say,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total, self._what, self._after = total, what, after
        self._tell, self._clock = tell, clock
        self._started, self._done, self._told = clock(), 0, False

    def done(self, count: int = 1) -> None:
        """So many units more are done."""
        self._done += count
        left = self._total - self._done
        if self._told or self._done < self._after or left <= 0:
            return
        self._told = True
        each = (self._clock() - self._started) / self._done
        if left * each >= _WORTH_SAYING:
            self._tell(estimate(Units(left, f"more {self._what}", each)))
