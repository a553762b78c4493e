"""Numbers of a robot profile that must be possible for an arm. Beyond that, most likely the unit is wrong.

The bounds are beyond any arm, so that none is refused: two turns each way, 20 rad/s, 500 rad/s^2, 50000 rad/s^3.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, radians
from typing import Annotated

from pydantic import AfterValidator

from hume_core.field_types import Finite, Positive

LARGEST_ANGLE = 4.0 * pi
LARGEST_VELOCITY = 20.0
LARGEST_ACCELERATION = 500.0
LARGEST_JERK = 50_000.0
LARGEST_TRACKING = 2.0 * pi
SHORTEST_PERIOD, LONGEST_PERIOD = 0.001, 1.0
LONGEST_AGE = 5.0


def _in_radians(largest: float, unit: str) -> Callable[[float], float]:
    """A check that refuses what can only be degrees."""

    def check(value: float) -> float:
        if abs(value) > largest:
            raise ValueError(
                f"{value:g} {unit} is beyond any arm (at most {largest:.4g} {unit}). If it is in degrees, write "
                f"{radians(value):.4g} {unit}"
            )
        return value

    return check


def _period(value: float) -> float:
    if not SHORTEST_PERIOD <= value <= LONGEST_PERIOD:
        likely = f". If it is in milliseconds, write {1e-3 * value:.4g}. If it is in Hz, write {1.0 / value:.4g}"
        raise ValueError(
            f"{value:g} s between two rows is not possible (from {SHORTEST_PERIOD:g} to {LONGEST_PERIOD:g} s)"
            f"{likely if value > LONGEST_PERIOD else ''}"
        )
    return value


def _age(value: float) -> float:
    if value > LONGEST_AGE:
        raise ValueError(
            f"{value:g} s is too long (at most {LONGEST_AGE:g} s). If it is in milliseconds, write {1e-3 * value:.4g}"
        )
    return value


Angle = Annotated[Finite, AfterValidator(_in_radians(LARGEST_ANGLE, "rad"))]
Velocity = Annotated[Positive, AfterValidator(_in_radians(LARGEST_VELOCITY, "rad/s"))]
Acceleration = Annotated[Positive, AfterValidator(_in_radians(LARGEST_ACCELERATION, "rad/s^2"))]
Jerk = Annotated[Positive, AfterValidator(_in_radians(LARGEST_JERK, "rad/s^3"))]
Tracking = Annotated[Positive, AfterValidator(_in_radians(LARGEST_TRACKING, "rad"))]
Period = Annotated[Positive, AfterValidator(_period)]
Age = Annotated[Positive, AfterValidator(_age)]
