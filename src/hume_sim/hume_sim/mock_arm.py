"""A stand-in for the robot of any profile: joints that follow commands exactly, and images without a scene."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ActionSpaceError
from hume_core.robot import RobotProfile
from hume_sim.arm import checked_positions


class MockArm:
    """Joints and gripper that move to their targets at no more than the profile's velocities.

    Args:
        profile: any robot; joints start at home, the gripper starts open.
    """

    def __init__(self, profile: RobotProfile) -> None:
        limits, gripper = profile.motion_limits(), profile.gripper
        self._arm = profile.joint_names
        self.names = (*self._arm, *([gripper.joint] if gripper else []))
        self.position = np.array([*profile.home, *([gripper.open] if gripper else [])], dtype=np.float64)
        self.velocity = np.zeros(len(self.names))
        self._target = self.position.copy()
        self._speed = np.array([*limits.velocity, *([gripper.speed] if gripper else [])])
        self._lower = np.array([*limits.lower, *([min(gripper.closed, gripper.open)] if gripper else [])])
        self._upper = np.array([*limits.upper, *([max(gripper.closed, gripper.open)] if gripper else [])])

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
        before = self.position
        wanted = np.clip(self._target, self._lower, self._upper)
        self.position = before + np.clip(wanted - before, -reach, reach)
        self.velocity = (self.position - before) / duration


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
