"""The way of all joints to standstill, as points between which an interpolating controller stays on it.

The time-optimal stop of a joint has three phases of constant jerk (see `stopping`), and each joint has its own times.
Between two points without a change of jerk the way is one cubic. A cubic or quintic spline through position, velocity
(and acceleration) at both ends is then that cubic. So points at every change of jerk of any joint give the way exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hume_system1.control.joint_limiter import JointLimiter
from hume_system1.control.stopping import stop_phases

Array = NDArray[np.float64]

# Changes of jerk closer than this share a point. What that costs is at most jerk limit * spacing in acceleration, and
# spares the controller pieces that are shorter than its own period.
_SPACING = 0.002  # s


class StopPath:
    """Points of the way to standstill. The arrays are reused by the next call of `plan`.

    Args:
        size: number of joints n.

    Attributes:
        times: (k,) s from the present state on, increasing. Empty at rest. All joints rest at the last.
        positions: (k, n) rad. velocities: (k, n) rad/s. accelerations: (k, n) rad/s^2.
    """

    def __init__(self, size: int) -> None:
        self._phases = np.zeros((4, size))
        self._state = np.zeros((3, size))
        self.times = np.zeros(0)
        self.positions = self.velocities = self.accelerations = np.zeros((0, size))

    @staticmethod
    def most_points(size: int) -> int:
        """Largest number of points for n joints."""
        return 3 * size

    def plan(self, joints: Sequence[JointLimiter]) -> None:
        """Fill the points for the present state of the joints."""
        # Where no joint changes its jerk, each joint's way is a cubic. A controller's spline between two points takes
        # position and velocity at both, four conditions for the four coefficients of a cubic, and so finds the same.
        # With accelerations too it takes a quintic, six conditions, which that cubic meets as well.
        phases, state = self._phases, self._state
        changes: list[float] = []
        for i, joint in enumerate(joints):
            jerk, t1, t2, t3 = stop_phases(joint.v, joint.a, joint.max_a, joint.max_j)
            phases[:, i] = jerk, t1, t2, t3
            state[:, i] = joint.p, joint.v, joint.a
            changes += (t1, t1 + t2, t1 + t2 + t3)
        self.times = _spaced(changes)
        self.positions, self.velocities, self.accelerations = _sample(state, phases, self.times[:, None])


def _spaced(changes: list[float]) -> Array:
    """The times in order without those too close to the one before. The last one always stays."""
    end = max(changes)
    if end <= 0.0:
        return np.zeros(0)
    times: list[float] = []
    last = 0.0
    for time in sorted(changes):
        if time - last >= _SPACING and end - time >= _SPACING:
            times.append(time)
            last = time
    return np.array([*times, end])


def _sample(state: Array, phases: Array, t: Array) -> tuple[Array, Array, Array]:
    """Position, velocity and acceleration (k, n) at times t (k, 1), phase by phase."""
    # Each phase is p + v t + a t^2 / 2 + j t^3 / 6 for the part of it that is over at t. It begins where the one before
    # ends. All joints and times at once: a phase that has not begun has t = 0, one that has ended its whole duration.
    (p, v, a), (j, t1, t2, t3) = state, phases
    tau = np.minimum(t, t1)
    p, v, a = p + tau * (v + tau * (0.5 * a + tau * j / 6.0)), v + tau * (a + 0.5 * tau * j), a + tau * j
    tau = np.minimum(np.maximum(t - t1, 0.0), t2)
    p, v = p + tau * (v + 0.5 * tau * a), v + tau * a
    tau = np.minimum(np.maximum(t - t1 - t2, 0.0), t3)
    p, v, a = p + tau * (v + tau * (0.5 * a - tau * j / 6.0)), v + tau * (a - 0.5 * tau * j), a - tau * j
    # What rounding leaves would be a last point that moves, which the controller refuses.
    still = t >= t1 + t2 + t3
    v[still] = a[still] = 0.0
    return p, v, a
