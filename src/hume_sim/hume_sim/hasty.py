"""A hasty expert, whose demonstrations are not worth following, and who demonstrates in which suite."""

from __future__ import annotations

import enum

import numpy as np
from numpy.typing import NDArray

from hume_sim.arm import GRIPPER_CLOSED
from hume_sim.expert import FAST, Phase, ScriptedExpert
from hume_sim.kinematics import SitePose
from hume_sim.suites import Suite
from hume_sim.world import TabletopWorld

_LOW = 0.045
"""Height at which a cube is carried that knocks the other one away, m: it hangs below the other's top."""

_ABOUT_ABOVE = 0.02
"""Sideways distance at which a cube is let go too early, m. The funnel is 6 cm above the goal there."""


class Haste(enum.Enum):
    """What a hasty expert does wrong."""

    DROPS = "drops"
    KNOCKS = "knocks"


class HastyExpert(ScriptedExpert):
    """Drops the cube from too high, or carries it so low that it knocks the other one away.

    Until then it moves as the other expert does, so an observation does not tell which one is acting.

    Args:
        world: see `ScriptedExpert`.
        haste: what it does wrong.
        control_rate: Hz.
    """

    def __init__(self, world: TabletopWorld, haste: Haste, control_rate: float = 20.0) -> None:
        self.haste = haste
        super().__init__(world, control_rate)

    def _stack(self) -> list[Phase]:
        reach, close, lift, place, *rest = super()._stack()
        if self.haste is Haste.DROPS:
            return [reach, close, lift, place.but(near=_ABOUT_ABOVE, wait=0.0), *rest]
        low = Phase("lift", self._raised_a_little, lift.speed, GRIPPER_CLOSED, holding=True)
        sweep = Phase("place", self._through_the_base, FAST, GRIPPER_CLOSED, holding=True, level=True)
        return [reach, close, low, sweep, *rest]

    def _raised_a_little(self) -> NDArray[np.float64]:
        here = self._here()
        here[2] = _LOW
        return here

    def _through_the_base(self) -> NDArray[np.float64]:
        goal = self._onto(0.0)
        goal[2] = _LOW
        return goal

    def _towards(self, goal: NDArray[np.float64], pose: SitePose, speed: float) -> SitePose:
        if not self._phases[self._index].level:
            return super()._towards(goal, pose, speed)
        step = goal[:3] - pose.position
        step *= min(1.0, speed * self._period / max(float(np.linalg.norm(step)), 1e-9))
        return SitePose(pose.position + step, pose.rotation)


def demonstrator(world: TabletopWorld, suite: Suite | None, control_rate: float) -> ScriptedExpert:
    """Who demonstrates the world's present episode: the expert, or the hasty one in the suite's share of all seeds.

    Args:
        world: where it acts.
        suite: None: the expert.
        control_rate: Hz.
    """
    rng = np.random.default_rng([world.seed, 4])
    if suite is None or world.task.base is None or rng.random() >= suite.hasty:
        return ScriptedExpert(world, control_rate)
    return HastyExpert(world, list(Haste)[rng.integers(len(Haste))], control_rate)
