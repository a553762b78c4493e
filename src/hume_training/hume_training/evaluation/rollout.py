"""Many episodes of one variant at once; their thoughts and segments are computed as one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.robot import RobotProfile
from hume_sim.suites import Suite
from hume_sim.world import TabletopWorld, WorldState
from hume_system2.model.thought import Thought
from hume_training.collect.recorder import CAMERA_SIZE
from hume_training.evaluation.episode import Episode, Outcome, Request, Runner, ThoughtRequest, Watch
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.variants import Variant


class Rollout:
    """Plays episodes of one variant.

    Args:
        policy: what acts.
        profile: the robot; its action space must be the policy's.
        suite: timing and disturbances.
        variant: how to think and act.
        seed: moves the noise.
    """

    def __init__(self, policy: Policy, profile: RobotProfile, suite: Suite, variant: Variant, seed: int = 0) -> None:
        self._policy, self._variant = policy, variant
        self._settings = policy, profile, suite, variant, seed
        self._runners = [Runner(TabletopWorld(CAMERA_SIZE, CAMERA_SIZE), *self._settings)]

    @property
    def world(self) -> TabletopWorld:
        """The world of a single episode."""
        return self._runners[0].world

    def worlds(self, count: int) -> list[TabletopWorld]:
        """The worlds that `count` episodes at once take place in."""
        while len(self._runners) < count:
            self._runners.append(Runner(TabletopWorld(CAMERA_SIZE, CAMERA_SIZE), *self._settings))
        return [runner.world for runner in self._runners[:count]]

    def run(self, seed: int, task: str, watch: Watch = None) -> Outcome:
        """One episode; see `Runner.run`."""
        return self.run_many([(seed, task)], [watch])[0]

    def run_many(self, scenes: Sequence[tuple[int, str]], watches: Sequence[Watch] | None = None) -> list[Outcome]:
        """Episodes of several scenes (seed, task), side by side."""
        watches = watches or [None] * len(scenes)
        self.worlds(len(scenes))
        return self._play(
            [runner.run(*scene, watch) for runner, scene, watch in zip(self._runners, scenes, watches, strict=False)]
        )

    def branch(self, state: WorldState, chunks: Sequence[NDArray[np.float32]], draw: int = 0) -> list[Outcome]:
        """Go on from a snapshot with each of several first chunks (H, A); see `Runner.branch`."""
        self.worlds(len(chunks))
        runners = zip(self._runners, chunks, strict=False)
        return self._play([runner.branch(state, rows, draw) for runner, rows in runners])

    def think_at(self, state: WorldState) -> Thought:
        """Candidates and values at a snapshot."""
        return self._policy.think([self._runners[0].thought_at(state)], self._variant.time_temp)[0]

    def _play(self, episodes: Sequence[Episode]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        pending: dict[int, Request] = {}
        answers: dict[int, Any] = dict.fromkeys(range(len(episodes)))
        while answers:
            for i, answer in answers.items():
                try:
                    pending[i] = episodes[i].send(answer)
                except StopIteration as end:
                    outcomes[i] = end.value
                    pending.pop(i, None)
            answers = self._answers(pending)
        return [outcomes[i] for i in range(len(episodes))]

    def _answers(self, pending: dict[int, Request]) -> dict[int, Any]:
        thoughts = {i: request for i, request in pending.items() if isinstance(request, ThoughtRequest)}
        segments = {i: request for i, request in pending.items() if not isinstance(request, ThoughtRequest)}
        answers: dict[int, Any] = {}
        if thoughts:
            found = self._policy.think(list(thoughts.values()), self._variant.time_temp)
            answers |= dict(zip(thoughts, found, strict=True))
        if segments:
            answers |= dict(zip(segments, self._policy.refine(list(segments.values())), strict=True))
        return answers

    def close(self) -> None:
        """Free the GL contexts."""
        for runner in self._runners:
            runner.world.close()


def with_action_space(profile: RobotProfile, space: str) -> RobotProfile:
    """The profile with another action space."""
    content: dict[str, Any] = profile.model_dump(mode="json")
    content["action"]["space"] = space
    return RobotProfile.model_validate(content)
