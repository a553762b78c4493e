"""The passage from one motion to the next, and from rest to motion.

Both keep position, velocity and acceleration continuous. The next passage may interrupt either of them at any time.
"""

from __future__ import annotations

from math import exp, inf, sqrt
from struct import Struct

import numpy as np
from numpy.typing import NDArray

from hume_core.limits import MotionLimits

Array = NDArray[np.float64]

_BASIS = Struct("12d")  # (4, 3), see `Fade.add`. Written at once: numpy takes longer for a single row
# Part of the velocity and acceleration limits that a passage may use. A larger difference takes longer.
_SHARE = 0.5
# Highest speed, 15/8, and acceleration, 10/sqrt(3), of the quintic w(u) of `Departure` over a unit of time. A passage
# over a distance d in a time T then needs at most 15/8 d/T and 10/sqrt(3) d/T^2, which gives the T for given limits.
_QUINTIC_SPEED, _QUINTIC_ACCELERATION = 1.875, 5.7735


class Fade:
    """The difference between the old motion and the new one, fading out.

    At a splice the difference (position, velocity, acceleration) is added to what is followed, so that nothing jumps.
    It then decays with a triple pole. What the joints cannot do of it, the limiter spreads out.

    Args:
        size: number of joints n.
        blend: time in which 7/8 of a difference fade, s.
    """

    def __init__(self, size: int, blend: float) -> None:
        # With weight w(x) = exp(-x) (1 + x + x^2 / 2) of a mere difference of position, w(5) = 0.125: so 7/8 have gone
        # when rate * t = 5.
        self._coefficients = np.zeros((3, size))
        self._basis = np.zeros((4, 3))
        self._rate = 5.0 / blend
        self._start = -inf

    def begin(self, t: float, offset: Array) -> None:
        """Start fading at time t.

        Args:
            t: ROS time, s.
            offset: (>= 3, n): old minus new position, velocity and acceleration.
        """
        # What is followed is new(t) + d(t), where d solves (d/dt + r)^3 d = 0 (a critically damped filter of order 3):
        #
        #     d(tau) = exp(-r tau) (c0 + c1 tau + c2 tau^2 / 2),    tau = t - start
        #
        # Three constants, three conditions at the splice: d, d' and d'' are old minus new position, velocity and
        # acceleration. Then new + d has the old motion's values there, so nothing jumps up to the acceleration. And d
        # goes to 0 with all its derivatives, so the arm ends on the new motion.
        #
        # Why no polynomial over a fixed time: the equation is linear with constant coefficients. At a splice during a
        # splice, `offset` holds what is left of the old d, and the solution is the sum of what each difference would
        # do alone. So any number of splices leaves a bounded difference, if their differences are bounded. A rate that
        # falls with the size of the difference would not do: a difference of velocity could grow into one of position
        # faster than it decays.
        self._start, r = t, self._rate
        # c0 = d, c1 = d' + r d, c2 = d'' + 2 r d' + r^2 d, without arrays in between
        p, v, a = offset[0], offset[1], offset[2]
        c0, c1, c2 = self._coefficients
        c0[:] = p
        np.multiply(p, r, out=c1)
        c1 += v
        np.multiply(v, 2.0 * r, out=c2)
        c2 += a
        c2 += (r * r) * p

    def clear(self) -> None:
        """No difference."""
        self._start = -inf

    def add(self, t: float, out: Array, scratch: Array) -> None:
        """Add the difference and its derivatives at time t to out (4, n). Scratch is (4, n)."""
        r = self._rate
        x = r * (t - self._start)
        if x > 40.0:  # exp(-40) is 4e-18: nothing that a double can add to a joint position
            return
        tau = t - self._start if x > 0.0 else 0.0
        e = exp(-r * tau)
        r2, r3, half = r * r, r * r * r, 0.5 * tau * tau
        # Row k is the k-th derivative of exp(-r tau) times (1, tau, tau^2 / 2).
        _BASIS.pack_into(
            self._basis.data, 0,
            e, e * tau, e * half,
            -r * e, e * (1.0 - r * tau), e * (tau - r * half),
            r2 * e, e * (r2 * tau - 2.0 * r), e * (1.0 - 2.0 * r * tau + r2 * half),
            -r3 * e, e * (3.0 * r2 - r3 * tau), e * (3.0 * r2 * tau - 3.0 * r - r3 * half),
        )  # fmt: skip
        np.matmul(self._basis, self._coefficients, out=scratch)
        np.add(out, scratch, out=out)


class Departure:
    """From rest into a motion that is already under way: the weight of the motion grows from 0 to 1 by a quintic.

    Args:
        limits: of the joints.
        shortest: shortest time to depart in, s.
    """

    def __init__(self, limits: MotionLimits, shortest: float) -> None:
        self._place = np.zeros(limits.size)
        self._basis = np.zeros((4, 4))
        self._per_velocity = _QUINTIC_SPEED / (_SHARE * limits.velocity)
        self._per_acceleration = _QUINTIC_ACCELERATION / (_SHARE * limits.acceleration)
        self._shortest = shortest
        self._start = 0.0
        self.duration = 0.0

    def begin(self, t: float, place: Array, motion: Array) -> None:
        """Depart at time t.

        Args:
            t: ROS time, s.
            place: (n,) where the arm rests, rad.
            motion: (n,) where the motion is at that time, rad.
        """
        # The longest time that any joint needs for its share of the limits, so that all arrive together.
        distance = np.abs(motion - place)
        by_velocity = float((distance * self._per_velocity).max())
        by_acceleration = sqrt(float((distance * self._per_acceleration).max()))
        self._place[:] = place
        self._start, self.duration = t, max(self._shortest, by_velocity, by_acceleration)

    def clear(self) -> None:
        """Full weight."""
        self.duration = 0.0

    def weigh(self, t: float, out: Array) -> None:
        """Replace the motion in out (4, n) by its weighted form."""
        if t >= self._start + self.duration:
            return
        # place + w(u) (motion - place) with w(u) = 10 u^3 - 15 u^4 + 6 u^5. It is the only quintic that goes from 0 to
        # 1 with slope and curvature 0 at both ends: at rest when it begins, on the motion when it ends. Of all ways
        # from 0 to 1 it has the least mean square jerk (Flash and Hogan, The coordination of arm movements, 1985).
        rate = 1.0 / self.duration
        u = max((t - self._start) * rate, 0.0)
        w0 = u * u * u * (10.0 - u * (15.0 - 6.0 * u))
        w1 = 30.0 * u * u * (1.0 - u) * (1.0 - u) * rate
        w2 = 60.0 * u * (1.0 - u) * (1.0 - 2.0 * u) * rate * rate
        w3 = 60.0 * (1.0 - 6.0 * u * (1.0 - u)) * rate * rate * rate
        # Derivatives of a product by Leibniz' rule: (w m)'' = w'' m + 2 w' m' + w m'', and so on.
        basis = self._basis
        basis[0, 0] = w0
        basis[1, :2] = (w1, w0)
        basis[2, :3] = (w2, 2.0 * w1, w0)
        basis[3] = (w3, 3.0 * w2, 3.0 * w1, w0)
        out[0] -= self._place
        out[:] = basis @ out
        out[0] += self._place
