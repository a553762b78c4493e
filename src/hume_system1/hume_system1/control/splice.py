"""The passage from one motion to the next.

At a splice the difference between the old motion and the new segment (position, velocity, acceleration) is taken as an
offset that fades out by a quintic: the sum starts exactly in the old motion's state and ends exactly on the new
segment, with continuous acceleration throughout. A splice may begin while an earlier one is still fading: the old
motion then is what was being followed, offset included, so that splices never pile up.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Highest speed and acceleration of a quintic over a unit step in unit time.
_PEAK_SPEED = 1.875
_PEAK_ACCELERATION = 5.7735
# Coefficients 3 to 5 from 0 to 2, so that value, velocity and acceleration are 0 at the end.
_TO_NOTHING = np.array([[-10.0, -6.0, -3.0], [15.0, 8.0, 3.0], [-6.0, -3.0, -1.0]])


class Fade:
    """An offset that fades from a given state to nothing.

    Args:
        size: number of joints n.
        velocity: (n,) speed limits, rad/s.
        acceleration: (n,) acceleration limits, rad/s^2.
        shortest: shortest time to fade in, s.
        share: part of the limits that the fade may use; a larger offset takes longer.
    """

    def __init__(self, size: int, velocity: Array, acceleration: Array, shortest: float, share: float = 0.5) -> None:
        self._coefficients = np.zeros((6, size))
        self._basis = np.zeros((4, 6))
        self._per_velocity = _PEAK_SPEED / (share * velocity)
        self._per_acceleration = _PEAK_ACCELERATION / (share * acceleration)
        self._shortest = shortest
        self.start = 0.0
        self.duration = 0.0

    def begin(self, t: float, offset: Array) -> None:
        """Start fading at time t.

        Args:
            t: ROS time, s.
            offset: (>= 3, n): old minus new position, velocity and acceleration.
        """
        size = np.abs(offset[0])
        by_velocity = float((size * self._per_velocity).max())
        by_acceleration = sqrt(float((size * self._per_acceleration).max()))
        duration = max(self._shortest, by_velocity, by_acceleration)
        self.start, self.duration = t, duration
        c = self._coefficients
        c[0] = offset[0]
        np.multiply(offset[1], duration, out=c[1])
        np.multiply(offset[2], 0.5 * duration * duration, out=c[2])
        np.matmul(_TO_NOTHING, c[:3], out=c[3:])

    def clear(self) -> None:
        """No offset."""
        self.duration = 0.0

    def add(self, t: float, out: Array, scratch: Array) -> None:
        """Add the offset and its derivatives at time t to out (4, n); scratch is (4, n)."""
        if t >= self.start + self.duration:
            return
        u = (t - self.start) / self.duration
        _polynomial_rows(u if u > 0.0 else 0.0, 1.0 / self.duration, self._basis)
        np.matmul(self._basis, self._coefficients, out=scratch)
        np.add(out, scratch, out=out)


def _polynomial_rows(u: float, rate: float, out: Array) -> None:
    """Rows that turn coefficients of u^0 ... u^5 into the derivatives 0 to 3 per second at u."""
    u2 = u * u
    u3 = u2 * u
    r2 = rate * rate
    r3 = r2 * rate
    out[0] = (1.0, u, u2, u3, u2 * u2, u2 * u3)
    out[1, 1:] = (rate, 2.0 * rate * u, 3.0 * rate * u2, 4.0 * rate * u3, 5.0 * rate * u2 * u2)
    out[2, 2:] = (2.0 * r2, 6.0 * r2 * u, 12.0 * r2 * u2, 20.0 * r2 * u3)
    out[3, 3:] = (6.0 * r3, 24.0 * r3 * u, 60.0 * r3 * u2)
