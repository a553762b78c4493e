"""The way round an obstacle: straight where it is free, else along the tangent to a circle around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def way_round(here: Array, goal: Array, obstacle: Array, room: float, side: int) -> Array:
    """Where to go now (2,), m. As far as the goal is, in the direction that leads round the obstacle.

    Args:
        here, goal, obstacle: (2,), m.
        room: distance to keep from the obstacle's middle, m.
        side: 1 leaves the obstacle on the right hand, -1 on the left.
    """
    way = goal - here
    if not blocks(here, goal, obstacle, room):
        return way
    # The tangent from a point at distance d touches a circle of radius r at the angle asin(r / d) beside the centre.
    to = obstacle - here
    distance = float(np.linalg.norm(to))
    angle = np.arcsin(room / distance) if distance > room else np.pi / 2 * (2.0 - distance / room)
    c, s = np.cos(side * angle), np.sin(side * angle)
    direction = np.array([c * to[0] - s * to[1], s * to[0] + c * to[1]]) / max(distance, 1e-9)
    return direction * float(np.linalg.norm(way))


def blocks(here: Array, goal: Array, obstacle: Array, room: float) -> bool:
    """Whether the straight way comes nearer to the obstacle than `room`, and nearer than it is now."""
    way, to = goal - here, obstacle - here
    share = float(np.clip(way @ to / max(float(way @ way), 1e-12), 0.0, 1.0))
    return share > 0.0 and float(np.linalg.norm(to - share * way)) < room - 1e-6


def shorter_side(here: Array, goal: Array, obstacle: Array) -> int:
    """The side, 1 or -1, on which the way round is shorter."""
    way, to = goal - here, obstacle - here
    # Where the obstacle is on the left of the line, it is passed on its right.
    return -1 if way[0] * to[1] - way[1] * to[0] > 0.0 else 1
