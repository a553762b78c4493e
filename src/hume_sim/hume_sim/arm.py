"""Facts of the simulated arm: joint names, home pose, servo speeds, gripper range.

Source: wx250s.urdf.xacro and wx250s.yaml of Interbotix/interbotix_ros_manipulators.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hume_core.errors import ActionSpaceError

ARM_JOINTS = ("waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate")
FINGER_JOINT = "left_finger"
"""The finger that is commanded and reported. Its position is half of the gap between the fingers, m."""

JOINT_NAMES = (*ARM_JOINTS, FINGER_JOINT)

GRIPPER_CLOSED = 0.015
GRIPPER_OPEN = 0.037

ARM_VELOCITY = np.pi
"""Velocity limit of every arm servo, rad/s (30 rpm in the servos' registers)."""

FINGER_VELOCITY = 0.067
"""Finger speed at the gripper motor's no-load speed of 4.8 rad/s on a 14 mm horn, m/s."""

HOME: NDArray[np.float64] = np.array([0.0, -0.39, 0.4, 0.0, 1.5608, 0.0])
"""Start of every episode, rad: gripper open, pointing straight down over the near part of the table."""
HOME.setflags(write=False)


def checked_positions(values: ArrayLike, names: Sequence[str]) -> NDArray[np.float64]:
    """A position command as float64 (n,).

    Raises:
        ActionSpaceError: it is not one finite number for each name.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(names),) or not np.isfinite(array).all():
        raise ActionSpaceError(f"command {array.tolist()} is not one finite number for each of: {', '.join(names)}")
    return array
