"""From end-effector action rows to tool poses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hume_core.action import ActionSpace, DeltaFrame, RotationFormat
from hume_core.errors import ActionSpaceError
from hume_core.kinematics.rotation import Pose, rotation_from_rpy, rotation_from_vector, rotation_to_vector


@dataclass(frozen=True)
class EndEffectorAction:
    """What the six arm numbers of an action row mean.

    Attributes:
        space: `ee_delta` or `ee_pose`.
        frame: axes of `ee_delta`; `ee_pose` is always in the base frame.
        rotation: format of the last three numbers.
        scale: (6,) what the policy's numbers are multiplied by to give m and rad.

    Raises:
        ActionSpaceError: the space is a joint space.
    """

    space: ActionSpace
    frame: DeltaFrame = DeltaFrame.BASE
    rotation: RotationFormat = RotationFormat.ROTATION_VECTOR
    scale: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if not self.space.end_effector:
            raise ActionSpaceError(f"action space '{self.space.value}' has no tool poses; valid: ee_delta, ee_pose")

    def target(self, row: NDArray[np.float64], previous: Pose) -> Pose:
        """The tool pose that a row asks for.

        Args:
            row: (6,) in policy units.
            previous: the pose that the row before asked for, or the pose at the observation for the first row.
        """
        numbers = row * np.asarray(self.scale)
        if self.space is ActionSpace.EE_POSE:
            return Pose(numbers[:3].copy(), self._rotation(numbers[3:]))
        delta = numbers
        if self.rotation is RotationFormat.RPY:
            delta = np.concatenate([numbers[:3], rotation_to_vector(self._rotation(numbers[3:]))])
        return previous.moved(delta) if self.frame is DeltaFrame.BASE else previous.moved_in_own_axes(delta)

    def _rotation(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.rotation is RotationFormat.RPY:
            return rotation_from_rpy(numbers)
        return rotation_from_vector(numbers)
