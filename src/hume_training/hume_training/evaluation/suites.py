"""What is evaluated: tasks, timing, and what happens to the scene meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ConfigError
from hume_sim.arm import ARM_JOINTS
from hume_sim.scene import CUBE_SIZE, CUBES
from hume_sim.world import TabletopWorld
from hume_system1.denoiser_settings import DenoiserSettings

_FRICTION_SPEED = 0.45
"""Speed that friction stops after about 3 cm, m/s; a push of d metres starts with the root of its share of it."""

_LARGEST_PUSH = 0.03

_DRIFT_ROOM = 0.06
"""Smallest distance of a drifting cube's centre from the gripper's tip and from other cubes, m."""


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
        drift: how far a cube wanders from its place and back, m.
        drift_period: s.
        chunk_switch: when System 1 changes to a newer chunk; see `hume_system1.chunk_switch`.
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
    drift: float = 0.0
    drift_period: float = 8.0
    chunk_switch: str = DenoiserSettings.chunk_switch


SUITES = {
    suite.name: suite
    for suite in (
        Suite("lift", ("lift",), time_limit=10.0),
        Suite("stack", ("stack",), time_limit=15.0),
        Suite("nominal", ("lift", "stack")),
        Suite("recovery", ("lift",), time_limit=12.0, disturbances=2),
        Suite("hard", ("stack",), time_limit=15.0, system2_rate=3.0, system2_latency=0.25, disturbances=5, drift=0.03),
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
    """Pushes cubes, lets them drift and nudges the arm, all by the episode's seed.

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
        self._drift = Drift(suite, rng) if suite.drift > 0 else None

    def skip_until(self, elapsed: float) -> None:
        """Leave out what was due before a time into the episode, s."""
        self._next = int(np.searchsorted(self._times, elapsed))
        if self._drift is not None:
            self._drift.skip_until(elapsed)

    def apply(self, world: TabletopWorld) -> None:
        """Do what is due at the world's time."""
        if self._drift is not None:
            self._drift.apply(world)
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


class Drift:
    """Cubes that wander slowly to and fro along a line, as on a table that creeps; touched ones stay.

    Args:
        suite: how far and how fast.
        rng: directions and phases.
    """

    def __init__(self, suite: Suite, rng: np.random.Generator) -> None:
        angle = rng.uniform(-np.pi, np.pi, len(CUBES))
        self._way = suite.drift * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        self._phase = rng.uniform(-np.pi, np.pi, len(CUBES))
        self._pace = 2 * np.pi / suite.drift_period
        self._elapsed = 0.0

    def skip_until(self, elapsed: float) -> None:
        """Go on from a time into the episode, s."""
        self._elapsed = elapsed

    def apply(self, world: TabletopWorld) -> None:
        """Move what is free to move by the way since the last call."""
        before, self._elapsed = self._elapsed, world.elapsed
        poses = {cube: world.cube_pose(cube) for cube in CUBES}
        tip = world.tip_position()
        for i, cube in enumerate(CUBES):
            others = [pose[:3] for name, pose in poses.items() if name != cube] + [tip]
            if not self._free(world, cube, poses[cube], others):
                continue
            share = np.sin(self._pace * self._elapsed + self._phase[i]) - np.sin(self._pace * before + self._phase[i])
            position = poses[cube][:3] + np.append(share * self._way[i], 0.0)
            world.place_cube(cube, position, 2.0 * float(np.arctan2(poses[cube][6], poses[cube][3])))

    @staticmethod
    def _free(
        world: TabletopWorld, cube: str, pose: NDArray[np.float64], others: Sequence[NDArray[np.float64]]
    ) -> bool:
        flat = abs(pose[2] - CUBE_SIZE / 2) < 0.002 and np.abs(pose[4:6]).max() < 0.02
        clear = min(float(np.linalg.norm(pose[:3] - other)) for other in others) > _DRIFT_ROOM
        return bool(flat and clear and world.cube_speed(cube) < 0.02)
