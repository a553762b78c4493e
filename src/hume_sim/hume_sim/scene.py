"""The tabletop scene: MuJoCo model, cubes, random places."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

CUBES = ("red", "green", "blue")
CUBE_SIZE = 0.04
"""Edge of a cube, m."""

WORKSPACE = ((0.22, 0.36), (-0.15, 0.15))
"""Where cubes start: (lowest, highest) x and y of their centres in the base frame, m."""

CLEARANCE = 0.085
"""Smallest distance between two cube centres, m: an open finger fits between them."""

_ASSETS = Path(__file__).parent / "assets"


def load_model() -> mujoco.MjModel:
    """Compile the scene: the arm's base frame is the world frame, the table top is z = 0."""
    return mujoco.MjModel.from_xml_path(str(_ASSETS / "tabletop.xml"))


def random_places(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a place for every cube.

    Returns:
        (3, 3) rows x, y, yaw (m, m, rad) in the order of `CUBES`, centres at least `CLEARANCE` apart.
    """
    low, high = np.array(WORKSPACE).T
    while True:
        centres = rng.uniform(low, high, size=(len(CUBES), 2))
        gaps = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
        if gaps[np.triu_indices(len(CUBES), 1)].min() >= CLEARANCE:
            yaw = rng.uniform(-np.pi / 4, np.pi / 4, size=(len(CUBES), 1))
            return np.hstack([centres, yaw])
