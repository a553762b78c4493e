"""What the policy sees of a robot whose joints, gripper and upright pictures a client sends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hume_core.angles import short_way
from hume_core.errors import ObservationError
from hume_core.normalization import Normalizer
from hume_core.robot import RobotProfile
from hume_core.state_composer import StateComposer
from hume_core.state_statistics import check_first_state


class RobotView:
    """Composes state and pictures as the contract wants them, from what a robot measures.

    Args:
        profile: the robot as the contract sees it (`fitted_robot`).
        normalizer: of the checkpoint.
        deviations: how many standard deviations a client's first state may be off.

    Raises:
        RobotProfileError, KinematicsError: the state is about the tool, and the kinematics cannot be loaded.
    """

    def __init__(self, profile: RobotProfile, normalizer: Normalizer, deviations: float) -> None:
        self.profile = profile
        self._composer = StateComposer.of(profile)
        self._layout = profile.action_layout()
        self._continuous = profile.motion_limits().continuous
        self._normalizer, self._deviations = normalizer, deviations

    def state(
        self, positions: NDArray[np.float64], velocities: NDArray[np.float64] | None, gripper: float | None
    ) -> NDArray[np.float32]:
        """The state (s,) of joints (n,) in rad and rad/s, and of the gripper's joint in m or rad.

        Raises:
            ObservationError: a number is missing or not finite, or there are too many.
        """
        names = self.profile.joint_names
        for what, numbers in (("joint_positions", positions), ("joint_velocities", velocities)):
            if numbers is not None and (numbers.shape != (len(names),) or not np.isfinite(numbers).all()):
                raise ObservationError(
                    f"'robot.{what}' has shape {list(numbers.shape)}. {len(names)} finite numbers are wanted: "
                    f"{', '.join(names)}"
                )
        if gripper is not None and not np.isfinite(gripper):
            raise ObservationError("'robot.gripper_position' is not finite")
        return self._composer.compose(positions, velocities, gripper)

    def check_first(self, state: NDArray[np.float32]) -> None:
        """Refuse a state (s,) that cannot be of the checkpoint's kind.

        Raises:
            ObservationError: names the number and the likely cause.
        """
        check_first_state(state, self._normalizer, self._composer, self._deviations)

    def picture(self, key: str, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The policy's picture of a camera's (height, width, 3)."""
        return self.profile.cameras[key].prepare(image)

    def moved(self, before: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far joints moved between positions (n,) in rad, in numbers of a row (a,)."""
        return self._layout.in_rows(short_way(now - before, self._continuous))
