"""One joint's command: follows a reference and never leaves its limits.

What "within limits" means here. The commands are samples of one curve with continuous velocity and acceleration, on
which |velocity|, |acceleration| and |jerk| never pass their limits. By the mean value theorem every divided difference
of the samples then keeps the limits too, whatever the lengths of the ticks: with p[k] at t[k],

    v[k] = (p[k] - p[k-1]) / (t[k] - t[k-1])
    a[k] = 2 * (v[k] - v[k-1]) / (t[k] - t[k-2])
    j[k] = 3 * (a[k] - a[k-1]) / (t[k] - t[k-3])

which for equal ticks are the plain finite differences. That is the quantity that is bounded.

How it is kept. A state is *viable* when the time-optimal stop from it stays within all limits. A tick proposes the
next state by a tracking law and takes it only if it is viable and the way to it is within limits. Otherwise it lets
the acceleration die out, and if that is not viable either, it follows the stop from the present state, which is
viable since the last tick ended in a viable state. So a legal command exists at every tick, for any reference.

Why not Ruckig in the loop: its open version has no position limits, so this certificate would be needed all the same;
it re-plans with full jerk at every tick, which shakes an arm that follows a smooth reference; and the real-time
process stays free of a compiled dependency. The tests compare the stop with Ruckig's.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, sqrt

from hume_system1.control.stopping import stop_advance, stop_duration, stop_extent

# Room for rounding: the third difference of positions of some rad at 1 kHz is exact to about 1e-5 rad/s^3.
_MARGIN_VELOCITY = 1.0 - 1e-7
_MARGIN_ACCELERATION = 1.0 - 1e-6
_MARGIN_JERK = 1.0 - 1e-4
_MARGIN_POSITION = 1e-9  # rad
# Part of the limits that the tracking law plans with; the rest is for what the plan leaves out.
_PLAN_VELOCITY = 0.998
_PLAN_ACCELERATION = 0.6
_PLAN_JERK = 0.4
_BOUND_ACCELERATION = 0.8


@dataclass(frozen=True)
class TrackingGains:
    """Gains of the tracking law for one tick length: position -> velocity -> acceleration -> jerk, all 1/s."""

    position: float
    velocity: float
    acceleration: float


def tracking_gains(bandwidth: float, dt: float) -> TrackingGains:
    """Gains that put all three poles of the sampled error at exp(-bandwidth * dt).

    Args:
        bandwidth: rad/s.
        dt: tick length, s.
    """
    d = 1.0 - exp(-bandwidth * dt)
    k1 = d * d * d
    k2 = 3.0 * d * d - k1
    k3 = 3.0 * d - 1.5 * d * d + k1 / 3.0
    return TrackingGains(k1 / (k2 * dt), k2 / (k3 * dt), k3 / dt)


class JointLimiter:
    """State and limits of one joint.

    Args:
        lower, upper: position limits, rad.
        velocity: rad/s.
        acceleration: rad/s^2.
        jerk: rad/s^3.

    Attributes:
        p, v, a: the last command and its derivatives.
        limited: whether the last tick could not do what the reference asked.
    """

    __slots__ = (
        "_brake_a",
        "_brake_v",
        "_full_v",
        "_jerk_root",
        "_lower",
        "_plan_v",
        "_room",
        "_room_per_v",
        "_room_per_v2",
        "_twice_a",
        "_upper",
        "a",
        "limited",
        "lower",
        "max_a",
        "max_j",
        "max_v",
        "p",
        "upper",
        "v",
    )

    def __init__(self, lower: float, upper: float, velocity: float, acceleration: float, jerk: float) -> None:
        self._lower = lower + _MARGIN_POSITION
        self._upper = upper - _MARGIN_POSITION
        self.lower, self.upper = self._lower, self._upper
        self.max_v = velocity * _MARGIN_VELOCITY
        self.max_a = acceleration * _MARGIN_ACCELERATION
        self.max_j = jerk * _MARGIN_JERK
        # The stop from a state whose highest speed on the way is v ends within v * (v * per_v2 + per_v).
        self._room_per_v2 = 0.5 / self.max_a
        self._room_per_v = 1.5 * self.max_a / self.max_j
        self._room = self.max_v * (self.max_v * self._room_per_v2 + self._room_per_v)
        self._plan_v = _PLAN_VELOCITY * self.max_v
        self._brake_a = 2.0 * _PLAN_ACCELERATION * self.max_a
        self._brake_v = (_PLAN_ACCELERATION * self.max_a) ** 2 / (2.0 * _PLAN_JERK * self.max_j)
        self._jerk_root = 2.0 * _PLAN_JERK * self.max_j
        self._twice_a = 2.0 * _BOUND_ACCELERATION * self.max_a
        self._full_v = (_BOUND_ACCELERATION * self.max_a) ** 2 / (2.0 * self.max_j)
        self.p = 0.5 * (lower + upper)
        self.v = 0.0
        self.a = 0.0
        self.limited = False

    def start(self, p: float) -> None:
        """Begin a new stream at rest at p, rad. Outside the limits, the way back in is open and further out is not."""
        self.p, self.v, self.a = p, 0.0, 0.0
        self.lower = min(self._lower, p)
        self.upper = max(self._upper, p)

    def brake(self, dt: float) -> None:
        """Advance dt s along the time-optimal stop."""
        if self.v == 0.0 and self.a == 0.0:
            return
        self.p, self.v, self.a = stop_advance(self.p, self.v, self.a, self.max_a, self.max_j, dt)

    def stop_time(self) -> float:
        """Time to standstill, s."""
        return stop_duration(self.v, self.a, self.max_a, self.max_j)

    def stop_position(self) -> float:
        """Where the time-optimal stop ends, rad."""
        return stop_advance(self.p, self.v, self.a, self.max_a, self.max_j, inf)[0]

    def follow(
        self,
        dt: float,
        gains: TrackingGains,
        reference: tuple[float, float, float, float],
        room: tuple[float, float],
    ) -> None:
        """Advance dt s towards the reference.

        Args:
            dt: tick length, s.
            gains: of the tracking law for this dt.
            reference: position, velocity, acceleration and jerk at the end of the tick.
            room: distance (rad) the command may still move down and up before it is too far from the measured
                position; below 0 it already is, and then it may not move further that way.
        """
        j = self._desired_jerk(dt, gains, reference, room)
        lowest = self.p - room[0] if room[0] > 0.0 else self.p
        highest = self.p + room[1] if room[1] > 0.0 else self.p
        lower = lowest if lowest > self.lower else self.lower
        upper = highest if highest < self.upper else self.upper
        if self._try(j, dt, lower, upper):
            return
        self.limited = True
        coast = min(max(-self.a / dt, -self.max_j), self.max_j)
        if not self._try(coast, dt, lower, upper):
            self.brake(dt)

    def _desired_jerk(
        self,
        dt: float,
        gains: TrackingGains,
        reference: tuple[float, float, float, float],
        room: tuple[float, float],
    ) -> float:
        """The tracking law: a cascade whose stages ask for no more than can be braked from."""
        rp, rv, ra, rj = reference
        limited = False
        if rp > self.upper or rp < self.lower:
            rp = self.upper if rp > self.upper else self.lower
            rv = ra = rj = 0.0
            limited = True
        distance = rp - dt * (rv - dt * (0.5 * ra - dt * rj / 6.0)) - self.p
        excess = max(abs(rv) / self.max_v, abs(ra) / self.max_a)
        if excess > 1.0:
            # Feed-forward that the joint cannot do would drown the feedback, and the command would stray.
            share = 1.0 / (excess * excess)
            rv, ra, rj = share * rv, share * ra, share * rj
            limited = True
        v = rv - dt * (ra - 0.5 * dt * rj)
        a = ra - dt * rj
        wish = v + self._approach(distance, gains.position)
        top = self._top_speed(wish, room)
        if wish > top or wish < -top:
            wish = top if wish > 0.0 else -top
            limited = True
        error = wish - self.v
        size = error if error >= 0.0 else -error
        pull = gains.velocity * size
        root = self._jerk_root * size
        if pull * pull > root:
            pull = sqrt(root)
        a += pull if error >= 0.0 else -pull
        if a > self.max_a or a < -self.max_a:
            a = self.max_a if a > 0.0 else -self.max_a
            limited = True
        j = rj + gains.acceleration * (a - self.a)
        if j > self.max_j or j < -self.max_j:
            j = self.max_j if j > 0.0 else -self.max_j
            limited = True
        self.limited = limited
        return j

    def _approach(self, error: float, gain: float) -> float:
        """Speed towards a point `error` away from which the joint can still stop there."""
        size = error if error >= 0.0 else -error
        linear = gain * size
        b = self._brake_v
        # inverse of d(v) = v^2 / (2 A) + v A / (2 J), an upper bound of the stopping distance
        if (linear + 2.0 * b) * linear > self._brake_a * size:
            linear = sqrt(b * b + self._brake_a * size) - b
        return linear if error >= 0.0 else -linear

    def _top_speed(self, wish: float, room: tuple[float, float]) -> float:
        """Largest speed in the direction of `wish` that position limit and tracking bound allow."""
        if wish >= 0.0:
            limit, bound = self.upper - self.p, room[1]
        else:
            limit, bound = self.p - self.lower, room[0]
        top = self._plan_v
        if limit < self._room:
            b = self._brake_v
            top = min(top, sqrt(b * b + self._brake_a * limit) - b) if limit > 0.0 else 0.0
        b = self._full_v
        if bound * self._twice_a < (top + 2.0 * b) * top:
            top = sqrt(b * b + bound * self._twice_a) - b if bound > 0.0 else 0.0
        return top

    def _try(self, j: float, dt: float, lower: float, upper: float) -> bool:
        """Take the state after dt s of jerk j if it is viable and reached within limits.

        Args:
            j: rad/s^3, within its limit.
            dt: s.
            lower, upper: where the stop must end, rad.
        """
        a0, v0 = self.a, self.v
        a = a0 + j * dt
        if a > self.max_a or a < -self.max_a:
            a = self.max_a if a > 0.0 else -self.max_a
            j = (a - a0) / dt
        v = v0 + dt * (a0 + 0.5 * j * dt)
        max_v = self.max_v
        final = v + a * (a if a >= 0.0 else -a) / (2.0 * self.max_j)
        if not (-max_v <= v <= max_v and -max_v <= final <= max_v):  # false for nan too
            return False
        if a0 * a < 0.0 and abs(v0 - 0.5 * a0 * a0 / j) > max_v:
            return False
        p = self.p + dt * (v0 + dt * (0.5 * a0 + dt * j / 6.0))
        speed, last = (v if v >= 0.0 else -v), (final if final >= 0.0 else -final)
        top = speed if speed > last else last
        room = top * (top * self._room_per_v2 + self._room_per_v)
        if p + room > upper or p - room < lower:
            low, high = stop_extent(v, a, self.max_a, self.max_j)
            if p + high > upper or p + low < lower:
                return False
        self.p, self.v, self.a = p, v, a
        if self.lower < self._lower or self.upper > self._upper:
            self._close_limits()
        return True

    def _close_limits(self) -> None:
        """After a start outside the limits: what has been gained on the way in is not given back."""
        low, high = stop_extent(self.v, self.a, self.max_a, self.max_j)
        self.lower = min(self._lower, self.p + low)
        self.upper = max(self._upper, self.p + high)
