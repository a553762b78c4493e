"""A stand-in for the robot of any profile: joints that follow commands exactly, and images without a scene."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hume_core.angles import short_way
from hume_core.errors import ActionSpaceError
from hume_core.robot import RobotProfile
from hume_sim.arm import checked_positions


class MockArm:
    """Joints and gripper that move to their targets at no more than the profile's velocities.

    Args:
        profile: any robot; joints start at home, the gripper starts open.
        wrap_continuous: continuous joints are reported within pi of zero and go the short way to a target, as behind
            drivers that wrap. Otherwise they count turns, and targets as well.

    Attributes:
        names: joints in the order of the numbers.
        velocity: m/s or rad/s.
    """

    def __init__(self, profile: RobotProfile, wrap_continuous: bool = False) -> None:
        limits, gripper = profile.motion_limits(), profile.gripper
        self._arm = profile.joint_names
        self.names = (*self._arm, *([gripper.joint] if gripper else []))
        self._position = np.array([*profile.home, *([gripper.open] if gripper else [])], dtype=np.float64)
        self.velocity = np.zeros(len(self.names))
        self._target = self._position.copy()
        self._speed = np.array([*limits.velocity, *([gripper.speed] if gripper else [])])
        self._lower = np.array([*limits.lower, *([min(gripper.closed, gripper.open)] if gripper else [])])
        self._upper = np.array([*limits.upper, *([max(gripper.closed, gripper.open)] if gripper else [])])

        self._wrapped = np.zeros(len(self.names), dtype=bool)
        self._wrapped[: len(self._arm)] = limits.continuous & wrap_continuous

    @property
    def position(self) -> NDArray[np.float64]:
        """What the driver reports, m or rad."""
        return short_way(self._position, self._wrapped)

    def command_arm(self, positions: Sequence[float], names: Sequence[str] = ()) -> None:
        """Set the arm's target.

        Args:
            positions: rad, in the order of `names`.
            names: joint names; empty: the profile's order.

        Raises:
            ActionSpaceError: not one finite number for each joint.
        """
        self._target[: len(self._arm)] = _ordered(positions, names, self._arm)

    def command_gripper(self, positions: Sequence[float], names: Sequence[str] = ()) -> None:
        """Set the gripper's target, m or rad.

        Raises:
            ActionSpaceError: not one finite number.
        """
        self._target[len(self._arm) :] = _ordered(positions, names, self.names[len(self._arm) :])

    def step(self, duration: float) -> None:
        """Move for `duration` seconds."""
        reach = self._speed * duration
        before = self._position
        way = short_way(np.clip(self._target, self._lower, self._upper) - before, self._wrapped)
        self._position = before + np.clip(way, -reach, reach)
        self.velocity = (self._position - before) / duration


def _ordered(positions: Sequence[float], names: Sequence[str], wanted: Sequence[str]) -> NDArray[np.float64]:
    if names and sorted(names) != sorted(wanted):
        raise ActionSpaceError(f"command names joints {list(names)}; it needs each of: {', '.join(wanted)}")
    values = checked_positions(positions, wanted)
    return values[[list(names).index(name) for name in wanted]] if names else values


def moving_picture(height: int, width: int, k: int) -> NDArray[np.uint8]:
    """Image number k: a gradient with a bright bar that moves on with every image.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    rows, columns = np.arange(height)[:, None], np.arange(width)[None]
    image = np.empty((height, width, 3), dtype=np.uint8)
    image[..., 0] = 255 * rows // height
    image[..., 1] = 255 * columns // width
    image[..., 2] = np.where((columns - k) % width < max(1, width // 8), 255, 64)
    return image
