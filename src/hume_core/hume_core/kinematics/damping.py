"""The damped pseudo-inverse of a Jacobian."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Both as parts of the rotation weight, which has the unit of the singular values, m/rad.
_THRESHOLD = 0.15  # singular values below it are damped
_STRONGEST = 0.1  # damping at the singular pose


@dataclass(frozen=True)
class Displacement:
    """Joint motion for a tool motion.

    Attributes:
        positions: (n,) change of the joints, rad.
        null_space: (n, n - 6) orthonormal joint motions that do not move the tool. No columns without spare joints.
        smallest: smallest singular value of the weighted Jacobian, m/rad.
        damping: damping of its direction, m/rad. 0 away from singular poses.
    """

    positions: NDArray[np.float64]
    null_space: NDArray[np.float64]
    smallest: float
    damping: float


def damped_displacement(
    jacobian: NDArray[np.float64], displacement: NDArray[np.float64], rotation_weight: float
) -> Displacement:
    """The joint motion that moves the tool by `displacement`, or as nearly as a singular pose allows.

    Singular values below a threshold are damped with strength^2 * (1 - (value / threshold)^2). At the threshold that
    joins the undamped solution smoothly. As the value goes to zero, so does the motion. Threshold and strength are
    proportional to the weight of rotations.

    Args:
        jacobian: (6, n) linear (m/rad) and angular rows.
        displacement: (6,) translation (m), rotation vector (rad).
        rotation_weight: what one radian counts beside one metre, m/rad.
    """
    # J = U S V' maps joint motion to tool motion. Its inverse has 1 / s in direction i, which grows without bound near
    # a singular pose. Damped least squares minimises |J dq - dx|^2 + lambda^2 |dq|^2 instead, and its solution is
    #
    #     dq = sum_i  s_i / (s_i^2 + lambda_i^2)  v_i (u_i . dx)
    #
    # For s >> lambda that is 1 / s, for s -> 0 it is s / lambda^2 -> 0, and its largest value is 1 / (2 lambda) at
    # s = lambda. Nakamura and Hanafusa 1986, Wampler 1986. Damping each direction by its own s leaves the others exact:
    # lambda^2 = strength^2 (1 - (s / threshold)^2) below the threshold (Maciejewski and Klein, 1988; Chiaverini,
    # Singularity-robust task-priority redundancy resolution, 1997).
    weights = np.array([1.0, 1.0, 1.0, rotation_weight, rotation_weight, rotation_weight])
    u, values, vt = np.linalg.svd(jacobian * weights[:, None], full_matrices=True)
    threshold, strength = _THRESHOLD * rotation_weight, _STRONGEST * rotation_weight
    damping = np.where(values < threshold, strength**2 * (1.0 - np.minimum(1.0, values / threshold) ** 2), 0.0)
    gains = values / (values**2 + damping + 1e-18)
    rank = len(values)
    # The columns of V beyond the sixth belong to no singular value: joint motion that does not move the tool.
    positions = vt[:rank].T @ (gains * (u[:, :rank].T @ (weights * displacement)))
    return Displacement(positions, vt[6:].T, float(values[-1]), float(np.sqrt(damping[-1])))
