"""Joint trajectories sampled by time, as joint_trajectory_controller does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ActionSpaceError


@dataclass(frozen=True)
class JointTrajectory:
    """Waypoints of n joints.

    Attributes:
        times: (p,) strictly increasing, s on the simulated clock (or from the start, before `starting_from`).
        positions: (p, n) rad.
        velocities: (p, n) rad/s; None interpolates linearly instead of by cubics.

    Raises:
        ActionSpaceError: no point, wrong shapes, a number that is not finite, times that do not increase.
    """

    times: NDArray[np.float64]
    positions: NDArray[np.float64]
    velocities: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        arrays = [self.times, self.positions] + ([] if self.velocities is None else [self.velocities])
        if len(self.times) == 0:
            raise ActionSpaceError("trajectory has no points; send at least one")
        if any(len(array) != len(self.times) for array in arrays) or arrays[-1].shape != self.positions.shape:
            raise ActionSpaceError(f"trajectory shapes differ: {[array.shape for array in arrays]}")
        if not all(np.isfinite(array).all() for array in arrays):
            raise ActionSpaceError("trajectory holds a number that is not finite")
        if (np.diff(self.times) <= 0).any():
            raise ActionSpaceError("trajectory times must increase from point to point")

    def starting_from(
        self, now: float, delay: float, position: NDArray[np.float64], velocity: NDArray[np.float64]
    ) -> JointTrajectory:
        """The same motion on the simulated clock, beginning at the present setpoint.

        Args:
            now: simulated time, s.
            delay: how long after now the trajectory's time zero is, s; negative if it began in the past.
            position: present setpoint (n,), rad.
            velocity: its rate (n,), rad/s.

        Returns:
            A trajectory without the points that are already past; if all are, the last one is due at once.
        """
        times = self.times + now + delay
        ahead = times > now
        if not ahead.any():
            return JointTrajectory(np.array([now]), self.positions[-1:])
        velocities = None if self.velocities is None else np.vstack([velocity, self.velocities[ahead]])
        return JointTrajectory(
            np.concatenate([[now], times[ahead]]), np.vstack([position, self.positions[ahead]]), velocities
        )

    def sample(self, time: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Position (n,) and velocity (n,) at a time; at rest before the first and after the last point."""
        rest = np.zeros(self.positions.shape[1])
        if time < self.times[0]:
            return self.positions[0], rest
        if time >= self.times[-1]:
            return self.positions[-1], rest
        i = int(np.searchsorted(self.times, time, side="right")) - 1
        length = self.times[i + 1] - self.times[i]
        s = (time - self.times[i]) / length
        delta = self.positions[i + 1] - self.positions[i]
        if self.velocities is None:
            return self.positions[i] + s * delta, delta / length
        v0, v1 = self.velocities[i] * length, self.velocities[i + 1] * length
        a, b = 3 * delta - 2 * v0 - v1, v0 + v1 - 2 * delta
        return self.positions[i] + s * (v0 + s * (a + s * b)), (v0 + s * (2 * a + 3 * s * b)) / length
