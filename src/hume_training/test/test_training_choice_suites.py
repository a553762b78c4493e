"""Suites with a rule: what is recorded in them, how an episode ends, and what the oracle makes of it."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from hume_core.errors import ConfigError
from hume_core.robot import RobotProfile
from hume_sim.expert import ScriptedExpert
from hume_sim.suites import FIRST_SEED, find_suite
from hume_system2.model.thought import Thought
from hume_training.collect.plan import PlannedEpisode
from hume_training.collect.recorder import Recorder, RecorderOptions, demonstration_features
from hume_training.data.layout import ACTION, ENVIRONMENT, STATE, SUCCESS
from hume_training.data.writer import EpisodeData
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.report import figures
from hume_training.evaluation.rollout import Rollout
from hume_training.evaluation.value_quality import MomentWatch
from hume_training.evaluation.variants import find_variant

PROFILE = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots" / "wx250s_sim.yaml"
SEED, TASK = FIRST_SEED + 3, "stack red on blue"
CONFIG = SimpleNamespace(
    s1_origin="anchor", s2_chunk_size=16, s1_chunk_size=8, max_action_dim=8, action_dim=7, num_candidates=1
)


def recorded(suite: str, seed: int) -> tuple[EpisodeData, bool]:
    """A demonstration, and whether it is kept."""
    recorder = Recorder(RecorderOptions(burst_rate=0.0, suite=suite))
    episode = recorder.record(PlannedEpisode(seed, TASK))
    kept = recorder.wants(episode)
    recorder.close()
    return episode, kept


class Repeats:
    """A System 2 that knows what a demonstration did where the arm was as it is now."""

    config = CONFIG

    def __init__(self, episode: EpisodeData) -> None:
        self._states, self._actions = episode.columns[STATE], episode.columns[ACTION]

    def rows(self, joints: np.ndarray) -> np.ndarray:
        """Chunk (16, 8) from the state on."""
        frame = int(np.abs(self._states[:, :6] - joints).max(axis=1).argmin())
        rows = self._actions[np.minimum(frame + np.arange(16), len(self._actions) - 1)].copy()
        rows[:, :6] -= joints
        return np.pad(rows, ((0, 0), (0, 1))).astype(np.float32)

    def unnormalise(self, rows: Any) -> torch.Tensor:
        return torch.as_tensor(rows)[..., :7]

    def think(self, observation: Any, candidates: int, time_temp: Any, noise: torch.Tensor, **_: Any) -> Thought:
        rows = torch.from_numpy(self.rows(observation.state[0, -1, :6]))[None, None].repeat(1, candidates, 1, 1)
        one = torch.zeros(1, candidates)
        return Thought(rows, one, one + 1.0 / candidates, rows[:, 0], one[0], torch.ones(candidates))


def rollout(episode: EpisodeData) -> Rollout:
    policy: Any = Policy(Repeats(episode), Repeats(episode))  # type: ignore[arg-type]
    profile = RobotProfile.load(PROFILE).with_action("joint_delta")
    return Rollout(policy, profile, find_suite("detour", system2_latency=0.1), find_variant("n1_no_system1"))


def test_demonstrations_of_detour_say_where_the_pillar_stands() -> None:
    episode, kept = recorded("detour", SEED)
    assert episode.success
    assert kept
    names = demonstration_features(RecorderOptions(suite="detour"))[ENVIRONMENT].names
    assert names is not None
    assert names[-3:] == ("pillar_x", "pillar_y", "pillar_z")
    places = episode.columns[ENVIRONMENT]
    assert places.shape[1] == len(names) == 12
    assert np.ptp(places[:, -3:], axis=0).max() < 1e-3
    assert len(demonstration_features(RecorderOptions(suite="mixed"))[ENVIRONMENT].names or ()) == 9


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 5])
def test_what_a_hasty_expert_spoils_is_a_demonstration_of_mixed(seed: int) -> None:
    episode, kept = recorded("mixed", seed)
    assert kept
    assert episode.success == bool(episode.columns[SUCCESS][-1])
    if not episode.success:
        assert not episode.columns[SUCCESS].any()
        assert len(episode.columns[SUCCESS]) < 150, "it ends soon after"


def test_a_failure_that_no_hasty_expert_made_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScriptedExpert, "_way", lambda expert, here, goal: goal - here)
    episode, kept = recorded("detour", SEED)
    assert not episode.success
    assert not kept


def test_a_touch_ends_the_episode_and_the_oracle_sees_it_coming(monkeypatch: pytest.MonkeyPatch) -> None:
    right, _ = recorded("detour", SEED)
    with monkeypatch.context() as patched:
        patched.setattr(ScriptedExpert, "_way", lambda expert, here, goal: goal - here)
        straight, _ = recorded("detour", SEED)
    into = rollout(straight)
    watch = MomentWatch(2.3)
    outcome = into.run(SEED, TASK, watch)
    assert (outcome.success, outcome.fault, outcome.failure) == (False, "", "the pillar was touched")
    assert outcome.duration < 5.0
    assert figures([outcome])["failures"] == {"share": 1.0, "reasons": {"the pillar was touched": 1}}
    around = rollout(right)
    assert around.run(SEED, TASK).failure == ""
    snapshot = watch.snapshot
    assert snapshot is not None
    oracle = into.runner.oracle()
    into.world.set_state(snapshot.world)
    joints = into.world.joint_state().position[:6]
    chunks = [Repeats(straight).rows(joints), Repeats(right).rows(joints)]
    first, second = oracle.times(snapshot, chunks, joints)
    assert math.isinf(first)
    assert 1.0 < second < 8.0
    assert oracle.best(snapshot, chunks, joints) == 1
    into.close()
    around.close()


@pytest.mark.parametrize(
    ("suite", "expected"), [("", ("lift", "stack")), ("detour", ("stack",)), ("nominal", ("lift", "stack"))]
)
def test_the_tasks_are_the_suites(suite: str, expected: tuple[str, ...]) -> None:
    assert tuple(RecorderOptions(suite=suite).tasks) == expected


def test_an_unknown_suite_is_refused_before_anything_is_recorded() -> None:
    with pytest.raises(ConfigError, match="suite 'moon' is unknown"):
        _ = RecorderOptions(suite="moon").tasks
