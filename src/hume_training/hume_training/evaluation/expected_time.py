"""How long episodes of a policy take: what is said before the first one, and after the first ones."""

from __future__ import annotations

from hume_core.console import say
from hume_core.durations import MEASURED, FirstUnits, Units, estimate

EPISODE_SECONDS = 9.9
"""Of one worker for an episode of the policy that ships."""

_BASIS = f"{MEASURED}, with the policy that ships"


def expect_episodes(count: int, workers: int, part: int) -> FirstUnits:
    """Say how long episodes will take, and again when the first ones are done.

    Args:
        count: episodes still to be played.
        workers: processes that play them.
        part: episodes that a worker plays side by side.
    """
    if count:
        say(estimate(Units(count, "episodes", EPISODE_SECONDS), basis=_BASIS, at_once=workers))
    return FirstUnits(count, "episodes", after=part * workers)
