"""The door for segments: a whole one is accepted, or rejected with a reason."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hume_core.angles import unwrapped
from hume_core.chunk import Segment
from hume_core.limits import MotionLimits
from hume_system1.control.admission import ChunkAdmission
from hume_system1.control.continuous import ContinuousJoints
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.rejection import LONGEST_DT, SHORTEST_DT, Rejection, check_rows

Array = NDArray[np.float64]


class SegmentAdmission:
    """Checks segments of System 1 and puts their columns into joint order.

    Args:
        limits: joints.
        settings: thresholds.
        grippers: number of the robot's grippers. None: not known, and any number is taken.

    Attributes:
        seq, epoch, chunk_seq: of the newest admitted segment. -1 if none.
        observation_stamp: of the same, s.
        positions: (h, n) of the newest admitted segment, rad, in joint order. Those of continuous joints go the short
            way from row to row.
        grippers: (h, g) of the same, policy units. Their number g may be 0.
    """

    def __init__(self, limits: MotionLimits, settings: ControlSettings, grippers: int | None = None) -> None:
        self._settings = settings
        self._names = limits.names
        self._continuous, self._flags = ContinuousJoints(limits), limits.continuous
        self._gripper_count = grippers
        self._in_order = list(range(limits.size))
        self._columns: list[int] | None = None
        self._columns_of: tuple[str, ...] = ()
        self._lowest = limits.lower - settings.range_margin
        self._highest = limits.upper + settings.range_margin
        self._speed = settings.max_step_ratio * limits.velocity
        self.seq = -1
        self.epoch = -1
        self.chunk_seq = -1
        self.observation_stamp = -math.inf
        self.positions: Array = np.zeros((1, limits.size))
        self.grippers: Array = np.zeros((1, 0))

    def check(
        self, segment: Segment, epoch: int, ros: float, chunks: ChunkAdmission, place: Sequence[float] = ()
    ) -> Rejection | None:
        """Admit a segment.

        Args:
            segment: as received.
            epoch: epoch in force.
            ros: ROS time, s.
            chunks: knows the admitted chunks.
            place: (n,) where the command is, rad. Targets of continuous joints are counted in the nearest turn.

        Returns:
            None when admitted (then `positions` and `grippers` hold it), else the reason.
        """
        rejection = (
            self._check_order(segment, epoch, ros, chunks)
            or self._check_data(segment)
            or self._check_time(segment, ros)
        )
        if rejection is None:
            self.seq, self.epoch, self.chunk_seq = segment.seq, segment.epoch, segment.chunk_seq
            self.observation_stamp = segment.observation_stamp
            if self._continuous:
                self._go_the_short_way(place, (ros - segment.stamp) / segment.dt)
        return rejection

    def _go_the_short_way(self, place: Sequence[float], row: float) -> None:
        """From `place` to the row in force now. The other rows keep their distance from it."""
        now = self.positions[min(max(round(row), 0), len(self.positions) - 1)].tolist()
        self.positions = self.positions + np.array(self._continuous.turns(now, place))

    def _check_order(self, segment: Segment, epoch: int, ros: float, chunks: ChunkAdmission) -> Rejection | None:
        if segment.epoch != epoch:
            return Rejection.EPOCH
        late = segment.epoch == self.epoch and (segment.seq <= self.seq or segment.chunk_seq < self.chunk_seq)
        if late and not self._starts_over(segment, ros):
            return Rejection.SEQUENCE
        if self._settings.require_chunk and not chunks.admitted(segment.epoch, segment.chunk_seq):
            return Rejection.CHUNK
        return None

    def _starts_over(self, segment: Segment, ros: float) -> bool:
        """Whether numbers begin again, as with chunks: the newest segment rests on an observation that is too old."""
        newest = self.observation_stamp
        return segment.observation_stamp > newest and ros - newest > self._settings.observation_age

    def _check_time(self, segment: Segment, ros: float) -> Rejection | None:
        s = self._settings
        if not (math.isfinite(segment.stamp) and math.isfinite(segment.observation_stamp)):
            return Rejection.NOT_FINITE
        if max(segment.stamp, segment.observation_stamp) > ros + s.future:
            return Rejection.FUTURE
        if segment.stamp + max(len(segment.positions) - 1, 1) * segment.dt < ros:
            return Rejection.AGE
        return Rejection.OBSERVATION if ros - segment.observation_stamp > s.observation_age else None

    def _check_data(self, segment: Segment) -> Rejection | None:
        if not SHORTEST_DT <= segment.dt <= LONGEST_DT:
            return Rejection.DT
        columns = self._columns_for(segment.names)
        if columns is None:
            return Rejection.NAMES
        rows, *rest = np.shape(segment.positions)
        if rest != [len(columns)] or not 1 <= rows <= self._settings.max_horizon:
            return Rejection.SHAPE
        positions = np.asarray(segment.positions, dtype=np.float64)
        if columns != self._in_order:
            positions = positions[:, columns]
        grippers = np.asarray(segment.grippers, dtype=np.float64)
        rejection = self._check_positions(positions, segment.dt) or self._check_grippers(grippers, rows)
        if rejection is None:
            self.positions = unwrapped(positions, self._flags) if self._continuous else positions
            self.grippers = grippers
        return rejection

    def _check_positions(self, positions: Array, dt: float) -> Rejection | None:
        step = self._speed * dt
        if not self._continuous:
            return check_rows(positions, self._lowest, self._highest, step)
        # Only what is in range can be unwrapped.
        in_range = check_rows(positions, self._lowest, self._highest, np.inf)
        return in_range or check_rows(unwrapped(positions, self._flags), -np.inf, np.inf, step)

    def _check_grippers(self, grippers: Array, rows: int) -> Rejection | None:
        if grippers.ndim != 2 or len(grippers) != rows:
            return Rejection.SHAPE
        if np.count_nonzero(np.isfinite(grippers)) != grippers.size:
            return Rejection.NOT_FINITE
        return Rejection.SHAPE if self._gripper_count not in (None, grippers.shape[1]) else None

    def _columns_for(self, names: tuple[str, ...]) -> list[int] | None:
        """Column of every joint, or None if the names are not exactly the joints."""
        if names != self._columns_of:
            same = len(names) == len(self._names) and set(names) == set(self._names)
            self._columns = [names.index(name) for name in self._names] if same else None
            self._columns_of = names
        return self._columns
