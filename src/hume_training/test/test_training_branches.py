"""Branches: how they are kept, what is learned from them, and how values are judged by them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from hume_core.errors import ConfigError, DatasetError
from hume_sim.suites import FIRST_SEED, find_suite
from hume_training.data.branches import INFO, Branches, Kind, joined, load_branches, save_part, saved_parts
from hume_training.default_checkpoint import shipped_checkpoint
from hume_training.evaluation.branching import PolicyFinisher, record_branches, run_collect_branches
from hume_training.evaluation.choice_quality import choice_quality
from hume_training.evaluation.counterfactuals import OTHERS, other_cube
from hume_training.evaluation.outcome import EpisodeOutcome
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.recording import RolloutOptions
from hume_training.evaluation.robot import checked_robot
from hume_training.evaluation.variants import find_variant
from hume_training.training.branch_loss import BranchLoss, rank_loss, split
from hume_training.training.config import ValueConfig
from hume_training.training.value import Returns

KINDS = [Kind.CANDIDATE] * 3 + [Kind.OTHER_CUBE, Kind.GRIPPER, Kind.OTHER_SCENE]


def branches(states: int, seconds: list[float] | None = None, episodes: int = 4) -> Branches:
    random = np.random.default_rng(states)
    count = len(KINDS)
    return Branches(
        {"image": random.integers(0, 256, (states, 8, 8, 3), dtype=np.uint8)},
        random.normal(size=(states, 7)).astype(np.float32),
        [f"lift the red cube {i}" for i in range(states)],
        np.arange(states) % episodes,
        random.normal(size=(states, count, 16, 8)).astype(np.float32),
        np.tile(np.array(seconds or [3.0, 4.0, math.inf, 6.0, 7.0, 8.0], np.float32), (states, 1)),
        np.tile(np.array(KINDS, np.int8), (states, 1)),
    )


def finished(folder: Path, *parts: Branches) -> Path:
    for number, part in enumerate(parts):
        save_part(folder, number, part)
    (folder / INFO).write_text("{}")
    return folder


def test_parts_come_back_as_they_were_and_folders_keep_their_episodes_apart(tmp_path: Path) -> None:
    first, second = branches(3), branches(5)
    finished(tmp_path / "one", first, second)
    assert saved_parts(tmp_path / "one") == {0, 1}
    loaded = load_branches(str(tmp_path / "one"))
    expected = joined([first, second])
    for name in ("state", "episodes", "chunks", "seconds", "kinds"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(expected, name))
    np.testing.assert_array_equal(loaded.images["image"], expected.images["image"])
    assert loaded.tasks == expected.tasks
    both = load_branches(f"{tmp_path / 'one'}, {tmp_path / 'one'}")
    assert len(both) == 16
    assert set(both.episodes[:8]).isdisjoint(both.episodes[8:])


def test_what_is_no_branches_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no finished branches"):
        load_branches(str(tmp_path))
    folder = finished(tmp_path / "one", branches(3))
    (folder / INFO).unlink()
    with pytest.raises(DatasetError, match="holds no finished branches"):
        load_branches(str(folder))
    (folder / INFO).write_text("{}")
    path = next(folder.glob("part-*"))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DatasetError, match="is damaged"):
        load_branches(str(folder))
    other = replace(branches(2), chunks=np.zeros((2, 6, 12, 8), np.float32))
    with pytest.raises(DatasetError, match="differ"):
        joined([branches(2), other])


@pytest.mark.parametrize("episodes", [8, 40])
def test_the_split_is_by_episodes_and_more_data_moves_none(episodes: int) -> None:
    seen, held = split(branches(80, episodes=episodes), 0.3)
    assert len(seen) + len(held) == 80
    assert set(seen.episodes).isdisjoint(held.episodes)
    more_seen, more_held = split(branches(160, episodes=2 * episodes), 0.3)
    assert set(seen.episodes) <= set(more_seen.episodes)
    assert set(held.episodes) <= set(more_held.episodes)


def test_a_split_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(DatasetError, match="of 1 episodes"):
        split(branches(10, episodes=1), 0.15)


def test_the_order_of_the_chunks_of_a_state_is_learned() -> None:
    seconds = torch.tensor([[3.0, 3.1, 5.0, math.inf]])
    right, wrong = torch.tensor([4.0, 4.0, 2.0, -9.0]), torch.tensor([-9.0, 2.0, 4.0, 4.0])
    losses = [float(rank_loss(values.expand(2, 1, 4), seconds, 0.2)) for values in (right, torch.zeros(4), wrong)]
    assert losses[0] < 0.15 < losses[1] < losses[2]
    assert losses[1] == pytest.approx(math.log(2.0))
    # Nothing differs: nothing to learn, and no division by zero.
    alike = torch.full((1, 4), 3.0)
    assert float(rank_loss(torch.randn(2, 1, 4), alike, 0.2)) == 0.0
    never = torch.full((1, 4), math.inf)
    values = torch.randn(2, 1, 4, requires_grad=True)
    loss = rank_loss(values, never, 0.2)
    loss.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(values.grad if values.grad is not None else torch.tensor(math.nan)).all()


class Head:
    """Values a chunk by its first number. The feature says nothing."""

    def __init__(self) -> None:
        self.calql = SimpleNamespace(critics=self.critics)

    def critics(self, feature: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        return actions[..., 0].expand(2, *actions.shape[:-1])

    def __call__(self, prefix: Any, chunks: torch.Tensor) -> torch.Tensor:
        return self.critics(torch.zeros(1), self.critic_actions(chunks)).amin(dim=0)

    def state_feature(self, prefix: Any) -> torch.Tensor:
        return torch.zeros(1)

    def critic_actions(self, chunks: torch.Tensor) -> torch.Tensor:
        return chunks[..., 0, :]


def objective(data: Branches) -> BranchLoss:
    config = ValueConfig("data", "out", branches="given", hold_out=0.5)
    sizes = SimpleNamespace(s2_chunk_size=16, max_action_dim=8, next_obs_offset=12, discount=0.98)
    system2: Any = SimpleNamespace(
        config=sizes, value_head=Head(), embed_prefix=lambda observation: None, device=torch.device("cpu")
    )
    return BranchLoss(config, 0, 1, data, system2, 0.05)


def test_returns_count_the_time_itself() -> None:
    loss = objective(branches(8))
    returns = loss.returns(torch.tensor([0.0, 0.3, 0.6, 1.2, math.inf]))
    expected = [0.0, -(1 - 0.98**0.5) / 0.02, -1.0, -1.98, -50.0]
    np.testing.assert_allclose(returns, expected, rtol=1e-4)


def test_values_are_judged_on_what_no_step_sees() -> None:
    data = branches(40, episodes=20)
    # The first number of a chunk is what it is worth in the held-out half alone.
    loss = objective(data)
    held = np.isin(data.episodes, loss.held_out.episodes)
    data.chunks[..., 0, 0] = np.where(held[:, None], -np.minimum(data.seconds, 12.0), np.minimum(data.seconds, 12.0))
    loss = objective(data)
    quality = loss.quality()
    assert quality["within"] == pytest.approx(1.0)
    assert quality["wrong_cube_ranked"] == quality["wrong_gripper_ranked"] == quality["other_scene_ranked"] == 1.0
    assert quality["regret_s"] == 0.0
    error, rank = loss.losses(0, torch.Generator().manual_seed(0))
    assert float(rank) > 1.0, "on the half that it learns from the order is the wrong way round"
    assert torch.isfinite(error)


def test_chunks_of_another_policy_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"are \[12, 8\]. Those of the policy are \[16, 8\]"):
        objective(replace(branches(8), chunks=np.zeros((8, 6, 12, 8), np.float32)))


def test_figures_of_known_values() -> None:
    seconds = np.array([[2.0, 3.0, 4.0, 9.0, 2.9, np.inf], [2.0, 2.1, 2.05, 5.0, 6.0, 7.0]])
    kinds = np.tile(np.array(KINDS), (2, 1))
    values = np.array([[1.0, 3.0, 2.0, 2.5, 9.0, 0.0], [0.0, 1.0, 2.0, -1.0, -2.0, 3.0]])
    quality = choice_quality(values, seconds, kinds)
    assert quality["within"] == pytest.approx(-0.5), "the second state's candidates do not differ"
    # Pairs in which the other chunk is clearly worse: three and three with the cube, two and three with the gripper.
    assert quality["wrong_cube_ranked"] == pytest.approx(4 / 6)
    assert quality["wrong_gripper_ranked"] == pytest.approx(3 / 4)
    assert quality["other_scene_ranked"] == pytest.approx(3 / 6)
    assert quality["regret_s"] == pytest.approx((1.0 + 0.05) / 2)
    assert quality["regret_random_s"] == pytest.approx((1.0 + 0.05) / 2)


def test_what_cannot_be_said_is_not_a_number() -> None:
    data = branches(2, seconds=[3.0] * 6)
    quality = choice_quality(np.zeros((2, 6)), data.seconds, data.kinds)
    assert math.isnan(quality["within"])
    assert math.isnan(quality["wrong_cube_ranked"])


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("stack the red cube on the blue cube", "stack the green cube on the blue cube"),
        ("lift the blue cube", "lift the red cube"),
    ],
)
def test_the_other_instruction_names_a_cube_that_is_not_meant(instruction: str, expected: str) -> None:
    assert other_cube(instruction) == expected


def test_an_instruction_of_another_world_has_no_other_cube() -> None:
    with pytest.raises(ConfigError, match="none of the simulated tasks"):
        other_cube("open the drawer")


@pytest.mark.parametrize(
    ("field", "value"), [("hold_out", 0.0), ("hold_out", 1.0), ("branch_states", 0), ("rank_weight", -1.0)]
)
def test_impossible_fields_are_refused(field: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"'{field}' is {value}"):
        ValueConfig("data", "out", **{field: value})  # type: ignore[arg-type]


def episode(lengths: list[int], reached: list[int]) -> Any:
    """Episodes that reach success after so many frames. Negative: never."""
    starts = np.cumsum([0, *lengths[:-1]])
    success = np.zeros(sum(lengths), bool)
    for start, length, at in zip(starts, lengths, reached, strict=True):
        if at >= 0:
            success[start + at : start + length] = True
    ends = np.concatenate([np.full(n, start + n - 1) for start, n in zip(starts, lengths, strict=True)])
    of = np.repeat(np.arange(len(lengths)), lengths)
    return SimpleNamespace(success=success, starts=starts, lengths=lengths, episode_of=of, ends=ends)


@pytest.mark.parametrize("stride", [4, 12])
def test_exact_time_differs_within_a_transition_and_agrees_at_whole_ones(stride: int) -> None:
    data = episode([40, 40], [36, -1])
    frames = np.arange(37)
    whole, exact = (Returns(data, stride, 0.98, kind).at(frames) for kind in (False, True))
    from_the_end = np.arange(36, -1, -stride)
    np.testing.assert_allclose(whole[2][from_the_end], exact[2][from_the_end], rtol=1e-6)
    assert len(set(whole[2].tolist())) == 36 // stride + 1
    assert len(set(exact[2].tolist())) == 37
    # The return is the reward and what follows, in either way to count.
    for _, rewards, returns, masks in (whole, exact):
        later = np.clip(frames + stride, 0, 36)
        np.testing.assert_allclose(returns, rewards + 0.98 * masks * returns[later], rtol=1e-5, atol=1e-6)
    failed = Returns(data, stride, 0.98, True).at(np.arange(40, 80))
    assert set(failed[2].tolist()) == {-50.0}
    assert (failed[3] == 1.0).all()


def test_branches_of_a_real_policy() -> None:
    checkpoint = str(shipped_checkpoint("wx250s_tabletop"))
    policy, profile = Policy.load(checkpoint), checked_robot(checkpoint, "wx250s_sim")
    suite = find_suite("mixed", time_limit=0.7)
    scenes = [(FIRST_SEED + k, "lift red") for k in range(2)]
    found = joined(record_branches(policy, profile, suite, find_variant("random_pick2"), scenes, 5))
    count = 2 + 3 * OTHERS
    assert found.chunks.shape[1:] == (count, 16, 8)
    assert found.kinds[0].tolist() == [0] * 2 + [kind for kind in (1, 2, 3) for _ in range(OTHERS)]
    assert set(found.episodes) <= {seed for seed, _ in scenes}
    assert set(found.images) == set(policy.system2.config.camera_keys)
    finite = np.isfinite(found.seconds)
    assert finite[:, :2].any()
    assert (found.seconds[finite] > 0.0).all()
    closed, opened = found.chunks[:, 2 + OTHERS], found.chunks[:, 3 + OTHERS]
    np.testing.assert_array_equal(np.delete(closed, 6, axis=2), np.delete(found.chunks[:, 0], 6, axis=2))
    for chunks, opening in ((closed, 0.0), (opened, 1.0)):
        real = policy.system2.unnormalise(torch.from_numpy(chunks))[..., 6]
        torch.testing.assert_close(real, torch.full_like(real, opening), atol=1e-4, rtol=0)


def test_where_the_policy_goes_on_its_time_counts_from_the_observation() -> None:
    ends = [EpisodeOutcome(1, "lift red", success, 4.5, False, ()) for success in (True, False)]
    world = SimpleNamespace(elapsed=0.0, set_state=lambda state: setattr(world, "elapsed", state))
    rollout: Any = SimpleNamespace(world=world, branch=lambda snapshot, chunks: ends[: len(chunks)])
    snapshot: Any = SimpleNamespace(world=1.5)
    times = PolicyFinisher(rollout).times(snapshot, [np.zeros((16, 8), np.float32)] * 2, np.zeros(6))
    assert times == [3.0, math.inf]


def test_nobody_else_goes_on(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nobody called 'teacher' can go on after a chunk"):
        run_collect_branches(RolloutOptions(tmp_path, "nowhere"), 4, "teacher")
