"""How long episodes of a policy take: what is said before the first one, and after the first ones."""

from __future__ import annotations

from hume_core.console import say
from hume_core.durations import MEASURED, FirstUnits, Units, estimate

PER_SIMULATED_SECOND, PER_RECORDED_SECOND = 0.6, 1.5
"""Seconds of a worker per simulated second with the policy that ships: many episodes side by side, and one by one."""


def expect_episodes(count: int, time_limit: float, workers: int, part: int, one_by_one: bool = False) -> FirstUnits:
    """Say how long episodes take at most, and, when the first ones are done, how long the others do.

    Args:
        count: episodes still to be played.
        time_limit: of an episode, simulated s.
        workers: processes that play them.
        part: episodes that a worker returns together.
        one_by_one: they are not played side by side.
    """
    each = time_limit * (PER_RECORDED_SECOND if one_by_one else PER_SIMULATED_SECOND)
    if count:
        work = estimate(
            Units(count, "episodes", each), basis=f"{MEASURED}, with the policy that ships", at_once=workers
        )
        say(f"at most {work}")
    return FirstUnits(count, "episodes", after=part * workers)
