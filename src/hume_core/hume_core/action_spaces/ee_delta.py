"""`ee_delta`: rows are displacements of the tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces.conventions import DeltaFrame, RotationFormat
from hume_core.action_spaces.end_effector import EndEffectorSpace
from hume_core.kinematics.rotation import Pose, rotation_to_vector

if TYPE_CHECKING:
    from hume_core.kinematics import Kinematics


@dataclass(frozen=True)
class EeDelta(EndEffectorSpace):
    """Displacement of the tool from the row before: translation (m) and rotation (rad).

    Row 0 starts from the tool pose at the observation.
    """

    name: ClassVar[str] = "ee_delta"
    relative: ClassVar[bool] = True

    def target(self, row: NDArray[np.float64], previous: Pose) -> Pose:
        """See `EndEffectorSpace.target`."""
        delta = row * np.asarray(self.conventions.scale)
        rotation = self.conventions.rotation
        if rotation is not RotationFormat.ROTATION_VECTOR:
            delta = np.concatenate([delta[:3], rotation_to_vector(rotation.matrix(delta[3:]))])
        in_base = self.conventions.frame is DeltaFrame.BASE
        return previous.moved(delta) if in_base else previous.moved_in_own_axes(delta)

    def row(self, pose: Pose, previous: Pose) -> NDArray[np.float64]:
        """See `EndEffectorSpace.row`."""
        shift, turn = pose.position - previous.position, pose.rotation @ previous.rotation.T
        if self.conventions.frame is DeltaFrame.TOOL:
            shift, turn = previous.rotation.T @ shift, previous.rotation.T @ pose.rotation
        numbers = np.concatenate([shift, self.conventions.rotation.numbers(turn)])
        return np.asarray(numbers / np.asarray(self.conventions.scale))

    def resting_row(self, home: NDArray[np.float64], kinematics: Kinematics | None = None) -> NDArray[np.floating]:
        """See `ActionSpace.resting_row`; no displacement, which needs no kinematics."""
        return np.zeros(6)
