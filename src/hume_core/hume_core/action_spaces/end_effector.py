"""What action spaces whose rows are about the tool have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces.base import ActionSpace
from hume_core.action_spaces.tool_path import ToolPath
from hume_core.errors import ActionSpaceError
from hume_core.kinematics.rotation import Pose

if TYPE_CHECKING:
    from hume_core.kinematics import Kinematics


@dataclass(frozen=True)
class EndEffectorSpace(ActionSpace):
    """Three numbers for the tool's position and three for its rotation.

    Attributes:
        relative: a row is counted from the row before; a row that is not followed takes the sense from the next ones.
    """

    needs_kinematics: ClassVar[bool] = True
    sequential: ClassVar[bool] = True
    relative: ClassVar[bool]

    @abstractmethod
    def target(self, row: NDArray[np.float64], previous: Pose) -> Pose:
        """The tool pose that a row asks for.

        Args:
            row: (6,) in real units.
            previous: the pose that the row before asked for, or the pose at the observation for the first row.
        """

    @abstractmethod
    def row(self, pose: Pose, previous: Pose) -> NDArray[np.float64]:
        """The row (6,), real units, that asks for a pose; the inverse of `target`."""

    def size(self, num_joints: int) -> int:
        """See `ActionSpace.size`."""
        return 6

    def column_names(self, joints: Sequence[str]) -> tuple[str, ...]:
        """See `ActionSpace.column_names`."""
        return ("x", "y", "z", *self.conventions.rotation.column_names)

    def path(
        self, rows: NDArray[np.float64], anchor: NDArray[np.float64], dt: float, kinematics: Kinematics | None = None
    ) -> ToolPath:
        """See `ActionSpace.path`."""
        return ToolPath(self.required(kinematics), self, rows, anchor, dt)

    def from_joints(
        self, positions: NDArray[np.floating], anchor: NDArray[np.floating], kinematics: Kinematics | None = None
    ) -> NDArray[np.floating]:
        """See `ActionSpace.from_joints`; by forward kinematics."""
        arm = self.required(kinematics)
        n = arm.model.size
        if positions.ndim < 2 or positions.shape[-1] != n or anchor.shape != (*positions.shape[:-2], n):
            raise ActionSpaceError(
                f"joint positions have shape {positions.shape} and the anchor {anchor.shape}; the arm needs "
                f"(..., k, {n}) and (..., {n})"
            )
        if positions.ndim > 2:
            pairs = zip(positions, anchor, strict=True)
            return np.stack([self.from_joints(part, start, arm) for part, start in pairs])
        poses = [arm.forward(joints) for joints in (anchor, *positions)]
        rows = [self.row(pose, previous) for previous, pose in pairwise(poses)]
        return np.stack(rows) if rows else np.zeros((0, 6))

    def row_spread(self, num_joints: int, angle: float, twist: Sequence[float]) -> NDArray[np.float64]:
        """See `ActionSpace.row_spread`."""
        return np.asarray(np.asarray(twist) / np.asarray(self.conventions.scale))
