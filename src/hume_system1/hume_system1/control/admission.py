"""The door for chunks: a whole one is accepted, or rejected with a reason in one line.

The command process and the denoiser process both ask here, so that both use the same rules.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from hume_core.action_spaces import check_described_spaces
from hume_core.chunk import Chunk
from hume_core.epochs import is_plausible_step
from hume_core.errors import ActionSpaceError
from hume_core.texts import listed
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.rejection import LONGEST_DT, SHORTEST_DT, Rejection, check_rows

__all__ = ["ChunkAdmission", "Rejection", "explain"]


class ChunkAdmission:
    """Checks chunks of System 2 and remembers which were admitted.

    Args:
        settings: thresholds.
        names: the robot's arm joints in policy order. Empty: unknown, and any are taken.

    Attributes:
        seq, epoch: of the newest admitted chunk. -1 if none.
        stamp: of its observation, s.
    """

    def __init__(self, settings: ControlSettings, names: Sequence[str] = ()) -> None:
        self._settings = settings
        self._names = tuple(names)
        self._admitted: deque[tuple[int, int]] = deque(maxlen=32)
        self.seq = -1
        self.epoch = -1
        self.stamp = -math.inf

    def check(self, chunk: Chunk, epoch: int, ros: float) -> Rejection | None:
        """Admit a chunk.

        Args:
            chunk: as received.
            epoch: epoch in force. A chunk of a newer one is let in (the caller then changes epoch).
            ros: ROS time, s.

        Returns:
            None when admitted, else the reason.
        """
        rejection = self._check_order(chunk, epoch, ros) or self._check_time(chunk, ros) or self._check_data(chunk)
        if rejection is None:
            self.seq, self.epoch, self.stamp = chunk.seq, chunk.epoch, chunk.stamp
            self._admitted.append((chunk.epoch, chunk.seq))
        return rejection

    def admitted(self, epoch: int, seq: int) -> bool:
        """Whether this chunk is among the newest admitted ones."""
        return (epoch, seq) in self._admitted

    def explain(self, rejection: Rejection, chunk: Chunk, epoch: int, ros: float) -> str:
        """Why `check` has just said no, in one line for people. Arguments as there. See `explain`."""
        return explain(
            rejection, chunk, epoch=epoch, ros=ros, newest=self.seq, names=self._names, settings=self._settings
        )

    def _check_order(self, chunk: Chunk, epoch: int, ros: float) -> Rejection | None:
        if not is_plausible_step(chunk.epoch, epoch, self._settings.max_epoch_step):
            return Rejection.EPOCH
        late = chunk.epoch == self.epoch and chunk.seq <= self.seq
        if chunk.seq < 0 or (late and not self._starts_over(chunk, ros)):
            return Rejection.SEQUENCE
        return None

    def _starts_over(self, chunk: Chunk, ros: float) -> bool:
        """Whether numbers begin again: one that was too high must not shut out all others once its chunk is old."""
        return chunk.stamp > self.stamp and ros - self.stamp > self._settings.chunk_age

    def _check_time(self, chunk: Chunk, ros: float) -> Rejection | None:
        age = ros - chunk.stamp
        if not math.isfinite(age):
            return Rejection.NOT_FINITE
        if age < -self._settings.future:
            return Rejection.FUTURE
        return Rejection.AGE if age > self._settings.chunk_age else None

    def _check_data(self, chunk: Chunk) -> Rejection | None:
        s = self._settings
        if not SHORTEST_DT <= chunk.dt <= LONGEST_DT:
            return Rejection.DT
        if _unknown_space(chunk) or (s.action_spaces and chunk.action_space not in s.action_spaces):
            return Rejection.ACTION_SPACE
        if not self._fits(np.shape(chunk.rows)):
            return Rejection.SHAPE
        if not self._names_fit(chunk.names, chunk.rows.shape[1]):
            return Rejection.NAMES
        if np.shape(chunk.anchor) != (len(chunk.names),) or not np.isfinite(chunk.anchor).all():
            return Rejection.ANCHOR
        rows = np.asarray(chunk.rows, dtype=np.float64)
        return check_rows(rows, -s.max_chunk_value, s.max_chunk_value, s.max_chunk_step)

    def _fits(self, shape: tuple[int, ...]) -> bool:
        s = self._settings
        if len(shape) != 2 or not 1 <= shape[0] <= s.max_horizon or shape[1] < 1:
            return False
        return s.chunk_rows in (0, shape[0]) and s.chunk_dim in (0, shape[1])

    def _names_fit(self, names: tuple[str, ...], columns: int) -> bool:
        if self._names:
            return names == self._names
        return len(names) <= columns and len(set(names)) == len(names)


def explain(
    rejection: Rejection,
    chunk: Chunk,
    *,
    epoch: int,
    ros: float,
    newest: int,
    names: Sequence[str],
    settings: ControlSettings,
) -> str:
    """One line for people, such as "chunk 7 rejected: epoch: it is of epoch 3, the present one is 5".

    Args:
        rejection: why.
        chunk: what was rejected.
        epoch: epoch in force.
        ros: ROS time, s.
        newest: sequence number of the newest admitted chunk.
        names: the robot's joints, empty if unknown.
        settings: thresholds.
    """
    why = _details(rejection, chunk, epoch, ros, newest, ", ".join(names), settings)
    return f"chunk {chunk.seq} rejected: {rejection.value}" + (f": {why}" if why else "")


def _details(
    rejection: Rejection, chunk: Chunk, epoch: int, ros: float, newest: int, names: str, s: ControlSettings
) -> str:
    match rejection:
        case Rejection.EPOCH:
            return f"it is of epoch {chunk.epoch}, the present one is {epoch}"
        case Rejection.SEQUENCE:
            return f"it is not newer than chunk {newest} of the same epoch"
        case Rejection.AGE:
            return f"its observation is {ros - chunk.stamp:.2f} s old, valid: at most {s.chunk_age:g} s"
        case Rejection.FUTURE:
            return f"its observation lies {chunk.stamp - ros:.2f} s ahead of the clock"
        case Rejection.DT:
            return f"dt is {chunk.dt:g} s, valid: {SHORTEST_DT:g} to {LONGEST_DT:g} s"
        case Rejection.ACTION_SPACE:
            unknown = _unknown_space(chunk)
            return unknown or f"it is '{chunk.action_space}', the robot takes: {', '.join(s.action_spaces)}"
        case Rejection.SHAPE:
            return f"rows are {np.shape(chunk.rows)}, valid: ({s.chunk_rows or 'any'}, {s.chunk_dim or 'any'})"
        case Rejection.NAMES:
            return f"it is for joints {listed(chunk.names)}, the robot's are {names or 'not known'}"
        case Rejection.ANCHOR:
            return f"it needs one finite number per joint: {len(chunk.names)}, found {np.size(chunk.anchor)} numbers"
        case Rejection.RANGE:
            return f"a number is beyond +-{s.max_chunk_value:g}"
        case Rejection.STEP:
            return f"two neighbouring rows differ by more than {s.max_chunk_step:g}"
    return ""


def _unknown_space(chunk: Chunk) -> str:
    """Why there is no such action space, with the valid ones. Empty where there is."""
    try:
        check_described_spaces(chunk.action_space)
    except ActionSpaceError as error:
        return str(error)
    return ""
