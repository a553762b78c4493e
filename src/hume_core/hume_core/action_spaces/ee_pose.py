"""`ee_pose`: rows are poses of the tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces.end_effector import EndEffectorSpace
from hume_core.kinematics.rotation import Pose


@dataclass(frozen=True)
class EePose(EndEffectorSpace):
    """Pose of the tool in the base frame: position (m) and rotation (rad)."""

    name: ClassVar[str] = "ee_pose"

    @property
    def relative(self) -> bool:
        """See `EndEffectorSpace`."""
        return False

    def target(self, row: NDArray[np.float64], previous: Pose) -> Pose:
        """See `EndEffectorSpace.target`."""
        numbers = row * np.asarray(self.conventions.scale)
        return Pose(numbers[:3].copy(), self.conventions.rotation.matrix(numbers[3:]))

    def row(self, pose: Pose, previous: Pose) -> NDArray[np.float64]:
        """See `EndEffectorSpace.row`."""
        numbers = np.concatenate([pose.position, self.conventions.rotation.numbers(pose.rotation)])
        return np.asarray(numbers / np.asarray(self.conventions.scale))

    def _asked_positions(self, rows: NDArray[np.float64], start: Pose, dt: float) -> NDArray[np.float64]:
        return np.asarray(rows[..., :3] * np.asarray(self.conventions.scale[:3]))
