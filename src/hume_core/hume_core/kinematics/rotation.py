"""Rotations and poses, numpy only. A rotation vector is the axis times the angle, rad."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SMALL = 1e-9


def cross_matrix(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) matrix K with K @ x = cross(vector, x)."""
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def rotation_from_vector(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) rotation matrix of a rotation vector (3,), rad (Rodrigues)."""
    # Rodrigues: R = I + sin(angle) K + (1 - cos(angle)) K^2, with K the cross product with the axis. For very small
    # angles the axis cannot be told from rounding, and R = I + cross(vector) is exact to angle^2.
    angle = float(np.sqrt(vector @ vector))
    if angle < _SMALL:
        return np.asarray(np.eye(3) + cross_matrix(vector))
    k = cross_matrix(vector / angle)
    return np.asarray(np.eye(3) + np.sin(angle) * k + (1.0 - np.cos(angle)) * (k @ k))


def rotations_from_vectors(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 3, 3) rotation matrices of rotation vectors (..., 3), rad: `rotation_from_vector` for many at once."""
    angle = np.sqrt((vectors * vectors).sum(-1))[..., None, None]
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*vectors.shape, 3)
    # With K the cross product with the axis: sin(angle) K = sinc cross, (1 - cos(angle)) K^2 = half sinc^2 cross^2.
    first, second = np.sinc(angle / np.pi), 0.5 * np.sinc(0.5 * angle / np.pi) ** 2
    return np.asarray(np.eye(3) + first * cross + second * (cross @ cross))


def rotation_to_vector(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) rotation vector of a rotation matrix, rad. The angle lies in [0, pi]."""
    # R - R' = 2 sin(angle) K and trace(R) = 1 + 2 cos(angle). The arc tangent of both is accurate for all angles, which
    # the arc cosine of the trace alone is not near 0 and pi.
    r = rotation
    sine = 0.5 * np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    length = float(np.sqrt(sine @ sine))
    angle = float(np.arctan2(length, 0.5 * (np.trace(r) - 1.0)))
    if length > 1e-6:
        return np.asarray(sine * (angle / length))
    if angle < 1.0:
        return sine
    # Near half a turn the antisymmetric part vanishes. The symmetric one still holds the axis, up to its sign.
    outer = 0.5 * (r + np.eye(3))
    axis = outer[:, int(np.argmax(np.diag(outer)))]
    axis = axis / np.sqrt(axis @ axis)
    return np.asarray(axis * (angle if axis @ sine >= 0.0 else -angle))


def rotation_from_rpy(rpy: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) rotation matrix of roll, pitch, yaw about the fixed axes x, y, z, rad (REP 103)."""
    x, y, z = np.eye(3)
    turn = rotation_from_vector
    return np.asarray(turn(rpy[2] * z) @ turn(rpy[1] * y) @ turn(rpy[0] * x))


def rotation_to_rpy(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) roll, pitch, yaw about the fixed axes x, y, z of a rotation matrix, rad. Pitch lies in [-pi/2, pi/2]."""
    r = rotation
    cosine = float(np.hypot(r[0, 0], r[1, 0]))
    pitch = np.arctan2(-r[2, 0], cosine)
    if cosine < 1e-7:
        # Roll and yaw turn about the same axis here. All of it is called roll.
        return np.array([np.arctan2(-r[1, 2], r[1, 1]), pitch, 0.0])
    return np.array([np.arctan2(r[2, 1], r[2, 2]), pitch, np.arctan2(r[1, 0], r[0, 0])])


def sine_error(target: NDArray[np.float64], rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) axis, in outer axes, times the sine of the angle of the turn from one rotation matrix to another.

    Half the sum of the cross products of their axes, as operational-space controllers measure it: beyond a right angle
    it becomes smaller again.
    """
    r = target @ rotation.T
    return 0.5 * np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])


@dataclass(frozen=True)
class Pose:
    """A frame seen from another one.

    Attributes:
        position: (3,) m.
        rotation: (3, 3) rotation matrix.
    """

    position: NDArray[np.float64]
    rotation: NDArray[np.float64]

    def error_to(self, target: Pose) -> NDArray[np.float64]:
        """(6,) translation (m) and rotation vector (rad), in the axes both are seen from, that lead to `target`."""
        turn = rotation_to_vector(target.rotation @ self.rotation.T)
        return np.concatenate([target.position - self.position, turn])

    def moved(self, delta: NDArray[np.float64]) -> Pose:
        """Displaced by (6,) translation (m) and rotation vector (rad) in outer axes. The turn is about this origin."""
        return Pose(self.position + delta[:3], rotation_from_vector(delta[3:6]) @ self.rotation)

    def moved_in_own_axes(self, delta: NDArray[np.float64]) -> Pose:
        """Displaced by (6,) translation (m) and rotation vector (rad) in this frame's own axes."""
        return Pose(self.position + self.rotation @ delta[:3], self.rotation @ rotation_from_vector(delta[3:6]))

    def followed_by(self, inner: Pose) -> Pose:
        """A frame that is fixed to this one, at a pose seen from it."""
        return Pose(self.position + self.rotation @ inner.position, self.rotation @ inner.rotation)

    def inverse(self) -> Pose:
        """The outer frame seen from this one."""
        return Pose(-self.rotation.T @ self.position, self.rotation.T)
