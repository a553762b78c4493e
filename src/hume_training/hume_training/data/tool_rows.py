"""Rows about the tool of a dataset that holds joints: by the forward kinematics of the arm that was recorded."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces import Reference, RotationFormat
from hume_core.action_spaces.end_effector import EndEffectorSpace
from hume_core.kinematics import Kinematics
from hume_core.kinematics.rotation import Pose
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.row_layout import ArmColumns, DataLayout

_TURN = 2.0 * np.pi


class ToolRows:
    """The rows of every frame, by the poses of commands and measurements.

    Args:
        data: joint targets and joint positions.
        layout: of the dataset.
        arm: whose tool moves.
        space: what the rows shall mean.
        kinematics: of the arm.
    """

    def __init__(
        self,
        data: Demonstrations,
        layout: DataLayout,
        arm: ArmColumns,
        space: EndEffectorSpace,
        kinematics: Kinematics,
    ) -> None:
        self._space = space
        self._targets, self._measured = (
            [space.controlled(kinematics.forward(joints)) for joints in numbers.astype(np.float64)]
            for numbers in (layout.targets(arm, data.action), layout.measured(arm, data.state))
        )
        reference = space.conventions.reference
        self._from_observation = reference is Reference.OBSERVATION and space.name == "ee_delta"
        before = [self._measured[0], *self._targets[:-1]]
        for start in data.starts:
            before[start] = self._measured[start]
        measured = self._rows(zip(self._targets, self._measured, strict=True))
        self._first = measured
        self._later = (
            measured if reference is Reference.MEASURED else self._rows(zip(self._targets, before, strict=True))
        )

    def at(self, rows: NDArray[np.int64], frames: NDArray[np.int64]) -> NDArray[np.float32]:
        """Numbers (B, h, 6) of the rows at frames (B, h) of chunks that begin at other frames (B,)."""
        if self._from_observation:
            found = [
                [self._space.row(self._targets[row], self._measured[frame]) for row in part]
                for part, frame in zip(rows, frames, strict=True)
            ]
            return np.asarray(found, np.float32)
        numbers = self._later[rows]
        begins = rows[:, 0] == frames
        numbers[begins, 0] = self._first[frames[begins]]
        return numbers

    def _rows(self, pairs: Iterable[tuple[Pose, Pose]]) -> NDArray[np.float32]:
        rows = np.stack([self._space.row(pose, previous) for pose, previous in pairs])
        if not self._space.relative:
            rows[:, 3:] = unwrapped(rows[:, 3:], self._space.conventions.rotation)
        return rows.astype(np.float32)


def unwrapped(rotations: NDArray[np.float64], form: RotationFormat) -> NDArray[np.float64]:
    """The same rotations (F, 3) in numbers that all lie near each other, where they were a turn apart.

    A gripper that points down turns by about pi: its rotation vector jumps between both signs, and the mean of
    both is no rotation at all. Readers of such numbers take any angle.
    """
    if form is RotationFormat.RPY:
        return np.asarray(rotations - _TURN * np.round((rotations - _middle(rotations)) / _TURN))
    angles = np.linalg.norm(rotations, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        other = rotations * (1.0 - _TURN / angles)
    middle = rotations[np.argmax(angles)]
    nearer = np.linalg.norm(other - middle, axis=1) < np.linalg.norm(rotations - middle, axis=1)
    return np.where(nearer[:, None] & (angles > 1e-6), other, rotations)


def _middle(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """The direction (3,) that most of the angles (F, 3) lie around."""
    return np.asarray(np.arctan2(np.sin(angles).mean(0), np.cos(angles).mean(0)))
