"""What the simulated joints measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class JointState:
    """Measured joints, in the order of `names`: rad, rad/s, N m for the arm, and m, m/s, N for the finger."""

    names: tuple[str, ...]
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    effort: NDArray[np.float64]

    def of(self, names: Sequence[str]) -> JointState:
        """Some of them."""
        places = [self.names.index(name) for name in names]
        return JointState(tuple(names), self.position[places], self.velocity[places], self.effort[places])

    def shifted(self, names: Sequence[str], offset: float) -> JointState:
        """With positions of some of them that are off by a constant."""
        return replace(self, position=self.position + offset * np.isin(self.names, names))
