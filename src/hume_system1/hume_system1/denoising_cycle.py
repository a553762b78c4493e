"""What the denoiser does with chunks and observations. No thread, no node: time comes from outside."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hume_core.chunk import Chunk, Segment
from hume_core.robot import RobotProfile
from hume_ros.observation_buffer import ObservationBuffer
from hume_system1.segment_planner import SegmentPlanner, SegmentRequest

HEARTBEAT_PERIOD = 0.05
"""Time between two heartbeats, s."""

_IDLE_PAUSE = 0.005


class DenoisingCycle:
    """Chunks in, segments out. The caller decides where `refiner` is asked for the actions of a request.

    Threads: `offer` and `begin_epoch` from any thread, the rest from one.

    Args:
        denoiser: chooses what to refine.
        observer: source of observations.
        profile: rate of System 1.
        first_seq: segments are numbered from here on.
        on_problem: called with a line of text when the ROS clock goes back, from any thread.
    """

    def __init__(
        self,
        denoiser: SegmentPlanner,
        observer: ObservationBuffer,
        profile: RobotProfile,
        first_seq: int,
        on_problem: Callable[[str], object] = lambda problem: None,
    ) -> None:
        self._denoiser = denoiser
        self._observer = observer
        self._period = 1.0 / profile.rates.system1
        self._seq = first_seq
        self._on_problem = on_problem
        self._lock = threading.Lock()

    def offer(self, chunk: Chunk, now: float) -> None:
        """Take a chunk into account that came at `now` (s, ROS clock).

        Raises:
            ChunkError: it is not admitted.
        """
        with self._lock:
            self._notice(now)
            self._denoiser.offer(chunk, now)

    def begin_epoch(self, epoch: int) -> None:
        """The epoch in force: forget chunks of others."""
        with self._lock:
            self._denoiser.begin_epoch(epoch)

    def begin(self, now: float) -> SegmentRequest | None:
        """What to refine at `now` (s, ROS clock). None if there is nothing to do.

        Raises:
            ObservationError: the newest observation cannot be used.
        """
        with self._lock:
            self._notice(now)
            chunk = self._denoiser.chunk_at(now)
        if chunk is None:
            return None
        frame = self._observer.take(now, newest_state=True)
        velocity = self._observer.joint_velocities(chunk.stamp) if self._denoiser.needs_velocity(chunk) else None
        observation = frame.observation("")
        with self._lock:
            return self._denoiser.request(chunk, observation, frame.stamp, frame.joint_positions, now, velocity)

    def _notice(self, now: float) -> None:
        if self._denoiser.notice(now):
            self._on_problem("the ROS clock went back. Chunks of the time before are forgotten")

    def refine(self, request: SegmentRequest) -> NDArray[np.float64]:
        """See `SegmentRequest.refined_by`. It changes nothing here."""
        return request.refined_by(self._denoiser.refiner)

    def finish(self, request: SegmentRequest, actions: NDArray[np.float64], duration: float) -> Segment:
        """The next segment, from the answer that took `duration` s."""
        self._seq += 1
        return self._denoiser.finish(request, actions, self._seq, duration)

    def next_start(self, started: float, finished: float, worked: bool) -> float:
        """When to begin again after a round from `started` to `finished`, s on the steady clock."""
        return max(finished if worked else finished + _IDLE_PAUSE, started + self._period)
