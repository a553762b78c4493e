"""What action spaces whose rows are about the tool have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces.base import ActionSpace, Motion
from hume_core.action_spaces.tool_path import ToolPath
from hume_core.errors import ActionSpaceError
from hume_core.kinematics.rotation import Pose

if TYPE_CHECKING:
    from hume_core.kinematics import Kinematics
    from hume_core.kinematics.model import ArmModel


@dataclass(frozen=True)
class EndEffectorSpace(ActionSpace):
    """Three numbers for the tool's position and three for its rotation."""

    needs_kinematics: ClassVar[bool] = True
    sequential: ClassVar[bool] = True
    written_with: ClassVar[tuple[str, ...]] = ("frame", "rotation", "scale")

    @property
    @abstractmethod
    def relative(self) -> bool:
        """Whether a row that is not followed takes the sense from the next ones."""

    @property
    def moves_at_once(self) -> bool:
        """See `ActionSpace.moves_at_once`."""
        return self.conventions.response.moves_at_once

    @abstractmethod
    def target(self, row: NDArray[np.float64], previous: Pose) -> Pose:
        """The tool pose that a row asks for.

        Args:
            row: (6,) in real units.
            previous: what a displacement starts from.
        """

    @abstractmethod
    def row(self, pose: Pose, previous: Pose) -> NDArray[np.float64]:
        """The row (6,), real units, that asks for a pose. The inverse of `target`."""

    def size(self, num_joints: int) -> int:
        """See `ActionSpace.size`."""
        return 6

    def column_names(self, joints: Sequence[str]) -> tuple[str, ...]:
        """See `ActionSpace.column_names`."""
        return ("x", "y", "z", *self.conventions.rotation.column_names)

    def rows_between(self, poses: Sequence[Pose]) -> NDArray[np.float64]:
        """Rows (k, 6), real units, that lead from the first of k + 1 poses through all others."""
        rows = [self.row(pose, previous) for previous, pose in pairwise(poses)]
        return np.stack(rows) if rows else np.zeros((0, 6))

    def path(
        self,
        rows: NDArray[np.float64],
        anchor: NDArray[np.float64],
        dt: float,
        kinematics: Kinematics | None = None,
        motion: Motion | None = None,
    ) -> ToolPath:
        """See `ActionSpace.path`."""
        return ToolPath(self.required(kinematics), self, rows, anchor, dt, motion)

    def from_joints(
        self, positions: NDArray[np.floating], anchor: NDArray[np.floating], kinematics: Kinematics | None = None
    ) -> NDArray[np.floating]:
        """See `ActionSpace.from_joints`. By forward kinematics."""
        arm = self.required(kinematics)
        n = arm.model.size
        if positions.ndim < 2 or positions.shape[-1] != n or anchor.shape != (*positions.shape[:-2], n):
            raise ActionSpaceError(
                f"joint positions have shape {positions.shape} and the anchor {anchor.shape}. The arm needs "
                f"(..., k, {n}) and (..., {n})"
            )
        if positions.ndim > 2:
            pairs = zip(positions, anchor, strict=True)
            return np.stack([self.from_joints(part, start, arm) for part, start in pairs])
        return self.rows_between([self.controlled(arm.forward(joints)) for joints in (anchor, *positions)])

    def tool_positions(
        self,
        rows: NDArray[np.float64],
        anchor: NDArray[np.float64],
        dt: float,
        arm: ArmModel,
        shown: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """See `ActionSpace.tool_positions`. The poses that rows ask for, without inverse kinematics."""
        if rows.ndim != 3 or rows.shape[2] < 6:
            raise ActionSpaceError(f"chunks have shape {rows.shape}; '{self.name}' needs at least (N, k, 6)")
        return self._asked_positions(rows[..., :6], self.controlled(arm.forward(anchor)), dt)[:, shown]

    @abstractmethod
    def _asked_positions(self, rows: NDArray[np.float64], start: Pose, dt: float) -> NDArray[np.float64]:
        """(N, H, 3) where rows (N, H, 6), real units, lead the controlled frame from its pose at the observation."""

    def controlled(self, tool: Pose) -> Pose:
        """See `ActionSpace.controlled`."""
        offset = self._offset
        return tool if offset is None else tool.followed_by(offset)

    def tool(self, controlled: Pose) -> Pose:
        """The tool link's pose. The inverse of `controlled`."""
        offset = self._offset
        return controlled if offset is None else controlled.followed_by(offset.inverse())

    @property
    def _offset(self) -> Pose | None:
        written = self.conventions
        if not any(written.tool_offset) and not written.tool_rotation:
            return None
        rotation = np.array(written.tool_rotation) if written.tool_rotation else np.eye(3)
        return Pose(np.array(written.tool_offset), rotation)

    def row_spread(self, num_joints: int, angle: float, twist: Sequence[float]) -> NDArray[np.float64]:
        """See `ActionSpace.row_spread`."""
        return np.asarray(np.asarray(twist) / np.asarray(self.conventions.scale))
