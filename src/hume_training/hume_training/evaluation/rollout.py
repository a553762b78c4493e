"""Many episodes of one variant at once. Their thoughts and segments are computed as one batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_kinematics
from hume_sim.sensors import PictureMaker
from hume_sim.suites import Suite
from hume_sim.world import TabletopWorld
from hume_system2.model.thought import Thought
from hume_training.collect.recorder import CAMERA_SIZE
from hume_training.evaluation.engine import BatchEngine
from hume_training.evaluation.episode import Episode, Runner, Watch
from hume_training.evaluation.oracle import MakeDecider
from hume_training.evaluation.outcome import EpisodeOutcome
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.snapshot import Snapshot
from hume_training.evaluation.variants import Variant


class Rollout:
    """Plays episodes of one variant.

    Args:
        policy: what acts.
        profile: the robot. Its action space must be the policy's.
        suite: timing and disturbances.
        variant: how to think and act.
        seed: moves the noise.
        decide: makes what chooses among candidates in place of the variant, one for each episode that runs at once.
    """

    def __init__(
        self,
        policy: Policy,
        profile: RobotProfile,
        suite: Suite,
        variant: Variant,
        seed: int = 0,
        decide: MakeDecider | None = None,
    ) -> None:
        self._batch = BatchEngine(policy, variant)
        self._scene = suite.scene
        self._maker = PictureMaker(CAMERA_SIZE, CAMERA_SIZE)
        kinematics = load_kinematics(profile) if profile.action_space.needs_kinematics else None
        self._settings = self._batch, profile, suite, variant, seed, self._maker, kinematics, decide
        self._runners = [self._new_runner()]

    @property
    def runner(self) -> Runner:
        """Of a single episode."""
        return self._runners[0]

    @property
    def world(self) -> TabletopWorld:
        """The world of a single episode."""
        return self.runner.world

    def worlds(self, count: int) -> list[TabletopWorld]:
        """The worlds that `count` episodes at once take place in."""
        while len(self._runners) < count:
            self._runners.append(self._new_runner())
        return [runner.world for runner in self._runners[:count]]

    def _new_runner(self) -> Runner:
        return Runner(TabletopWorld(CAMERA_SIZE, CAMERA_SIZE, self._scene), *self._settings)

    def run(self, seed: int, task: str, watch: Watch = None) -> EpisodeOutcome:
        """One episode. See `Runner.run`."""
        return self.run_many([(seed, task)], [watch])[0]

    def run_many(
        self, scenes: Sequence[tuple[int, str]], watches: Sequence[Watch] | None = None
    ) -> list[EpisodeOutcome]:
        """Episodes of several scenes (seed, task), side by side."""
        watches = watches or [None] * len(scenes)
        self.worlds(len(scenes))
        return self.play(
            [runner.run(*scene, watch) for runner, scene, watch in zip(self._runners, scenes, watches, strict=False)]
        )

    def branch(self, snapshot: Snapshot, chunks: Sequence[NDArray[np.float32]], draw: int = 0) -> list[EpisodeOutcome]:
        """Go on from a snapshot with each of several first chunks (H, A). See `Runner.branch`."""
        self.worlds(len(chunks))
        runners = zip(self._runners, chunks, strict=False)
        return self.play([runner.branch(snapshot, rows, draw) for runner, rows in runners])

    def think_at(self, snapshot: Snapshot) -> Thought:
        """Candidates and values at a snapshot."""
        thought = self._batch.think(self.runner.thought_at(snapshot))
        self._batch.compute()
        return thought.result()

    def play(self, episodes: Sequence[Episode]) -> list[EpisodeOutcome]:
        """Step the episodes as far as each can go, answer what they wait for, and so on until all are over."""
        outcomes: dict[int, EpisodeOutcome] = {}
        running = dict(enumerate(episodes))
        while running:
            for i, episode in list(running.items()):
                try:
                    while next(episode).done():
                        pass
                except StopIteration as end:
                    outcomes[i] = end.value
                    del running[i]
            self._batch.compute()
        return [outcomes[i] for i in range(len(episodes))]

    def close(self) -> None:
        """Free the GL contexts."""
        self._maker.close()
        for runner in self._runners:
            runner.world.close()
