"""What is evaluated: tasks, timing, and what happens to the scene meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ConfigError
from hume_sim.arm import ARM_JOINTS
from hume_sim.scene import CUBES
from hume_sim.world import TabletopWorld

_FRICTION_SPEED = 0.45
"""Speed that friction stops after about 3 cm, m/s; a push of d metres starts with the root of its share of it."""

_LARGEST_PUSH = 0.03


@dataclass(frozen=True)
class Suite:
    """One evaluation.

    Attributes:
        name: as on the command line.
        tasks: short forms; episodes take them in turn.
        time_limit: simulated seconds per episode.
        system2_rate: thoughts per second, Hz.
        system2_latency: from observation to chunk, s.
        system1_rate: segments per second, Hz.
        system1_latency: from observation to segment, s.
        disturbances: how many times something happens to the scene or the arm.
        largest_push: of a cube, m.
        nudge: standard deviation of the torque on each arm joint, N m.
    """

    name: str
    tasks: Sequence[str]
    time_limit: float = 15.0
    system2_rate: float = 5.0
    system2_latency: float = 0.10
    system1_rate: float = 20.0
    system1_latency: float = 0.02
    disturbances: int = 0
    largest_push: float = _LARGEST_PUSH
    nudge: float = 1.5


SUITES = {
    suite.name: suite
    for suite in (
        Suite("lift", ("lift",), time_limit=10.0),
        Suite("stack", ("stack",), time_limit=15.0),
        Suite("nominal", ("lift", "stack")),
        Suite("hard", ("stack",), time_limit=20.0, system2_rate=3.0, system2_latency=0.25, disturbances=3),
    )
}


def find_suite(name: str, **changes: float) -> Suite:
    """A suite by name, with some fields changed.

    Raises:
        ConfigError: unknown name, or a rate or latency out of range.
    """
    if name not in SUITES:
        raise ConfigError(f"suite '{name}' is unknown; valid: {', '.join(SUITES)}")
    suite = replace(SUITES[name], **changes)  # type: ignore[arg-type]
    if min(suite.system1_rate, suite.system2_rate) <= 0 or min(suite.system1_latency, suite.system2_latency) < 0:
        raise ConfigError("rates must be above 0 and latencies not negative")
    return suite


class Disturbances:
    """Pushes cubes and nudges the arm at seeded moments of an episode.

    Args:
        suite: how many and how strong.
        seed: of the episode.
    """

    def __init__(self, suite: Suite, seed: int) -> None:
        rng = np.random.default_rng([seed, 5])
        count = suite.disturbances
        self._times = np.sort(rng.uniform(0.5, 6.0, count))
        self._cubes = rng.integers(0, len(CUBES), count)
        angle = rng.uniform(-np.pi, np.pi, count)
        speed = _FRICTION_SPEED * np.sqrt(rng.uniform(0.3, 1.0, count) * suite.largest_push / _LARGEST_PUSH)
        self._velocity = speed[:, None] * np.stack([np.cos(angle), np.sin(angle), np.zeros(count)], axis=1)
        self._torque: NDArray[np.float64] = rng.normal(0.0, suite.nudge, (count, len(ARM_JOINTS)))
        self._is_nudge = rng.random(count) < 0.4
        self._next, self._release = 0, float("inf")

    def apply(self, world: TabletopWorld) -> None:
        """Do what is due at the world's time."""
        if world.elapsed >= self._release:
            world.push_arm(np.zeros(len(ARM_JOINTS)))
            self._release = float("inf")
        if self._next < len(self._times) and world.elapsed >= self._times[self._next]:
            if self._is_nudge[self._next]:
                world.push_arm(self._torque[self._next])
                self._release = world.elapsed + 0.15
            else:
                world.push_cube(CUBES[self._cubes[self._next]], self._velocity[self._next])
            self._next += 1
