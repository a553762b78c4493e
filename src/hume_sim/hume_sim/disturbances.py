"""What happens to scene and arm during an episode of a suite."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hume_sim.arm import ARM_JOINTS
from hume_sim.pushes import Hand, Nudge, Push
from hume_sim.scene import CUBE_SIZE, CUBES
from hume_sim.suites import LARGEST_PUSH, Suite
from hume_sim.world import TabletopWorld

PERIOD = 0.01
"""Simulated time between two calls of `Disturbances.apply`, s. The same everywhere, so that episodes are the same."""

_PUSH_SECONDS = 0.15
"""How long a push of the arm lasts, s."""

_FRICTION_SPEED = 0.45
"""Speed that friction stops after about 3 cm, m/s. A push of d metres starts with the root of its share of it."""

_DRIFT_ROOM = 0.06
"""Smallest distance of a drifting cube's centre from the gripper's tip and from other cubes, m."""


class Disturbances:
    """Pushes cubes, lets them drift and pushes an arm, all by the episode's seed.

    Args:
        suite: how many and how strong.
        seed: of the episode.
        begin: when the task began, s after the world's reset. Times count from there.
    """

    def __init__(self, suite: Suite, seed: int, begin: float = 0.0) -> None:
        rng = np.random.default_rng([seed, 5])
        count = suite.disturbances
        self._begin = begin
        self._times = np.sort(rng.uniform(0.5, 6.0, count))
        self._cubes = rng.integers(0, len(CUBES), count)
        angle = rng.uniform(-np.pi, np.pi, count)
        speed = _FRICTION_SPEED * np.sqrt(rng.uniform(0.3, 1.0, count) * suite.largest_push / LARGEST_PUSH)
        self._velocity = speed[:, None] * np.stack([np.cos(angle), np.sin(angle), np.zeros(count)], axis=1)
        # Drawn in every suite, so that suites that differ by the push alone are otherwise the same.
        torques: NDArray[np.float64] = rng.normal(0.0, suite.nudge, (count, len(ARM_JOINTS)))
        self._is_push = rng.random(count) < 0.4
        self._drift = Drift(suite, rng) if suite.drift > 0 else None
        hand_rng = np.random.default_rng([seed, 6])
        self._pushes: list[Push] = [Hand.draw(hand_rng, suite.hand_force) for _ in range(count)]
        if suite.nudge > 0:
            self._pushes = [Nudge(torque) for torque in torques]
        # Of several arms, the one that a push meets: a share of them, whatever their number.
        self._pushed = np.random.default_rng([seed, 7]).random(count)
        self._arm = 0
        self._next = 0
        # Over at the first call, which takes off what the snapshot of another episode may still bear.
        self._push: Push | None = Nudge(np.zeros(len(ARM_JOINTS)))
        self._torque, self._release = np.zeros(len(ARM_JOINTS)), 0.0

    def skip_until(self, elapsed: float) -> None:
        """Leave out what was due before a time into the episode, s."""
        self._next = int(np.searchsorted(self._times, elapsed))
        if self._drift is not None:
            self._drift.skip_until(elapsed)

    def apply(self, world: TabletopWorld) -> None:
        """Do what is due at the world's time. To be called every `PERIOD`."""
        elapsed = world.elapsed - self._begin
        if self._drift is not None:
            self._drift.apply(world, elapsed)
        if self._push is not None:
            self._load(world, self._push, elapsed)
        if self._next < len(self._times) and elapsed >= self._times[self._next]:
            self._begin_next(world, elapsed)

    def _begin_next(self, world: TabletopWorld, elapsed: float) -> None:
        i, self._next = self._next, self._next + 1
        if not self._is_push[i]:
            world.push_cube(CUBES[self._cubes[i]], self._velocity[i])
            return
        self._push, self._release = self._pushes[i], elapsed + _PUSH_SECONDS
        self._arm = int(self._pushed[i] * len(world.arms))
        self._torque = self._push.torques(world, self._arm)
        self._load(world, self._push, elapsed)

    def _load(self, world: TabletopWorld, push: Push, elapsed: float) -> None:
        """Put on the arm what is due of a push. Take it off at its end."""
        if elapsed >= self._release:
            for arm in range(len(world.arms)):
                world.push_arm(np.zeros(len(ARM_JOINTS)), arm)
            self._push = None
            return
        share = 1.0 - (self._release - elapsed) / _PUSH_SECONDS
        world.push_arm(push.strength(share) * self._torque, self._arm)


class Drift:
    """Cubes that move slowly to and fro along a line, as on a moving table. Touched ones stay.

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

    def apply(self, world: TabletopWorld, elapsed: float) -> None:
        """Move what is free to move by the way since the last call. Elapsed since the episode's start, s."""
        before, self._elapsed = self._elapsed, elapsed
        poses = {cube: world.cube_pose(cube) for cube in CUBES}
        tips = world.tip_positions()
        shares = np.sin(self._pace * self._elapsed + self._phase) - np.sin(self._pace * before + self._phase)
        for i, cube in enumerate(CUBES):
            others = [pose[:3] for name, pose in poses.items() if name != cube] + tips
            if not self._free(world, cube, poses[cube], others):
                continue
            position = poses[cube][:3] + np.append(shares[i] * self._way[i], 0.0)
            world.place_cube(cube, position, 2.0 * float(np.arctan2(poses[cube][6], poses[cube][3])))

    @staticmethod
    def _free(
        world: TabletopWorld, cube: str, pose: NDArray[np.float64], others: Sequence[NDArray[np.float64]]
    ) -> bool:
        flat = abs(pose[2] - CUBE_SIZE / 2) < 0.002 and abs(pose[4]) < 0.02 and abs(pose[5]) < 0.02
        if not flat or world.cube_speed(cube) >= 0.02:
            return False
        return all(np.linalg.norm(pose[:3] - other) > _DRIFT_ROOM for other in others)
