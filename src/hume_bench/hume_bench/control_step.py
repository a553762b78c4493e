"""What one tick of System 1's control core costs, with limits on and a stream of segments coming in."""

from __future__ import annotations

import math
import time

import numpy as np

from hume_core.chunk import Chunk, Segment
from hume_core.limits import MotionLimits
from hume_system1.control.command import ClockReading
from hume_system1.control.control_settings import ControlSettings, GripperSettings
from hume_system1.control.core import ControlCore
from hume_system1.control.events import (
    ActivateEvent,
    ChunkEvent,
    HeartbeatEvent,
    JointStateEvent,
    SegmentEvent,
)

_SEGMENT_EVERY = 2  # ticks: about 90 segments per second at 200 Hz
_CHUNK_EVERY = 40  # ticks: 5 chunks per second
_ROW_DT = 0.02


def measure_core_step(joints: int = 7, rate_hz: float = 200.0, ticks: int = 4000) -> dict[str, float]:
    """Time `ControlCore.step` in simulated time, following a sine.

    Args:
        joints: number of joints.
        rate_hz: of the simulated stream.
        ticks: ticks measured, after a tenth as many for warm-up.

    Returns:
        `median_us`, `p99_us`, `max_us` of all ticks. `quiet_median_us` of ticks without a new segment.
        `following` the part of the ticks in which the core was running (1.0 in a valid measurement).
    """
    feed = _Feed(joints, rate_hz)
    for _ in range(ticks // 10):
        feed.tick()
    costs = np.zeros(ticks)
    quiet = np.zeros(ticks, dtype=bool)
    following = 0
    for k in range(ticks):
        costs[k], quiet[k] = feed.tick()
        following += feed.command.mode.value == "running"
    microseconds = costs * 1e6
    return {
        "median_us": float(np.median(microseconds)),
        "p99_us": float(np.percentile(microseconds, 99.0)),
        "max_us": float(microseconds.max()),
        "quiet_median_us": float(np.median(microseconds[quiet])),
        "following": following / ticks,
    }


class _Feed:
    """A core with everything it needs, in simulated time."""

    def __init__(self, joints: int, rate_hz: float) -> None:
        ones = np.ones(joints)
        self._names = tuple(f"joint_{i}" for i in range(joints))
        limits = MotionLimits(self._names, -2.0 * ones, 2.0 * ones, 2.0 * ones, 10.0 * ones, 150.0 * ones, 0.2 * ones)
        self._core = ControlCore(limits, ControlSettings(rate_hz=rate_hz), GripperSettings())
        self._phase = np.arange(joints)
        self._period = 1.0 / rate_hz
        self._now = 100.0
        self._ticks = 0
        self._chunk = np.zeros((50, 32), np.float32)
        self.command = self._core.step(self._arrive())
        self._core.inbox.append(ActivateEvent())

    def tick(self) -> tuple[float, bool]:
        """One tick. Returns its cost in s and whether no segment arrived in it or is spliced in by it."""
        k = self._ticks
        self._ticks += 1
        now = self._arrive()
        if k % _CHUNK_EVERY == 0:
            seq, anchor = k // _CHUNK_EVERY, np.zeros(len(self._names))
            chunk = Chunk(self._now, 0, seq, _ROW_DT, self._chunk, anchor, self._names, "joint_position")
            self._core.inbox.append(ChunkEvent(chunk, self._now))
        if k % _SEGMENT_EVERY == 0:
            self._core.inbox.append(SegmentEvent(self._segment(k), self._now))
        start = time.perf_counter()
        self.command = self._core.step(now)
        return time.perf_counter() - start, k % _SEGMENT_EVERY != 0

    def _arrive(self) -> ClockReading:
        self._now += self._period
        position = self.command.position.tolist() if self._ticks else [0.0] * len(self._names)
        still = (0.0,) * len(self._names)
        self._core.inbox.append(JointStateEvent(self._names, tuple(position), still, self._now, self._now))
        self._core.inbox.append(HeartbeatEvent(self._now))
        return ClockReading(self._now, self._now)

    def _segment(self, k: int) -> Segment:
        stamp = self._now - 0.03
        times = stamp + _ROW_DT * np.arange(10)
        return Segment(
            stamp=stamp,
            dt=_ROW_DT,
            epoch=0,
            chunk_seq=k // _CHUNK_EVERY,
            seq=k,
            names=self._names,
            positions=0.4 * np.sin(math.pi * times[:, None] + self._phase),
            grippers=np.zeros((10, 1)),
            observation_stamp=stamp,
        )
