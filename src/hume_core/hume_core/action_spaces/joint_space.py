"""What action spaces whose rows are about joints have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces.base import ActionSpace, Motion, SegmentTargets
from hume_core.errors import ActionSpaceError

if TYPE_CHECKING:
    from hume_core.kinematics import Kinematics
    from hume_core.kinematics.model import ArmModel


@dataclass(frozen=True)
class JointSpace(ActionSpace):
    """One number per joint, each row by itself."""

    written_with: ClassVar[tuple[str, ...]] = ("unit", "sign", "offset")

    def size(self, num_joints: int) -> int:
        """See `ActionSpace.size`."""
        return num_joints

    def column_names(self, joints: Sequence[str]) -> tuple[str, ...]:
        """See `ActionSpace.column_names`."""
        return tuple(joints)

    def path(
        self,
        rows: NDArray[np.float64],
        anchor: NDArray[np.float64],
        dt: float,
        kinematics: Kinematics | None = None,
        motion: Motion | None = None,
    ) -> JointPath:
        """See `ActionSpace.path`. Only the anchor is looked at."""
        return JointPath(self, anchor)

    def misfit(self, num_joints: int) -> str:
        """See `ActionSpace.misfit`."""
        return self.conventions.joint_units.misfit(num_joints)

    def in_rows(self, moved: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `ActionSpace.in_rows`."""
        return np.asarray(self.conventions.joint_units.differences_of(moved))

    def row_spread(self, num_joints: int, angle: float, twist: Sequence[float]) -> NDArray[np.float64]:
        """See `ActionSpace.row_spread`."""
        return np.abs(self.in_rows(np.full(num_joints, angle)))

    def from_joints(
        self, positions: NDArray[np.floating], anchor: NDArray[np.floating], kinematics: Kinematics | None = None
    ) -> NDArray[np.floating]:
        """See `ActionSpace.from_joints`. The numbers keep their type."""
        if positions.ndim < 2 or positions.shape[-1] != anchor.shape[-1]:
            raise ActionSpaceError(
                f"joint positions have shape {positions.shape}. An anchor of {anchor.shape[-1]} joints needs "
                f"(..., k, {anchor.shape[-1]})"
            )
        return self._rows_of(positions, anchor[..., None, :])

    def tool_positions(
        self,
        rows: NDArray[np.float64],
        anchor: NDArray[np.float64],
        dt: float,
        arm: ArmModel,
        shown: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """See `ActionSpace.tool_positions`. By forward kinematics of the rows that are wanted."""
        n = len(anchor)
        if rows.ndim != 3 or rows.shape[2] < n:
            raise ActionSpaceError(f"chunks have shape {rows.shape}; {n} joints need at least (N, k, {n})")
        wanted = rows[:, shown, :n]
        found = arm.tool_positions(self._positions_of(wanted.reshape(-1, n), anchor))
        return found.reshape(*wanted.shape[:2], 3)

    @abstractmethod
    def _positions_of(self, rows: NDArray[np.float64], anchor: NDArray[np.float64]) -> NDArray[np.float64]:
        """(k, n) joint positions, rad, of the arm's numbers (k, n)."""

    @abstractmethod
    def _rows_of(self, positions: NDArray[np.floating], anchor: NDArray[np.floating]) -> NDArray[np.floating]:
        """(..., k, n) rows of joint positions (..., k, n), rad, with the anchor (..., 1, n)."""


class JointPath:
    """The path of a chunk in a joint space. It remembers nothing, so any thread may ask for any segment.

    Args:
        space: meaning of the rows.
        anchor: (n,) joint positions at the observation, rad.
    """

    def __init__(self, space: JointSpace, anchor: NDArray[np.float64]) -> None:
        self._space, self._anchor = space, anchor

    def segment(self, first: int, rows: NDArray[np.float64]) -> SegmentTargets:
        """See `ActionPath.segment`.

        Raises:
            ActionSpaceError: the rows are too narrow.
        """
        n = len(self._anchor)
        if rows.ndim != 2 or rows.shape[1] < n:
            raise ActionSpaceError(f"action rows have shape {rows.shape}; {n} joints need at least (k, {n})")
        return SegmentTargets(self._space._positions_of(rows[:, :n], self._anchor), len(rows))
