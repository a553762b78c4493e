"""Rotation matrices as the numbers that policies are trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hume_core.kinematics.rotation import rotation_to_rpy
from hume_core.state.kinds import Branch, ToolRotationFormat

_TINY = 1e-12

NAMES: dict[ToolRotationFormat, tuple[str, ...]] = {
    ToolRotationFormat.ROTATION_VECTOR: ("rx", "ry", "rz"),
    ToolRotationFormat.ROLL_PITCH_YAW: ("roll", "pitch", "yaw"),
    ToolRotationFormat.QUATERNION_XYZW: ("qx", "qy", "qz", "qw"),
    ToolRotationFormat.QUATERNION_WXYZ: ("qw", "qx", "qy", "qz"),
    ToolRotationFormat.ROTATION_6D: ("r11", "r21", "r31", "r12", "r22", "r32"),
    ToolRotationFormat.ROTATION_6D_ROWS: ("r11", "r12", "r13", "r21", "r22", "r23"),
}
"""Names of the numbers of each format."""


def rotation_numbers(
    rotation: NDArray[np.float64], form: ToolRotationFormat, branch: Branch = Branch.SHORTEST
) -> NDArray[np.float64]:
    """The numbers (k,) of a rotation matrix (3, 3).

    Args:
        rotation: matrix.
        form: of the numbers.
        branch: of rotation vectors and quaternions.
    """
    if form is ToolRotationFormat.ROLL_PITCH_YAW:
        return rotation_to_rpy(rotation)
    if form is ToolRotationFormat.ROTATION_6D:
        return np.concatenate([rotation[:, 0], rotation[:, 1]])
    if form is ToolRotationFormat.ROTATION_6D_ROWS:
        return np.concatenate([rotation[0], rotation[1]])
    quaternion = quaternion_xyzw(rotation, branch)
    if form is ToolRotationFormat.QUATERNION_XYZW:
        return quaternion
    if form is ToolRotationFormat.QUATERNION_WXYZ:
        return quaternion[[3, 0, 1, 2]]
    return _vector(quaternion)


def quaternion_xyzw(rotation: NDArray[np.float64], branch: Branch = Branch.SHORTEST) -> NDArray[np.float64]:
    """Unit quaternion (4,) of a rotation matrix (3, 3), by the largest of its numbers (Shepperd, 1978)."""
    r, trace = rotation, float(np.trace(rotation))
    squares = np.array([*(1.0 + 2.0 * np.diag(r) - trace), 1.0 + trace])
    products = np.array(
        [
            [squares[0], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0], r[2, 1] - r[1, 2]],
            [r[0, 1] + r[1, 0], squares[1], r[1, 2] + r[2, 1], r[0, 2] - r[2, 0]],
            [r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], squares[2], r[1, 0] - r[0, 1]],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], squares[3]],
        ]
    )
    found = products[int(np.argmax(squares))]
    found = found / np.sqrt(found @ found)
    decides = found[0] if branch is Branch.POSITIVE_QX and abs(found[0]) > _TINY else found[3]
    return np.asarray(-found if decides < 0.0 else found)


def _vector(quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) rotation vector, rad. The angle goes with the quaternion's sign, up to a whole turn."""
    length = float(np.sqrt(quaternion[:3] @ quaternion[:3]))
    if length < _TINY:
        return np.zeros(3)
    return np.asarray(quaternion[:3] * (2.0 * np.arctan2(length, quaternion[3]) / length))
