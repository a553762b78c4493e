"""Does a recorded command stream obey the limits? Used by tests, benchmarks and fault trials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hume_core.angles import unwrapped
from hume_core.limits import MotionLimits

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StreamRatios:
    """Largest value in a stream as a part of its limit. At most 1 when the limit is kept.

    Attributes:
        velocity, acceleration, jerk: over all joints and times. 0 where the stream is too short to tell.
        outside: largest distance outside the position limits, rad. 0 when inside.
    """

    velocity: float
    acceleration: float
    jerk: float
    outside: float

    @property
    def worst(self) -> float:
        """The largest of the three ratios."""
        return max(self.velocity, self.acceleration, self.jerk)


def divided_differences(times: Array, positions: Array) -> tuple[Array, Array, Array]:
    """Velocity, acceleration and jerk of a stream with ticks of any length.

    n! times the n-th divided difference. For equal ticks the plain finite differences. It equals the derivative
    somewhere in between, so a curve within limits has no larger one (mean value theorem).

    Args:
        times: (k,) s, increasing.
        positions: (k, n) rad.

    Returns:
        (k - 1, n) rad/s, (k - 2, n) rad/s^2, (k - 3, n) rad/s^3.
    """
    t = times[:, None]
    velocity = np.diff(positions, axis=0) / np.diff(t, axis=0)
    acceleration = 2.0 * np.diff(velocity, axis=0) / (t[2:] - t[:-2])[: max(len(velocity) - 1, 0)]
    jerk = 3.0 * np.diff(acceleration, axis=0) / (t[3:] - t[:-3])[: max(len(acceleration) - 1, 0)]
    return velocity, acceleration, jerk


def stream_ratios(times: Array, positions: Array, limits: MotionLimits) -> StreamRatios:
    """Ratios of one unbroken stream that began at rest.

    Args:
        times: (k,) steady clock, s.
        positions: (k, n) commands, rad. A driver that wraps is sent those of continuous joints wrapped.
        limits: of the joints.
    """
    positions = unwrapped(positions, limits.continuous)
    derivatives = divided_differences(times, positions)
    bounds = (limits.velocity, limits.acceleration, limits.jerk)
    ratios = [float((np.abs(d) / bound).max(initial=0.0)) for d, bound in zip(derivatives, bounds, strict=True)]
    outside = max(float((limits.lower - positions).max()), float((positions - limits.upper).max()), 0.0)
    return StreamRatios(ratios[0], ratios[1], ratios[2], outside)
