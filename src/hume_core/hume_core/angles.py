"""Angles of continuous joints: a whole turn more or less is the same place."""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray

TURN = 2.0 * pi


def whole_turns(difference: float) -> float:
    """The whole turns in a finite difference of two angles, rad. Without them it is at most half a turn."""
    # d - 2 pi round(d / (2 pi)) lies in [-pi, pi], so these are the turns to take away for the short way.
    return TURN * round(difference / TURN)


def short_way(differences: NDArray[np.float64], continuous: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Differences of joint positions the short way round.

    Args:
        differences: (..., n) rad.
        continuous: (n,) joints that may turn without end. The others' differences stay as they are.
    """
    if not continuous.any():
        return differences
    return np.where(continuous, differences - TURN * np.round(differences / TURN), differences)


def unwrapped(positions: NDArray[np.float64], continuous: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Joint positions whose continuous joints go the short way from each row to the next.

    Args:
        positions: (k, n) rad. The first row stays as it is.
        continuous: (n,) joints that may turn without end.
    """
    if not continuous.any():
        return positions
    return np.where(continuous, np.unwrap(positions, axis=0), positions)
