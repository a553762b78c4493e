"""Parts of the law by which one joint follows its reference. See `JointLimiter`."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt


@dataclass(slots=True)  # made in every tick, and a frozen one takes three times as long to make
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
    # The joint is a triple integrator that gets a constant jerk for each tick. With x = (p, v dt, a dt^2, j dt^3):
    #
    #     p' = p + v + a/2 + j/6        v' = v + a + j/2        a' = a + j
    #
    # The feedback j = -(k1 p + k2 v + k3 a) is wanted with the characteristic polynomial (z - 1 + d)^3, where
    # d = 1 - exp(-bandwidth dt). With three equal real poles the error dies out without oscillation. Comparing
    # coefficients (Ackermann's formula) gives k1, k2 and k3. They depend on dt, so ticks of unequal length keep the
    # same bandwidth in seconds. Franklin, Powell and Workman, Digital Control of Dynamic Systems, pole placement.
    d = 1.0 - exp(-bandwidth * dt)
    k1 = d * d * d
    k2 = 3.0 * d * d - k1
    k3 = 3.0 * d - 1.5 * d * d + k1 / 3.0
    # As a cascade: the product of all gains down to the jerk is k1 / dt^3, of the last two k2 / dt^2, of the last
    # k3 / dt. The same law, but each stage is a speed or an acceleration that can be limited by itself.
    return TrackingGains(k1 / (k2 * dt), k2 / (k3 * dt), k3 / dt)


def approach_speed(error: float, gain: float, twice_a: float, b: float) -> float:
    """Speed towards a point from which the joint can still stop there.

    Args:
        error: way to the point, rad.
        gain: of a small error, 1/s.
        twice_a: twice the acceleration A that the stop may use, rad/s^2.
        b: A^2 / (2 J) with its jerk J, rad/s.
    """
    # A stop from speed v and acceleration 0 takes at most the distance d(v) = v^2 / (2 A) + v A / (2 J), see
    # `JointLimiter`. Multiplied by 2 A that is d 2 A = v (v + 2 b). Solved for v:
    #
    #     v = sqrt(b^2 + 2 A d) - b
    #
    # Its slope at 0 is A / b = 2 J / A, which is finite, so it does not chatter at the point as sqrt(2 A d) would.
    size = error if error >= 0.0 else -error
    speed = gain * size
    if speed * (speed + 2.0 * b) > twice_a * size:
        speed = sqrt(b * b + twice_a * size) - b
    return speed if error >= 0.0 else -speed
