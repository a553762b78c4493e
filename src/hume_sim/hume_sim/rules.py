"""What ends an episode as a failure, whatever is done afterwards. Each kind of scene has at most one rule."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import mujoco
import numpy as np
from numpy.typing import NDArray

from hume_sim.scene import CUBES, FRAGILE, PILLAR

FALL_SPEED = 0.6
"""A cube that falls faster was let go from 2 cm or more above what is below it, m/s. The arm lowers none as fast."""

KNOCKED = 0.025
"""A cube that nobody asked to move may be shifted by this much, m."""


Start: TypeAlias = "NDArray[np.float64]"
"""What a rule keeps of an episode's start. Goes into snapshots of the world."""


class Rule(Protocol):
    """Looks at the scene. Keeps nothing itself, so that snapshots can be gone on from."""

    every: int
    """It looks after so many physics steps."""

    def start(self, data: mujoco.MjData) -> Start:
        """An episode begins: what is to be kept of its start."""

    def broken(self, data: mujoco.MjData, start: Start, cube: str) -> str:
        """Why the episode, whose task is to move `cube`, has failed. Empty: it has not."""


class PillarStands:
    """Nothing may touch the pillar.

    Args:
        model: with a pillar.
    """

    every = 1  # a touch may be over after one step

    def __init__(self, model: mujoco.MjModel) -> None:
        self._pillar = model.geom("pillar").id

    def start(self, data: mujoco.MjData) -> Start:
        """Nothing."""
        return np.zeros(0)

    def broken(self, data: mujoco.MjData, start: Start, cube: str) -> str:
        """See `Rule`."""
        touched = bool((data.contact.geom == self._pillar).any())
        return "the pillar was touched" if touched else ""


class CubesStayWhole:
    """No cube may be dropped, and none knocked away but the one to move.

    Args:
        model: with the cubes.
    """

    every = 5  # 10 ms. A cube takes 60 ms to fall as fast as counts

    def __init__(self, model: mujoco.MjModel) -> None:
        joints = [model.joint(f"{cube}_cube") for cube in CUBES]
        self._places = np.array([[joint.qposadr[0], joint.qposadr[0] + 1] for joint in joints])
        self._falls = np.array([joint.dofadr[0] + 2 for joint in joints])

    def start(self, data: mujoco.MjData) -> Start:
        """Where the cubes stand (3, 2), m."""
        return np.array(data.qpos[self._places])

    def broken(self, data: mujoco.MjData, start: Start, cube: str) -> str:
        """See `Rule`."""
        falling = data.qvel[self._falls] < -FALL_SPEED
        if falling.any():
            return f"the {CUBES[int(falling.argmax())]} cube was dropped"
        shifted = ((data.qpos[self._places] - start) ** 2).sum(1) > KNOCKED**2
        shifted[CUBES.index(cube)] = False
        return f"the {CUBES[int(shifted.argmax())]} cube was knocked away" if shifted.any() else ""


def rule_of(scene: str, model: mujoco.MjModel) -> Rule | None:
    """The rule of a kind of scene. None: nothing ends an episode early."""
    if scene == PILLAR:
        return PillarStands(model)
    return CubesStayWhole(model) if scene == FRAGILE else None
