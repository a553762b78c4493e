"""Facts of the simulated arm: joint names, home pose, servo speeds, gripper range.

Source: wx250s.urdf.xacro and wx250s.yaml of Interbotix/interbotix_ros_manipulators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class ArmNames:
    """How an arm at the table, its joints and its topics are called.

    Attributes:
        side: where it stands among several. Empty: it is the only one.
    """

    side: str = ""

    @property
    def prefix(self) -> str:
        """What its names begin with."""
        return f"{self.side}_" if self.side else ""

    @property
    def joints(self) -> tuple[str, ...]:
        """Its joints (6,), in the order of `ARM_JOINTS`."""
        return tuple(self.prefix + name for name in ARM_JOINTS)

    @property
    def finger(self) -> str:
        """The finger that is commanded and reported. Among several arms a side would stand for two things there."""
        return f"{self.prefix}gripper" if self.side else FINGER_JOINT

    @property
    def reported(self) -> tuple[str, ...]:
        """Its joints (7,) as joint states name them."""
        return (*self.joints, self.finger)

    def in_model(self, name: str) -> str:
        """What the scene's model calls a part of `wx250s.xml`."""
        return self.prefix + name


ONE_ARM = (ArmNames(),)
TWO_ARMS = (ArmNames("left"), ArmNames("right"))


def cameras_of(arms: Sequence[ArmNames]) -> tuple[str, ...]:
    """The policy's cameras where these arms stand at the table: one of the scene, and one at each wrist."""
    return ("scene", *(arm.in_model("wrist") for arm in arms))


def checked_positions(values: ArrayLike, names: Sequence[str]) -> NDArray[np.float64]:
    """A position command as float64 (n,).

    Raises:
        ActionSpaceError: it is not one finite number for each name.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(names),) or not np.isfinite(array).all():
        raise ActionSpaceError(f"command {array.tolist()} is not one finite number for each of: {', '.join(names)}")
    return array
