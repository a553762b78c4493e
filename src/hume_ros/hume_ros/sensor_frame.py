"""One observation of the robot, and how messages become its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ObservationError
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_core.state_composer import StateComposer
from hume_ros.conversions import joint_values


@dataclass(frozen=True)
class SensorFrame:
    """One observation of the robot.

    Attributes:
        stamp: time of its oldest part, s on the ROS clock.
        images: camera key -> uint8 (1, height, width, 3) RGB, not to be written.
        joint_positions: (n,) in policy order, rad.
        states: (T, s) `observation.state`, oldest first.
        beginnings: how often time had gone back before it.
    """

    stamp: float
    images: dict[str, NDArray[np.uint8]]
    joint_positions: NDArray[np.float64]
    states: NDArray[np.float32]
    beginnings: int = 0

    def observation(self, task: str) -> Observation:
        """The policy's input, batch of one."""
        return Observation(
            images=self.images,
            state=self.states[None],
            task=[task],
        )


def state_vector(composer: StateComposer, message: Any) -> NDArray[np.float32]:
    """`observation.state` (s,) float32 of a JointState message.

    Raises:
        ObservationError: a joint is missing or a value is not finite.
    """
    names = composer.joint_names
    positions = joint_values(message, names)
    velocities = joint_values(message, names, "velocity") if composer.wants_velocities else None
    grippers = joint_values(message, composer.gripper_names).tolist() if composer.wants_gripper else None
    return composer.compose(positions, velocities, grippers)


def check_cameras(profile: RobotProfile, cameras: list[str]) -> None:
    """Refuse a policy that wants a camera the robot does not have.

    Raises:
        ObservationError: names the camera and those that there are.
    """
    missing = [key for key in cameras if key not in profile.cameras]
    if missing:
        raise ObservationError(
            f"the policy wants camera '{missing[0]}' but robot '{profile.name}' has: "
            f"{', '.join(profile.cameras)}. Add it to the profile's cameras"
        )
