"""Continuous joints in the control core: which whole turns to count a position with.

Inside, the core counts turns. Measured positions go on from the last one, and targets are taken nearest to the command.
Nothing in between has to know that an angle a turn further is the same place.

On the way out a command is counted as the driver counts, whether that counts turns or wraps. So the difference between
command and report is the one that the core has bounded, and their difference never contains a turn. Every driver
takes the position it reports as "stay" when it is sent back. Not every driver understands an angle beyond pi.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hume_core.angles import whole_turns
from hume_core.limits import MotionLimits


class ContinuousJoints:
    """The continuous ones among n joints. False where there are none.

    Args:
        limits: of the joints.
    """

    def __init__(self, limits: MotionLimits) -> None:
        self._size = limits.size
        self._indices = [int(i) for i in np.flatnonzero(limits.continuous)]

    def __bool__(self) -> bool:
        return bool(self._indices)

    def turns(self, positions: Sequence[float], near: Sequence[float]) -> list[float]:
        """What to add to positions, so that they are nearest to others.

        Args:
            positions: (n,) rad, finite.
            near: (n,) rad, finite. Empty: the positions stay as they are.

        Returns:
            (n,) rad: whole turns, 0 for joints that are not continuous.
        """
        # The nearest p + 2 pi k to q has k = round((q - p) / (2 pi)), and is then within half a turn. That is right as
        # long as a joint moves less than half a turn from one sample to the next.
        turns = [0.0] * self._size
        if near:
            for i in self._indices:
                turns[i] = whole_turns(near[i] - positions[i])
        return turns

    def nearest(self, positions: Sequence[float], near: Sequence[float]) -> list[float]:
        """Positions (n,) in the turns nearest to others. See `turns`."""
        return [p + turn for p, turn in zip(positions, self.turns(positions, near), strict=True)]
