"""Time-optimal stop of one joint under limits on acceleration and jerk, in closed form.

A joint with velocity v and acceleration a stops soonest by at most three phases of constant jerk: jerk -s*J until the
acceleration is -s*peak, jerk 0, jerk +s*J until velocity and acceleration are 0 (s is the sign of the velocity left
after the acceleration has been brought to 0 alone). Biagiotti and Melchiorri, Trajectory Planning for Automatic
Machines and Robots, section 3.4.
"""

from __future__ import annotations

from math import sqrt


def stop_phases(v: float, a: float, max_a: float, max_j: float) -> tuple[float, float, float, float]:
    """Phases of the time-optimal stop.

    Args:
        v: velocity, rad/s.
        a: acceleration, rad/s^2, at most max_a in size.
        max_a: acceleration limit, rad/s^2.
        max_j: jerk limit, rad/s^3.

    Returns:
        (j, t1, t2, t3): jerk j for t1 s, 0 for t2 s, -j for t3 s.
    """
    # At constant jerk j the acceleration goes from a0 to a1 while the velocity changes by (a1^2 - a0^2) / (2 j).
    # So full jerk takes a to 0 while the velocity changes by a |a| / (2 J). The sign of what is left tells which way
    # to brake. From here on it is positive.
    sign = 1.0 if v + a * abs(a) / (2.0 * max_j) >= 0.0 else -1.0
    v *= sign
    a *= sign
    # Without a middle phase: down to -peak and up to 0 again must take away all of v,
    #
    #     v + (a^2 - peak^2) / (2 J) - peak^2 / (2 J) = 0    so    peak^2 = J v + a^2 / 2.
    #
    # If that peak is beyond the limit A, phase 2 holds -A and takes away the rest, (peak^2 - A^2) / J, at A per second.
    # That is time-optimal: jerk or acceleration is at its limit all the time, with one change of sign (Pontryagin).
    peak_squared = max_j * v + 0.5 * a * a
    if peak_squared <= max_a * max_a:
        peak = sqrt(peak_squared) if peak_squared > 0.0 else 0.0
        cruise = 0.0
    else:
        peak = max_a
        cruise = (peak_squared - max_a * max_a) / (max_j * max_a)
    ramp = (a + peak) / max_j
    return -sign * max_j, ramp if ramp > 0.0 else 0.0, cruise, peak / max_j


def stop_advance(p: float, v: float, a: float, max_a: float, max_j: float, dt: float) -> tuple[float, float, float]:
    """State (p, v, a) after dt s of the time-optimal stop. Exactly at rest once it has ended."""
    j, t1, t2, t3 = stop_phases(v, a, max_a, max_j)
    for jerk, duration in ((j, t1), (0.0, t2), (-j, t3)):
        t = duration if duration < dt else dt
        p += t * (v + t * (0.5 * a + t * jerk / 6.0))
        v += t * (a + 0.5 * t * jerk)
        a += t * jerk
        dt -= t
        if dt <= 0.0:
            return p, v, a
    return p, 0.0, 0.0


def stop_duration(v: float, a: float, max_a: float, max_j: float) -> float:
    """Time to standstill, s."""
    _, t1, t2, t3 = stop_phases(v, a, max_a, max_j)
    return t1 + t2 + t3


def stop_extent(v: float, a: float, max_a: float, max_j: float) -> tuple[float, float]:
    """Lowest and highest displacement on the way to standstill (both include 0), rad."""
    j, t1, t2, t3 = stop_phases(v, a, max_a, max_j)
    # The displacement is extreme at the start, at the end, or where the velocity changes sign. That happens only in the
    # first phase, and only where the acceleration brakes already more than full jerk can undo: the joint turns round.
    end = t1 * (v + t1 * (0.5 * a + t1 * j / 6.0))
    v1 = v + t1 * (a + 0.5 * t1 * j)
    a1 = a + t1 * j
    end += t2 * (v1 + 0.5 * t2 * a1)
    v2 = v1 + t2 * a1
    end += t3 * (v2 + t3 * (0.5 * a1 - t3 * j / 6.0))
    turn = _turning_point(v, a, j) if v * j > 0.0 else 0.0
    return min(0.0, end, turn), max(0.0, end, turn)


def _turning_point(v: float, a: float, j: float) -> float:
    """Displacement where the velocity changes sign in the first phase (v and j have one sign, a the other)."""
    # First zero of v + a t + j t^2 / 2. Both roots are real: else the velocity would not change sign on this way.
    root = a * a - 2.0 * j * v
    t = (abs(a) - sqrt(root if root > 0.0 else 0.0)) / abs(j)
    return t * (v + t * (0.5 * a + t * j / 6.0))
