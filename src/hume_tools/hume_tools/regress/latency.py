"""How long thoughts and segments take in a replay: constant, or as measured in the recording."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hume_core.errors import ConfigError

DEFAULT_THINK = 0.15
DEFAULT_DENOISE = 0.03
_NS = 1e9


@dataclass(frozen=True)
class Latencies:
    """Durations over the time of the bag; the value in force is the last one that began, at first the first one.

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
            raise ConfigError(f"latency {seconds} s is not valid; valid: 0 to 60 s")
        return cls((0,), (round(seconds * _NS),), source)

    def at(self, time_ns: int) -> int:
        """Duration of what begins at this time, ns."""
        place = int(np.searchsorted(np.array(self.starts), time_ns, side="right")) - 1
        return self.durations[max(place, 0)]

    def summary(self) -> dict[str, Any]:
        """Source, number and median, for headers."""
        median = float(np.median(self.durations)) / _NS
        return {"source": self.source, "count": len(self.durations), "median_s": round(median, 9)}


@dataclass(frozen=True)
class LatencyModel:
    """Latencies of both systems."""

    think: Latencies
    denoise: Latencies


def measured_latencies(
    messages: Iterable[tuple[int, Any]], chunk_topic: str, think: float, denoise: float
) -> LatencyModel:
    """Latencies from recorded chunks (`think_duration`) and status messages or segments (`denoise_duration`).

    Args:
        messages: (time in ns, bag message) of these topics in order of time.
        chunk_topic: topic of the chunks.
        think, denoise: used where nothing was recorded, s.
    """
    thoughts: list[tuple[int, int]] = []
    segments: list[tuple[int, int]] = []
    for time, item in messages:
        if item.topic == chunk_topic:
            part = item.message.think_duration
            duration = int(part.sec) * 1_000_000_000 + int(part.nanosec)
            thoughts.append((time - duration, duration))
        else:
            duration = round(float(item.message.denoise_duration) * _NS)
            segments.append((time, duration))
    return LatencyModel(_series(thoughts, think), _series(segments, denoise))


def _series(found: list[tuple[int, int]], otherwise: float) -> Latencies:
    usable = sorted((start, duration) for start, duration in found if 0 < duration < 60 * _NS)
    if not usable:
        return Latencies.constant(otherwise, "default: not in the bag")
    starts, durations = zip(*usable, strict=True)
    return Latencies(starts, durations, "measured in the bag")
