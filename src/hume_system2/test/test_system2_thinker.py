"""Thoughts with fewer candidates: the first ones stay what they are, and so do later thoughts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hume_core.observation import Observation
from hume_system2.model import System2
from hume_system2.thinker import Thinker, ThinkingOptions, ThoughtResult

FIXTURE = Path(__file__).parents[3] / "test" / "fixtures" / "parity" / "dev_a"


@pytest.fixture(scope="module")
def system2() -> System2:
    """A small model."""
    return System2.from_pretrained(FIXTURE)


@pytest.fixture(scope="module")
def observation(system2: System2) -> Observation:
    """Something to think about."""
    return system2.blank_observation()


def thoughts(system2: System2, observation: Observation, *counts: int | None, seed: int) -> list[ThoughtResult]:
    """Of a thinker with five candidates of the same flow times, each with so many candidates."""
    thinker = Thinker(system2, ThinkingOptions(candidates=5, time_temp=(1.0, 1.0), seed=seed))
    return [thinker.think(observation, candidates=count) for count in counts]


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("seed", [0, 7])
def test_the_first_candidates_keep_their_noise(
    system2: System2, observation: Observation, count: int, seed: int
) -> None:
    (few,) = thoughts(system2, observation, count, seed=seed)
    (every,) = thoughts(system2, observation, None, seed=seed)
    assert len(few.candidates) == len(few.values) == count
    np.testing.assert_allclose(few.candidates, every.candidates[:count], atol=1e-5)


@pytest.mark.parametrize("count", [1, 3])
def test_later_thoughts_do_not_depend_on_how_many_were_taken(
    system2: System2, observation: Observation, count: int
) -> None:
    late = thoughts(system2, observation, count, 5, seed=3)[1]
    in_time = thoughts(system2, observation, 5, None, seed=3)[1]
    np.testing.assert_array_equal(late.candidates, in_time.candidates)


def test_all_candidates_have_the_noise_that_the_model_draws(system2: System2, observation: Observation) -> None:
    (mine,) = thoughts(system2, observation, None, seed=11)
    thought = system2.think(observation, 5, (1.0, 1.0), generator=torch.Generator().manual_seed(11))
    np.testing.assert_array_equal(mine.candidates, system2.unnormalise(thought.candidates[0]).numpy())


@pytest.mark.parametrize(("candidates", "taken"), [(1, None), (5, 1)])
@pytest.mark.parametrize("highest", [1.0, 0.95])
def test_a_single_candidate_is_denoised_as_far_as_any(
    system2: System2, observation: Observation, candidates: int, taken: int | None, highest: float
) -> None:
    thinker = Thinker(system2, ThinkingOptions(candidates=candidates, time_temp=(0.5, highest), seed=4))
    one = thinker.think(observation, candidates=taken)
    thought = system2.think(observation, 1, (highest, highest), noise=_noise(system2, candidates)[:1])
    np.testing.assert_array_equal(one.candidates, system2.unnormalise(thought.candidates[0]).numpy())
    assert one.noise_levels.tolist() == thought.noise_levels.tolist()


def _noise(system2: System2, candidates: int) -> torch.Tensor:
    return system2.draw_noise(candidates, 1, torch.Generator().manual_seed(4))


def test_warm_up_prepares_every_number(system2: System2, monkeypatch: pytest.MonkeyPatch) -> None:
    warmed: list[int] = []
    monkeypatch.setattr(System2, "warm_up", lambda self, count, *rest: warmed.append(count))
    thinker = Thinker(system2, ThinkingOptions(candidates=5))
    thinker.warm_up(numbers=(5, 2, 1))
    thinker.warm_up()
    assert warmed == [5, 2, 1, 5]
