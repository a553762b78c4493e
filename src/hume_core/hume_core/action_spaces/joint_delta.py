"""`joint_delta`: rows are joint positions counted from the anchor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces.joint_space import JointSpace


@dataclass(frozen=True)
class JointDelta(JointSpace):
    """Joint positions minus the joint positions at the observation. Every row is counted from there."""

    name: ClassVar[str] = "joint_delta"
    offsets_from_anchor: ClassVar[bool] = True

    def _positions_of(self, rows: NDArray[np.float64], anchor: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.conventions.joint_units.differences(rows) + anchor

    def _rows_of(self, positions: NDArray[np.floating], anchor: NDArray[np.floating]) -> NDArray[np.floating]:
        return self.conventions.joint_units.differences_of(positions - anchor)
