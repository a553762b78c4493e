"""Joint trajectories, interpolated as `joint_trajectory_controller` does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ActionSpaceError

Array = NDArray[np.float64]

_REST = 1e-6  # rad/s. Above this the last point moves


class JointPoint(NamedTuple):
    """State of n joints at one time. What is None is not given. (n,) rad, rad/s, rad/s^2."""

    position: Array
    velocity: Array | None = None
    acceleration: Array | None = None


@dataclass(frozen=True)
class JointTrajectory:
    """Waypoints of n joints.

    Attributes:
        times: (p,) strictly increasing, s from the trajectory's start.
        positions: (p, n) rad.
        velocities: (p, n) rad/s. None: not given.
        accelerations: (p, n) rad/s^2. None: not given.

    Raises:
        ActionSpaceError: no point, wrong shapes, a number that is not finite, times that do not increase, or a last
            point that moves.
    """

    times: Array
    positions: Array
    velocities: Array | None = None
    accelerations: Array | None = None

    def __post_init__(self) -> None:
        given = [self.positions, *(a for a in (self.velocities, self.accelerations) if a is not None)]
        if len(self.times) == 0:
            raise ActionSpaceError("trajectory has no points. Send at least one")
        if any(array.shape != self.positions.shape for array in given) or len(self.positions) != len(self.times):
            shapes = [self.times.shape, *(array.shape for array in given)]
            raise ActionSpaceError(f"trajectory shapes differ: {shapes}")
        if not all(np.isfinite(array).all() for array in [self.times, *given]):
            raise ActionSpaceError("trajectory holds a number that is not finite")
        if (np.diff(self.times) <= 0).any():
            raise ActionSpaceError("trajectory times must increase from point to point")
        if self.velocities is not None and (np.abs(self.velocities[-1]) > _REST).any():
            raise ActionSpaceError("trajectory ends with a velocity that is not 0. Its last point must be at rest")

    def point(self, i: int) -> JointPoint:
        """Waypoint i."""
        return JointPoint(
            self.positions[i],
            None if self.velocities is None else self.velocities[i],
            None if self.accelerations is None else self.accelerations[i],
        )

    def sample(self, time: float) -> JointPoint:
        """State at a time from the start, s, which must not lie before the first point. The last point stays."""
        if time >= self.times[-1]:
            return self.point(-1)
        i = int(np.searchsorted(self.times, time, side="right")) - 1
        return interpolate(
            self.point(i), self.point(i + 1), float(self.times[i + 1] - self.times[i]), float(time - self.times[i])
        )


def interpolate(start: JointPoint, end: JointPoint, duration: float, time: float) -> JointPoint:
    """State `time` s after the start of a piece that lasts `duration` s.

    Positions alone give a line, velocities a cubic, accelerations a quintic. Both ends must have them.
    """
    p0, p1 = start.position, end.position
    if start.velocity is None or end.velocity is None:
        slope = (p1 - p0) / duration
        return JointPoint(p0 + slope * time, slope, np.zeros_like(p0))
    # p(t) = p0 + v0 t + c2 t^2 + c3 t^3 + c4 t^4 + c5 t^5. A cubic has two free coefficients for position and velocity
    # at the end, a quintic three, for its acceleration too. The d's are what is missing there without them.
    v0, v1 = start.velocity, end.velocity
    if start.acceleration is None or end.acceleration is None:
        a0: Array = np.zeros_like(p0)
        rest = (p1 - p0 - v0 * duration) / duration**2, (v1 - v0) / duration
        c2, c3, c4, c5 = 3.0 * rest[0] - rest[1], (rest[1] - 2.0 * rest[0]) / duration, a0, a0
    else:
        c2 = 0.5 * start.acceleration
        dp = (p1 - p0 - duration * (v0 + duration * c2)) / duration**3
        dv = (v1 - v0 - 2.0 * duration * c2) / duration**2
        da = (end.acceleration - 2.0 * c2) / duration
        c3 = 10.0 * dp - 4.0 * dv + 0.5 * da
        c4 = (-15.0 * dp + 7.0 * dv - da) / duration
        c5 = (6.0 * dp - 3.0 * dv + 0.5 * da) / duration**2
    t = time
    return JointPoint(
        p0 + t * (v0 + t * (c2 + t * (c3 + t * (c4 + t * c5)))),
        v0 + t * (2.0 * c2 + t * (3.0 * c3 + t * (4.0 * c4 + t * 5.0 * c5))),
        2.0 * c2 + t * (6.0 * c3 + t * (12.0 * c4 + t * 20.0 * c5)),
    )
