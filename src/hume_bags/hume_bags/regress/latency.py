"""How long thoughts and segments took in a recording."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hume_session import Latencies, LatencyModel

DEFAULT_THINK = 0.15
DEFAULT_DENOISE = 0.03
_NS = 1e9
_EXACT = 100
"""What a duration in float32 can tell, ns."""


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
            duration = round(float(item.message.denoise_duration) * _NS / _EXACT) * _EXACT
            segments.append((time, duration))
    return LatencyModel(_series(thoughts, think), _series(segments, denoise))


def _series(found: list[tuple[int, int]], otherwise: float) -> Latencies:
    usable = sorted((start, duration) for start, duration in found if 0 < duration < 60 * _NS)
    if not usable:
        return Latencies.constant(otherwise, "default: not in the bag")
    starts, durations = zip(*usable, strict=True)
    return Latencies(starts, durations, "measured in the bag")
