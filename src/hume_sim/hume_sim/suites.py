"""What a policy is judged on: scenes, tasks, timing, and how much happens to scene and arm meanwhile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hume_core.errors import ConfigError
from hume_sim.scene import FRAGILE, PILLAR, PLAIN

FIRST_SEED = 10_000_000
"""Scenes of evaluations are none that were recorded."""

_SCENES = 100_000
"""Scenes of one seed. Those of the next seed follow."""

LARGEST_PUSH = 0.03
"""How far a push moves a cube at most, m."""

_TIMING = ("system2_rate", "system2_latency", "system1_rate", "system1_latency")


@dataclass(frozen=True)
class Suite:
    """One evaluation.

    Attributes:
        name: as on the command line.
        tasks: short forms. Episodes take them in turn.
        time_limit: simulated seconds per episode.
        system2_rate: thoughts per second, Hz.
        system2_latency: from observation to chunk, s.
        system1_rate: segments per second, Hz.
        system1_latency: from observation to segment, s.
        disturbances: how many times something happens to the scene or the arm.
        largest_push: of a cube, m.
        hand_force: largest force of the hand that pushes the arm, N. See `hume_sim.pushes`.
        nudge: above 0, no hand pushes the arm: a torque of this standard deviation acts on each joint alike, N m.
        drift: how far a cube moves from its place and back, m.
        drift_period: s.
        scene: one of `hume_sim.scene.SCENES`.
        hasty: share of the demonstrations that a hasty expert gives. See `hume_sim.hasty`.
        chunk_switch: when System 1 changes to a newer chunk. See `hume_system1.chunk_switch`.
    """

    name: str
    tasks: Sequence[str]
    time_limit: float = 15.0
    system2_rate: float = 5.0
    system2_latency: float = 0.10
    system1_rate: float = 20.0
    system1_latency: float = 0.02
    disturbances: int = 0
    largest_push: float = LARGEST_PUSH
    hand_force: float = 20.0
    nudge: float = 0.0
    drift: float = 0.0
    drift_period: float = 8.0
    scene: str = PLAIN
    hasty: float = 0.0
    chunk_switch: str = "at_once"

    def task_of(self, seed: int) -> str:
        """Short form of the task in the scene of a seed."""
        return self.tasks[(seed - FIRST_SEED) % _SCENES % len(self.tasks)]


_HARD = Suite("hard", ("stack",), time_limit=15.0, system2_rate=3.0, system2_latency=0.25, disturbances=5, drift=0.03)

SUITES = {
    suite.name: suite
    for suite in (
        Suite("lift", ("lift",), time_limit=10.0),
        Suite("stack", ("stack",), time_limit=15.0),
        Suite("nominal", ("lift", "stack")),
        Suite("recovery", ("lift",), time_limit=12.0, disturbances=2),
        _HARD,
        replace(_HARD, name="hard_torque", nudge=1.5),
        # Suites in which one has to choose: the demonstrations differ where the observations do not.
        Suite("detour", ("stack",), system2_rate=3.0, system2_latency=0.25, scene=PILLAR),
        Suite("mixed", ("stack",), scene=FRAGILE, hasty=0.5),
    )
}


def find_suite(name: str, **changes: float) -> Suite:
    """A suite by name, with some fields changed.

    Raises:
        ConfigError: unknown name, or a rate or latency out of range.
    """
    if name not in SUITES:
        raise ConfigError(f"suite '{name}' is unknown. Valid: {', '.join(SUITES)}")
    suite = replace(SUITES[name], **changes)  # type: ignore[arg-type]
    if min(suite.system1_rate, suite.system2_rate) <= 0 or min(suite.system1_latency, suite.system2_latency) < 0:
        raise ConfigError("rates must be above 0 and latencies not negative")
    return suite


def scene(seed: int, episode: int, suite: Suite) -> tuple[int, str]:
    """Seed of the scene and short form of the task of an episode, counted from 0."""
    scene_seed = FIRST_SEED + _SCENES * seed + episode
    return scene_seed, suite.task_of(scene_seed)


def timing_arguments(timing: Any) -> str:
    """Rates and latencies as options of `hume evaluate`. What is not finite is left out.

    Args:
        timing: a suite, or something measured that has its four fields.
    """
    values = {name: float(getattr(timing, name)) for name in _TIMING}
    given = [f"--{name.replace('_', '-')} {value:.4g}" for name, value in values.items() if math.isfinite(value)]
    return " ".join(given)
