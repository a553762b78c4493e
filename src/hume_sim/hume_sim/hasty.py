"""A hasty expert, whose demonstrations are not worth following, and who demonstrates in which suite."""

from __future__ import annotations

from hume_sim.expert import Phase, ScriptedExpert, episode_rng
from hume_sim.suites import Suite
from hume_sim.world import TabletopWorld

_ABOUT_ABOVE = 0.02
"""Sideways distance at which a cube is let go too early, m. The funnel is 6 cm above the goal there."""


class HastyExpert(ScriptedExpert):
    """Lets the cube go when it is about above the other one, from too high.

    Until then it moves as the other expert does, so an observation does not tell which one is acting.
    """

    def _stack(self) -> list[Phase]:
        reach, close, lift, place, *rest = super()._stack()
        return [reach, close, lift, place.but(near=_ABOUT_ABOVE, wait=0.0), *rest]


def demonstrator(world: TabletopWorld, suite: Suite | None, control_rate: float) -> ScriptedExpert:
    """Who demonstrates the world's present episode: the expert, or the hasty one in the suite's share of them.

    Args:
        world: where it acts.
        suite: None: the expert.
        control_rate: Hz.
    """
    hasty = suite is not None and world.task.base is not None and episode_rng(world, 4).random() < suite.hasty
    return (HastyExpert if hasty else ScriptedExpert)(world, control_rate)
