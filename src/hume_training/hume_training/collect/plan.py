"""Which episodes to record: seeds, tasks and the shards they are staged in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from hume_core.errors import ConfigError
from hume_sim.scene import CUBES

SHARD_SIZE = 25


@dataclass(frozen=True)
class PlannedEpisode:
    """A scene and a task in it (short form)."""

    seed: int
    task: str


def plan_episodes(tasks: Sequence[str], episodes: int, seed: int, paired: bool) -> list[PlannedEpisode]:
    """Episodes to record.

    Args:
        tasks: short forms. "lift" and "stack" leave the colours open.
        episodes: per task.
        seed: of the first scene. Every scene has a seed of its own.
        paired: record every scene once for each choice of colours, so that only the words tell them apart.

    Raises:
        ConfigError: no task or no episode.
    """
    if not tasks or episodes < 1:
        raise ConfigError(f"nothing to record: {len(tasks)} tasks, {episodes} episodes. Both must be at least 1")
    planned = []
    for number, task in enumerate(tasks):
        variants = _colours(task) if paired else [task]
        first = (seed * len(tasks) + number) * episodes
        planned += [PlannedEpisode(first + k // len(variants), variants[k % len(variants)]) for k in range(episodes)]
    return planned


def _colours(task: str) -> list[str]:
    if task == "lift":
        return [f"lift {cube}" for cube in CUBES]
    if task == "stack":
        return [f"stack {cube} on {base}" for cube, base in permutations(CUBES, 2)]
    return [task]


def shards(planned: Sequence[PlannedEpisode], size: int = SHARD_SIZE) -> list[list[PlannedEpisode]]:
    """Episodes cut into shards of a size."""
    return [list(planned[i : i + size]) for i in range(0, len(planned), size)]
