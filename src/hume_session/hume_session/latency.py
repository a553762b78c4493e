"""How long thoughts and segments take in a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hume_core.errors import ConfigError
from hume_session.schedule import NS


@dataclass(frozen=True)
class Latencies:
    """Durations over time. The value in force is the last one that began, at first the first one.

    Attributes:
        starts: when each began to hold, ns, increasing.
        durations: ns.
        source: where they come from, for reports.
    """

    starts: tuple[int, ...]
    durations: tuple[int, ...]
    source: str

    @classmethod
    def constant(cls, seconds: float, source: str = "constant") -> Latencies:
        """Always the same.

        Raises:
            ConfigError: negative or not finite.
        """
        if not 0.0 <= seconds < 60.0:
            raise ConfigError(f"latency {seconds} s is not valid. Valid: 0 to 60 s")
        return cls((0,), (round(seconds * NS),), source)

    def at(self, time_ns: int) -> int:
        """Duration of what begins at this time, ns."""
        place = int(np.searchsorted(np.array(self.starts), time_ns, side="right")) - 1
        return self.durations[max(place, 0)]

    def summary(self) -> dict[str, Any]:
        """Source, number and median, for headers."""
        median = float(np.median(self.durations)) / NS
        return {"source": self.source, "count": len(self.durations), "median_s": round(median, 9)}


@dataclass(frozen=True)
class LatencyModel:
    """Latencies of both systems."""

    think: Latencies
    denoise: Latencies
