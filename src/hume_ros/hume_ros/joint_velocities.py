"""Velocities of joints from their positions. Drivers report velocities late, filtered, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.angles import unwrapped
from hume_ros.conversions import joint_values

_SHORTEST = 0.005
"""Time between positions that tell a velocity, s."""

_SPARSE = 0.05
"""States may lie this far apart, s."""


def velocities_around(
    stamp: float,
    states: Sequence[tuple[float, Any]],
    names: Sequence[str],
    window: float,
    continuous: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """How fast joints were at a time: the way from `window` before it to `window` after it.

    Args:
        stamp: the time, s.
        states: times, s, and JointState messages, oldest first.
        names: of the n joints.
        window: s.
        continuous: (n,) joints that may turn without end.

    Returns:
        (n,) rad/s. 0 where there are no states of that time.
    """
    near = [(time, state) for time, state in states if abs(time - stamp) <= window + _SPARSE]
    if len(near) < 2:
        return np.zeros(len(names))
    times = np.array([time for time, _ in near])
    places = unwrapped(np.stack([joint_values(state, names) for _, state in near]), continuous)
    begin, end = np.clip([stamp - window, stamp + window], times[0], times[-1])
    if end - begin < _SHORTEST:
        return np.zeros(len(names))
    way = [np.interp(end, times, place) - np.interp(begin, times, place) for place in places.T]
    return np.asarray(way) / (end - begin)
