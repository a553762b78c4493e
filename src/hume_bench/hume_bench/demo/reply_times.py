"""How often and how late both systems answered, by the definitions of `hume evaluate`."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from hume_sim.suites import timing_arguments


class ReplyTimes:
    """When the chunks of System 2, or the segments of System 1, came, and how long they took.

    `hume evaluate` starts a thought on an observation of that very moment, and its chunk takes effect a latency later.
    So a latency is the time from the start of the work to the arrival of its result: how long the work took by the
    worker's own count, and the way from publishing to arrival. The age of the observation before that is counted apart.
    Rates are counted from the first arrival of an episode to its last, which leaves out the wait for the first one.
    """

    def __init__(self) -> None:
        self._latencies: list[float] = []
        self._ages: list[float] = []
        self._arrivals: list[list[float]] = []

    def begin(self) -> None:
        """A new episode."""
        self._arrivals.append([])

    def add(self, received: float, published: float, duration: float, observed: float) -> None:
        """A result of the episode has come.

        Args:
            received: when it arrived here, s.
            published: when it was sent, s on the same clock.
            duration: how long the work took, s.
            observed: stamp of the observation it is about, s on the same clock.
        """
        latency = received - published + duration
        self._latencies.append(latency)
        self._ages.append(received - observed - latency)
        self._arrivals[-1].append(received)

    @property
    def latency(self) -> float:
        """Median from the start of the work to the arrival of its result, s. NaN: nothing came."""
        return _median(self._latencies)

    @property
    def observation_age(self) -> float:
        """Median age of the observation at the start of the work, s. NaN: nothing came."""
        return _median(self._ages)

    @property
    def rate(self) -> float:
        """Results per second, the median of the episodes, Hz. NaN: none had two."""
        return _median([(len(times) - 1) / (times[-1] - times[0]) for times in self._arrivals if len(times) > 1])


@dataclass(frozen=True)
class ReplyTiming:
    """Rates (Hz) and latencies (s) as the options of `hume evaluate` take them."""

    system2_rate: float
    system2_latency: float
    system1_rate: float
    system1_latency: float

    @classmethod
    def of(cls, system2: ReplyTimes, system1: ReplyTimes) -> ReplyTiming:
        """What was measured."""
        return cls(system2.rate, system2.latency, system1.rate, system1.latency)

    def arguments(self) -> str:
        """Arguments of `hume evaluate`. What could not be measured is left out."""
        return timing_arguments(self)


def _median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else math.nan
