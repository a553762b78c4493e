"""`joint_position`: rows are joint positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces.joint_space import JointSpace


@dataclass(frozen=True)
class JointPosition(JointSpace):
    """Joint positions."""

    name: ClassVar[str] = "joint_position"

    def _positions_of(self, rows: NDArray[np.float64], anchor: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.conventions.joint_units.positions(rows))

    def _rows_of(self, positions: NDArray[np.floating], anchor: NDArray[np.floating]) -> NDArray[np.floating]:
        return self.conventions.joint_units.positions_of(positions)
