"""Recorded rows in place of a policy: what the stack makes of rows that are known to succeed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from hume_core.observation import Observation
from hume_libero.world import ROW_PERIOD
from hume_session.engine import answered
from hume_system1.segment_planner import SegmentRequest
from hume_system2.motion_in_progress import MotionInProgress
from hume_system2.thinker import ThoughtResult

REST_ROWS = 20
"""The arm rests for so many rows first, while both systems begin to work."""


class RecordedRows:
    """Both systems: a thought is the rows that were recorded from the time of its observation on.

    It serves as engine and refiner of a session.

    Args:
        rows: (T, 7) raw numbers of OSC_POSE, and the gripper, 0 closed .. 1 open.
    """

    chunk_size, segment_size, origin, sees_images = 16, 8, "anchor", False

    def __init__(self, rows: NDArray[np.float64]) -> None:
        rest = np.zeros((REST_ROWS, rows.shape[1]))
        rest[:, -1] = rows[0, -1]
        end = np.zeros(rows.shape[1])
        end[-1] = rows[-1, -1]
        self._rows, self._end = np.concatenate([rest, rows]).astype(np.float32), end.astype(np.float32)
        self.thoughts = 0
        self.now: Callable[[], float] = lambda: 0.0
        """Time since the session began, s."""

    @property
    def duration(self) -> float:
        """Of rest and rows, s."""
        return len(self._rows) * ROW_PERIOD

    def chunk(self, time: float) -> NDArray[np.float32]:
        """The rows (16, 7) from a time on, s. After the last one the arm rests."""
        first = int(time / ROW_PERIOD + 1e-6)
        found = self._rows[first : first + self.chunk_size]
        return np.concatenate([found, np.tile(self._end, (self.chunk_size - len(found), 1))])

    def think(self, observation: Observation, in_progress: MotionInProgress | None = None) -> Future[ThoughtResult]:
        """See `Engine`."""
        self.thoughts += 1
        rows = self.chunk(self.now())
        one = np.ones(1, np.float32)
        return answered(ThoughtResult(rows, rows[None], one, 0 * one, one, 0.0))

    def refine(self, request: SegmentRequest) -> Future[NDArray[np.float64]]:
        """See `Engine`."""
        return answered(self.segment(request.observation, request.chunk.rows, request.progress, request.moved))

    def segment(
        self, observation: Observation, rows: NDArray[np.float32], progress: float, moved: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """See `Refiner`."""
        start = int(progress * self.chunk_size)
        return self.unnormalise(rows[start : start + self.segment_size])

    def unnormalise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """See `Refiner`."""
        return np.asarray(rows, dtype=np.float64)
