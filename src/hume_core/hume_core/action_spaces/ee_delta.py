"""`ee_delta`: rows are displacements of the tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces.conventions import DeltaFrame, RotationFormat
from hume_core.action_spaces.end_effector import EndEffectorSpace
from hume_core.action_spaces.response import Reference
from hume_core.errors import ActionSpaceError
from hume_core.kinematics.rotation import Pose, rotation_to_vector

if TYPE_CHECKING:
    from hume_core.kinematics import Kinematics


@dataclass(frozen=True)
class EeDelta(EndEffectorSpace):
    """Displacement of the tool: translation (m) and rotation (rad).

    `Conventions.reference` says what from: the row before, where row 0 starts from the tool pose at the observation,
    or always the pose at the observation, or the pose measured at the row's time.
    """

    name: ClassVar[str] = "ee_delta"
    written_with: ClassVar[tuple[str, ...]] = ("frame", "rotation", "scale", "reference", "response")

    @property
    def relative(self) -> bool:
        """See `EndEffectorSpace`."""
        return self.conventions.reference is not Reference.OBSERVATION

    @property
    def comparable(self) -> bool:
        """See `ActionSpace`."""
        return self.relative

    def misfit(self, num_joints: int) -> str:
        """See `ActionSpace.misfit`."""
        simulated = self.conventions.response.num_joints
        if simulated in (None, num_joints):
            return ""
        return f"the arm of the response has {simulated} joints. The robot's has {num_joints}"

    def rows_between(self, poses: Sequence[Pose]) -> NDArray[np.float64]:
        """See `EndEffectorSpace.rows_between`.

        Raises:
            ActionSpaceError: the response depends on the motion before.
        """
        written = self.conventions
        share = written.response.share()
        if share is None:
            raise ActionSpaceError(
                f"response '{written.response.type}' cannot be turned back into rows. 'exact' and 'first_order' can"
            )
        rows, goal = np.zeros((len(poses) - 1, 6)), poses[0]
        starts = {Reference.OBSERVATION: lambda k: poses[0], Reference.MEASURED: lambda k: poses[k]}
        for k, (previous, pose) in enumerate(pairwise(poses)):
            start = starts[written.reference](k) if written.reference in starts else goal
            goal = pose if share == 1.0 else previous.moved(previous.error_to(pose) / share)
            rows[k] = self.row(goal, start)
        return rows

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
        """See `ActionSpace.resting_row`. No displacement, which needs no kinematics."""
        return np.zeros(6)

    def _asked_positions(self, rows: NDArray[np.float64], start: Pose, dt: float) -> NDArray[np.float64]:
        """As the response follows them. Turns of the tool's own axes are taken as followed at once."""
        written = self.conventions
        shifts = self._shifts(written.response.clipped(rows) * np.asarray(written.scale), start)
        (far, drift), (pull, kept) = written.response.translation(dt)
        found = np.empty_like(shifts)
        position = goal = np.broadcast_to(start.position, shifts[:, 0].shape)
        velocity = np.zeros_like(position)
        for k in range(shifts.shape[1]):
            starts = {Reference.OBSERVATION: start.position, Reference.PREVIOUS_ROW: goal, Reference.MEASURED: position}
            goal = starts[written.reference] + shifts[:, k]
            off = position - goal
            position, velocity = goal + far * off + drift * velocity, pull * off + kept * velocity
            found[:, k] = position
        return found

    def _shifts(self, deltas: NDArray[np.float64], start: Pose) -> NDArray[np.float64]:
        """(N, H, 3) translations in base axes of displacements (N, H, 6), m and rad."""
        shifts = deltas[..., :3]
        if self.conventions.frame is DeltaFrame.BASE:
            return shifts
        if self.conventions.reference is Reference.OBSERVATION:
            return np.asarray(shifts @ start.rotation.T)
        turns = self.conventions.rotation.matrices(deltas[..., 3:])
        axes, found = start.rotation, np.empty_like(shifts)
        for k in range(shifts.shape[1]):
            found[:, k] = (axes @ shifts[:, k, :, None])[..., 0]
            axes = axes @ turns[:, k]
        return found
