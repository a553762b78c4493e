"""Commands of a segment: what the real controller sends between two segments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hume_sim.arm import GRIPPER_CLOSED, GRIPPER_OPEN
from hume_sim.world import TabletopWorld
from hume_system1.denoiser import Segment

TICK = 0.01
"""Time between two commands, s."""


def follow(world: TabletopWorld, segment: Segment) -> None:
    """Command what a segment says for the world's time; its last row holds when it is over."""
    place = (world.elapsed - segment.stamp) / segment.chunk.dt
    world.set_arm_target(sample_rows(segment.positions, place))
    if segment.gripper is not None:
        opening = float(np.clip(sample_rows(segment.gripper[:, None], place)[0], 0.0, 1.0))
        world.set_gripper_target(GRIPPER_CLOSED + opening * (GRIPPER_OPEN - GRIPPER_CLOSED))


def sample_rows(rows: NDArray[np.float64], place: float) -> NDArray[np.float64]:
    """Linear interpolation between rows; the first before them, the last after them."""
    place = min(max(place, 0.0), len(rows) - 1.0)
    low = min(int(place), max(len(rows) - 2, 0))
    high = min(low + 1, len(rows) - 1)
    mixed: NDArray[np.float64] = rows[low] + (place - low) * (rows[high] - rows[low])
    return mixed
