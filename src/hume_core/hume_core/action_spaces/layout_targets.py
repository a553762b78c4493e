"""What action rows ask of a robot, and when."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LayoutTargets:
    """What rows ask of a robot.

    Attributes:
        positions: (h, n) joint positions of all arms, rad.
        grippers: (h, g) numbers of the grippers, real units.
        report: which rows an arm does not follow and why. Empty: all are reached.
        start: (n,) joints at the time of the first row, rad, of the arms of `late`. Empty: there are none.
        late: (n,) joints of arms that are there when a row is over, and not at its own time.
    """

    positions: NDArray[np.float64]
    grippers: NDArray[np.float64]
    report: str = ""
    start: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    late: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def timed(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Positions and gripper numbers at the times of the rows, with one more row where an arm is late."""
        if not self.late.any():
            return self.positions, self.grippers
        late = np.concatenate([self.start[None], self.positions])
        punctual = np.concatenate([self.positions, self.positions[-1:]])
        return np.where(self.late, late, punctual), np.concatenate([self.grippers, self.grippers[-1:]])
