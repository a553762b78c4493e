"""The door for chunks, segments and joint states: a whole one is accepted, or rejected with a reason."""

from __future__ import annotations

import enum
import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from hume_core.limits import MotionLimits
from hume_system1.control.events import ChunkEvent, SegmentEvent
from hume_system1.control.settings import ControlSettings

Array = NDArray[np.float64]


class Rejection(enum.Enum):
    """Why something was not let in."""

    SHAPE = "shape"
    NAMES = "names"
    NOT_FINITE = "not finite"
    DT = "dt"
    RANGE = "range"
    STEP = "step size"
    EPOCH = "epoch"
    SEQUENCE = "sequence"
    AGE = "age"
    FUTURE = "from the future"
    ACTION_SPACE = "action space"
    CHUNK = "chunk not admitted"
    OBSERVATION = "observation age"
    MALFORMED = "malformed"


_SHORTEST_DT = 1e-3
_LONGEST_DT = 1.0


class ChunkAdmission:
    """Checks chunks of System 2 and remembers which were admitted.

    Args:
        settings: thresholds.

    Attributes:
        seq, epoch: of the newest admitted chunk; -1 if none.
    """

    def __init__(self, settings: ControlSettings) -> None:
        self._settings = settings
        self._admitted: deque[tuple[int, int]] = deque(maxlen=32)
        self.seq = -1
        self.epoch = -1

    def check(self, chunk: ChunkEvent, epoch: int, ros: float) -> Rejection | None:
        """Admit a chunk.

        Args:
            chunk: as received.
            epoch: epoch in force; a chunk of a newer one is let in (the caller then changes epoch).
            ros: ROS time, s.

        Returns:
            None when admitted, else the reason.
        """
        rejection = self._check_order(chunk, epoch) or self._check_time(chunk, ros) or self._check_data(chunk)
        if rejection is None:
            self.seq, self.epoch = chunk.seq, chunk.epoch
            self._admitted.append((chunk.epoch, chunk.seq))
        return rejection

    def admitted(self, epoch: int, seq: int) -> bool:
        """Whether this chunk is among the newest admitted ones."""
        return (epoch, seq) in self._admitted

    def _check_order(self, chunk: ChunkEvent, epoch: int) -> Rejection | None:
        if not epoch <= chunk.epoch <= epoch + self._settings.max_epoch_step:
            return Rejection.EPOCH
        if chunk.seq < 0 or (chunk.epoch == self.epoch and chunk.seq <= self.seq):
            return Rejection.SEQUENCE
        return None

    def _check_time(self, chunk: ChunkEvent, ros: float) -> Rejection | None:
        age = ros - chunk.stamp
        if not math.isfinite(age):
            return Rejection.NOT_FINITE
        if age < -self._settings.future:
            return Rejection.FUTURE
        return Rejection.AGE if age > self._settings.chunk_age else None

    def _check_data(self, chunk: ChunkEvent) -> Rejection | None:
        s = self._settings
        if not _SHORTEST_DT <= chunk.dt <= _LONGEST_DT:
            return Rejection.DT
        if s.action_spaces and chunk.action_space not in s.action_spaces:
            return Rejection.ACTION_SPACE
        if not 1 <= chunk.horizon <= s.max_horizon or chunk.dim < 1 or s.chunk_dim not in (0, chunk.dim):
            return Rejection.SHAPE
        if np.shape(chunk.data) not in ((chunk.horizon, chunk.dim), (chunk.horizon * chunk.dim,)):
            return Rejection.SHAPE
        if len(chunk.names) > chunk.dim or len(set(chunk.names)) != len(chunk.names):
            return Rejection.NAMES
        data = np.asarray(chunk.data, dtype=np.float64).reshape(chunk.horizon, chunk.dim)
        return _check_numbers(data, -s.max_chunk_value, s.max_chunk_value, s.max_chunk_step)


class SegmentAdmission:
    """Checks segments of System 1 and puts their columns into joint order.

    Args:
        limits: joints.
        settings: thresholds.

    Attributes:
        seq, epoch, chunk_seq: of the newest admitted segment; -1 if none.
        positions: (h, n) of the newest admitted segment, rad, in joint order.
        gripper: (h,) or None.
    """

    def __init__(self, limits: MotionLimits, settings: ControlSettings) -> None:
        self._settings = settings
        self._names = limits.names
        self._columns: list[int] | None = None
        self._columns_of: tuple[str, ...] = ()
        self._lowest = limits.lower - settings.range_margin
        self._highest = limits.upper + settings.range_margin
        self._speed = settings.max_step_ratio * limits.velocity
        self.seq = -1
        self.epoch = -1
        self.chunk_seq = -1
        self.positions: Array = np.zeros((1, limits.size))
        self.gripper: Array | None = None

    def check(self, segment: SegmentEvent, epoch: int, ros: float, chunks: ChunkAdmission) -> Rejection | None:
        """Admit a segment.

        Args:
            segment: as received.
            epoch: epoch in force.
            ros: ROS time, s.
            chunks: knows the admitted chunks.

        Returns:
            None when admitted (then `positions` and `gripper` hold it), else the reason.
        """
        rejection = (
            self._check_order(segment, epoch, chunks) or self._check_data(segment) or self._check_time(segment, ros)
        )
        if rejection is None:
            self.seq, self.epoch, self.chunk_seq = segment.seq, segment.epoch, segment.chunk_seq
        return rejection

    def _check_order(self, segment: SegmentEvent, epoch: int, chunks: ChunkAdmission) -> Rejection | None:
        if segment.epoch != epoch:
            return Rejection.EPOCH
        if segment.epoch == self.epoch and (segment.seq <= self.seq or segment.chunk_seq < self.chunk_seq):
            return Rejection.SEQUENCE
        if self._settings.require_chunk and not chunks.admitted(segment.epoch, segment.chunk_seq):
            return Rejection.CHUNK
        return None

    def _check_time(self, segment: SegmentEvent, ros: float) -> Rejection | None:
        s = self._settings
        if not (math.isfinite(segment.stamp) and math.isfinite(segment.observation_stamp)):
            return Rejection.NOT_FINITE
        if max(segment.stamp, segment.observation_stamp) > ros + s.future:
            return Rejection.FUTURE
        if segment.stamp + max(len(segment.positions) - 1, 1) * segment.dt < ros:
            return Rejection.AGE
        return Rejection.OBSERVATION if ros - segment.observation_stamp > s.observation_age else None

    def _check_data(self, segment: SegmentEvent) -> Rejection | None:
        if not _SHORTEST_DT <= segment.dt <= _LONGEST_DT:
            return Rejection.DT
        columns = self._columns_for(segment.names)
        if columns is None:
            return Rejection.NAMES
        rows, *rest = np.shape(segment.positions)
        if rest != [len(columns)] or not 1 <= rows <= self._settings.max_horizon:
            return Rejection.SHAPE
        positions = np.asarray(segment.positions, dtype=np.float64)[:, columns]
        rejection = _check_numbers(positions, self._lowest, self._highest, self._speed * segment.dt)
        if rejection is not None:
            return rejection
        gripper = None
        if segment.gripper is not None:
            gripper = np.asarray(segment.gripper, dtype=np.float64)
            if gripper.shape != (rows,):
                return Rejection.SHAPE
            if not np.isfinite(gripper).all():
                return Rejection.NOT_FINITE
        self.positions, self.gripper = positions, gripper
        return None

    def _columns_for(self, names: tuple[str, ...]) -> list[int] | None:
        """Column of every joint, or None if the names are not exactly the joints."""
        if names != self._columns_of:
            same = len(names) == len(self._names) and set(names) == set(self._names)
            self._columns = [names.index(name) for name in self._names] if same else None
            self._columns_of = names
        return self._columns


def _check_numbers(rows: Array, lowest: Array | float, highest: Array | float, step: Array | float) -> Rejection | None:
    if not np.isfinite(rows).all():
        return Rejection.NOT_FINITE
    if (rows < lowest).any() or (rows > highest).any():
        return Rejection.RANGE
    if (np.abs(rows[1:] - rows[:-1]) > step).any():
        return Rejection.STEP
    return None
