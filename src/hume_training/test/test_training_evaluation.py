"""Evaluation: a policy that knows the right motion succeeds under the timing model, a blind one does not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from hume_core.errors import ConfigError
from hume_core.robot import RobotProfile
from hume_sim.sensors import CAMERA_RATE, JOINT_STATE_RATE
from hume_sim.suites import find_suite
from hume_sim.world import TabletopWorld
from hume_system2.choosers import CHOOSERS
from hume_system2.model.thought import Thought, combine
from hume_system2.thinking_cycle import PendingThought, ThinkingCycle
from hume_training.collect.plan import PlannedEpisode
from hume_training.collect.recorder import Recorder, RecorderOptions
from hume_training.evaluation.arm import EPOCH_START
from hume_training.evaluation.episode import Runner
from hume_training.evaluation.oracle import Oracle
from hume_training.evaluation.outcome import EpisodeOutcome
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.rollout import Rollout
from hume_training.evaluation.snapshot import Snapshot
from hume_training.evaluation.value_quality import MomentWatch
from hume_training.evaluation.variants import Variant, find_variant

PROFILE = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots" / "wx250s_sim.yaml"
SEED, TASK = 4, "lift green"
Clock = Callable[[], float]
CONFIG = SimpleNamespace(
    s1_origin="anchor", s2_chunk_size=16, s1_chunk_size=8, max_action_dim=8, action_dim=7, num_candidates=5
)


class KnowingSystem2:
    """Proposes what the expert did in the same scene. Candidate 0 is right, the others stay where they are.

    Args:
        actions: of the expert, 20 Hz.
        clock: when the observation was made, s into the episode.
        best: the candidate that is right.
        praised: the candidate of the highest value. None: the one that is right.
    """

    config = CONFIG

    def __init__(self, actions: np.ndarray, clock: Clock, best: int = 0, praised: int | None = None) -> None:
        self._actions, self._clock, self._best = actions, clock, best
        self._praised = best if praised is None else praised

    def unnormalise(self, rows: torch.Tensor) -> torch.Tensor:
        return rows[..., :7]

    def think(self, observation: Any, candidates: int, time_temp: Any, noise: torch.Tensor, **_: Any) -> Thought:
        frame = round(self._clock() * 20)
        rows = self._actions[np.minimum(frame + np.arange(16), len(self._actions) - 1)].copy()
        rows[:, :6] -= observation.state[0, -1, :6]
        right = torch.nn.functional.pad(torch.from_numpy(rows), (0, 1))
        still = torch.zeros_like(right)
        still[:, 6] = 1.0
        all_rows = torch.stack([right if i == self._best else still for i in range(candidates)])[None]
        values = torch.tensor([[1.0 if i == self._praised else 0.0 for i in range(candidates)]])
        weights = CHOOSERS["value"](all_rows, values, 0.0, None)
        chunk = combine(all_rows, weights)
        return Thought(all_rows, values, weights, chunk, torch.zeros(candidates), torch.ones(candidates))


class PassThrough:
    """Stands in for System 1. Rows are in real units already."""

    config = CONFIG

    def unnormalise(self, rows: Any) -> torch.Tensor:
        return torch.as_tensor(rows)[..., :7]


@pytest.fixture(scope="module")
def actions() -> np.ndarray:
    recorder = Recorder(RecorderOptions(burst_rate=0.0))
    episode = recorder.record(PlannedEpisode(SEED, TASK))
    recorder.close()
    assert episode.success
    return episode.columns["action"]


@pytest.fixture
def observed(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """When the observation was made that is thought about, s into the episode."""
    stamps = [0.0]
    begin = ThinkingCycle.begin

    def noted(cycle: ThinkingCycle, steady: float, now: float) -> PendingThought | None:
        task = begin(cycle, steady, now)
        if task is not None:
            stamps.append(task.frame.stamp)
            # The newest frame of the cameras, with a joint state that may be one period older.
            assert 0.0 <= now - task.frame.stamp < 1.0 / CAMERA_RATE + 1.0 / JOINT_STATE_RATE
        return task

    monkeypatch.setattr(ThinkingCycle, "begin", noted)
    return lambda: stamps[-1] - EPOCH_START * 1e-9


def _rollout(system2: Any, system1: Any, variant: str | Variant = "n1_no_system1", **timing: float) -> Rollout:
    policy = Policy(system2, system1)
    profile = RobotProfile.load(PROFILE).with_action("joint_delta")
    known = find_variant(variant) if isinstance(variant, str) else variant
    return Rollout(policy, profile, find_suite("lift", **{"time_limit": 6.0, **timing}), known)


def _run(system2: KnowingSystem2, variant: str | Variant, **timing: float) -> EpisodeOutcome:
    rollout = _rollout(system2, PassThrough(), variant, **timing)
    outcome = rollout.run(SEED, TASK)
    rollout.close()
    return outcome


@pytest.mark.parametrize("timing", [{}, {"system2_latency": 0.3, "system2_rate": 3.0, "system1_latency": 0.05}])
def test_the_experts_own_chunks_succeed_whatever_the_delay(
    actions: np.ndarray, observed: Clock, timing: dict[str, float]
) -> None:
    outcome = _run(KnowingSystem2(actions, observed), "n1_no_system1", **timing)
    assert outcome.success
    assert outcome.duration < 4.0
    assert outcome.fault == ""


def test_the_chosen_candidate_is_followed(actions: np.ndarray, observed: Clock) -> None:
    system2 = KnowingSystem2(actions, observed, best=3)
    assert _run(system2, "no_system1").success
    assert not _run(system2, "n1_no_system1").success


def test_the_oracle_goes_by_what_comes_of_the_candidates_not_by_their_values(
    actions: np.ndarray, observed: Clock
) -> None:
    by_value = find_variant("no_system1")
    system2 = KnowingSystem2(actions, observed, best=3, praised=1)
    assert not _run(system2, by_value).success
    assert _run(system2, replace(by_value, choice="oracle")).success


def test_the_oracle_is_asked_about_the_moment_of_the_observation(
    actions: np.ndarray, observed: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments: list[tuple[float, float]] = []
    copy = TabletopWorld()

    def best(oracle: Oracle, snapshot: Snapshot, rows: Any, anchor: Any) -> int:
        copy.set_state(snapshot.world)
        moments.append((observed(), copy.elapsed))
        return 0

    monkeypatch.setattr(Oracle, "best", best)
    oracle = replace(find_variant("no_system1"), choice="oracle")
    _run(KnowingSystem2(actions, observed), oracle, system2_latency=0.3, time_limit=1.0)
    copy.close()
    assert [round(seen, 1) for seen, _ in moments] == [0.0, 0.3, 0.6, 0.9]
    # The frame of the cameras is older by at most its period, that of the joint states, and a step of the physics.
    assert all(0.0 <= judged - seen < 0.05 for seen, judged in moments)


def test_an_error_of_the_choice_ends_the_run(
    actions: np.ndarray, observed: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def best(*arguments: Any) -> int:
        raise ValueError("no idea")

    monkeypatch.setattr(Oracle, "best", best)
    with pytest.raises(ValueError, match="no idea"):
        _run(KnowingSystem2(actions, observed), replace(find_variant("no_system1"), choice="oracle"))


class Opening(PassThrough):
    """A System 1 that leaves the arm to the chunk and keeps the gripper open."""

    def __init__(self) -> None:
        self.asked = 0

    def refine(self, observation: Any, rows: np.ndarray, stamp: torch.Tensor, moved: np.ndarray) -> torch.Tensor:
        self.asked += len(rows)
        start = min(int(stamp[0] * 16), 8)
        refined = self.unnormalise(rows[:, start : start + 8]).clone()
        refined[..., 6] = 1.0
        return refined


def test_system1_is_asked_once_per_segment_and_its_answer_is_followed(actions: np.ndarray, observed: Clock) -> None:
    system1 = Opening()
    rollout = _rollout(KnowingSystem2(actions, observed), system1, "full", time_limit=2.98)
    openings = []

    def watch(runner: Runner) -> None:
        openings.append(runner.world.joint_state().position[6])

    outcome = rollout.run(SEED, TASK, watch)
    rollout.close()
    assert not outcome.success
    assert min(openings) > 0.9 * openings[0]
    # At 20 Hz from the first chunk's arrival, 0.1 s into the episode.
    assert system1.asked == 58


def test_choices() -> None:
    candidates = torch.zeros(1, 3, 2, 2)
    candidates[0, 0] += 5.0
    candidates[0, 2] += 1.0
    values = torch.tensor([[3.0, 1.0, 2.0]])
    generator = torch.Generator().manual_seed(0)

    def chosen(variant: str) -> tuple[float, float]:
        weights = CHOOSERS[find_variant(variant).choice](candidates, values, 1e9, generator)
        chunk = combine(candidates, weights)[0]
        assert chunk.shape == (2, 2)
        assert float(weights.sum()) == pytest.approx(1.0)
        return float(chunk.mean()), round(float(weights[0] @ values[0]), 5)

    assert chosen("full") == chosen("mean") == (2.0, 2.0)
    assert chosen("best_value") == (5.0, 3.0)
    assert chosen("medoid") == (1.0, 2.0)
    assert {chosen("random_pick") for _ in range(30)} == {(5.0, 3.0), (0.0, 1.0), (1.0, 2.0)}
    assert find_variant("n12").candidates == 12


@pytest.mark.parametrize("name", ["best", "n0", "n"])
def test_refuses_an_unknown_variant(name: str) -> None:
    with pytest.raises(ConfigError, match=r"is unknown\. Valid: full"):
        find_variant(name)


def test_a_branch_starts_from_the_snapshot(actions: np.ndarray, observed: Clock) -> None:
    rollout = _rollout(KnowingSystem2(actions, observed), PassThrough())
    watch = MomentWatch(1.0)
    assert rollout.run(SEED, TASK, watch).success
    assert watch.snapshot is not None
    rows = np.zeros((16, 8), dtype=np.float32)
    rows[:, 6] = 1.0
    outcome = rollout.branch(watch.snapshot, [rows])[0]
    rollout.close()
    assert outcome.seed == SEED
    assert outcome.duration > 1.0
    assert outcome.fault == ""


def test_branches_leave_the_snapshot_as_it_is(actions: np.ndarray, observed: Clock) -> None:
    rollout = _rollout(KnowingSystem2(actions, observed), PassThrough(), time_limit=2.0)
    watch = MomentWatch(1.0)
    rollout.run(SEED, TASK, watch)
    assert watch.snapshot is not None
    rows = np.zeros((16, 8), dtype=np.float32)
    rows[:, 6] = 1.0
    first = rollout.branch(watch.snapshot, [rows])
    pose = rollout.world.data.qpos.copy()
    assert rollout.branch(watch.snapshot, [rows]) == first
    np.testing.assert_array_equal(rollout.world.data.qpos, pose)
    rollout.close()


def test_episodes_side_by_side_equal_single_ones(actions: np.ndarray, observed: Clock) -> None:
    def outcome(count: int) -> list[EpisodeOutcome]:
        rollout = _rollout(Repeating(KnowingSystem2(actions, observed)), PassThrough())
        found = rollout.run_many([(SEED, TASK)] * count)
        rollout.close()
        return found

    assert outcome(3) == outcome(1) * 3


class Repeating:
    """Asks a policy that thinks about one observation once for each of several."""

    config = CONFIG

    def __init__(self, system2: KnowingSystem2) -> None:
        self._system2 = system2
        self.unnormalise = system2.unnormalise

    def think(self, observation: Any, candidates: int, time_temp: Any, noise: torch.Tensor, **_: Any) -> Thought:
        parts = [
            self._system2.think(SimpleNamespace(state=observation.state[i : i + 1]), candidates, time_temp, noise)
            for i in range(len(observation.task))
        ]
        joined = [
            torch.cat([getattr(part, name) for part in parts]) for name in ("candidates", "values", "weights", "chunk")
        ]
        return Thought(*joined, parts[0].noise_levels, parts[0].euler_steps)
