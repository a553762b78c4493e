"""What a regression run gives."""

from __future__ import annotations

from dataclasses import dataclass

from hume_bags.regress.compare import Comparison
from hume_bags.regress.facts import RunFacts
from hume_bags.regress.stream import CommandStream


@dataclass(frozen=True)
class RegressResult:
    """A run and what it was compared with.

    Attributes:
        stream: what came out.
        golden: what was expected. None without a golden file.
        comparison: of the two. None without a golden file.
        problems: what is damaged or was skipped in the bag.
        duration: length of the session, s.
        wall_time: stepping took this long, s. Loading is not counted.
        processor_time: seconds of processor time of stepping and inference.
        facts: what was compared.
    """

    stream: CommandStream
    golden: CommandStream | None
    comparison: Comparison | None
    problems: list[str]
    duration: float
    wall_time: float
    processor_time: float
    facts: RunFacts

    @property
    def realtime_factor(self) -> float:
        """Length of the session over the time it took."""
        return self.duration / self.wall_time if self.wall_time > 0 else float("inf")
