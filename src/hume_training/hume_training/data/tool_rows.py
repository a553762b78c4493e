"""Rows about the tool of a dataset that holds joints: by the forward kinematics of the arm that was recorded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces import RotationFormat
from hume_core.action_spaces.end_effector import EndEffectorSpace
from hume_core.kinematics import Kinematics
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.row_layout import ArmColumns

_TURN = 2.0 * np.pi


class ToolRows:
    """The rows of every frame, computed once.

    Args:
        data: joint targets and joint positions, rad.
        arm: its columns.
        space: what the rows shall mean.
        kinematics: of the arm.

    Attributes:
        from_state: (F, 6) rows to each frame's target from the measured pose at that frame.
        from_row: (F, 6) from the target of the frame before; of an episode's first frame as `from_state`.
    """

    def __init__(self, data: Demonstrations, arm: ArmColumns, space: EndEffectorSpace, kinematics: Kinematics) -> None:
        targets = [kinematics.forward(joints) for joints in data.action[:, arm.in_action].astype(np.float64)]
        measured = [kinematics.forward(joints) for joints in data.state[:, arm.in_state].astype(np.float64)]
        before = [measured[0], *targets[:-1]]
        for start in data.starts:
            before[start] = measured[start]
        self.from_state = _rows(space, zip(targets, measured, strict=True))
        self.from_row = _rows(space, zip(targets, before, strict=True))


def _rows(space: EndEffectorSpace, pairs: object) -> NDArray[np.float32]:
    rows = np.stack([space.row(pose, previous) for pose, previous in pairs])  # type: ignore[attr-defined]
    if not space.relative:
        rows[:, 3:] = unwrapped(rows[:, 3:], space.conventions.rotation)
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
