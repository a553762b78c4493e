"""Variants: each is what its name says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from hume_core.errors import ConfigError
from hume_core.observation import Observation
from hume_sim.suites import find_suite
from hume_system2.model import System2
from hume_training.evaluation.engine import EpisodeEngine
from hume_training.evaluation.outcome import EpisodeOutcome
from hume_training.evaluation.run import DEFAULT_VARIANTS, EvaluateOptions, summarise
from hume_training.evaluation.variants import VARIANTS, Variant, find_variant

FIXTURE = Path(__file__).parents[3] / "test" / "fixtures" / "parity" / "dev_a"
REPORTED = ("full", "n1", "one_of_n", "mean", "best_value", "zero_noise", "medoid", "random_pick", "no_system1")


@pytest.fixture(scope="module")
def system2() -> System2:
    return System2.from_pretrained(FIXTURE)


def observation() -> Observation:
    random = np.random.default_rng(0)
    images = {key: random.integers(0, 256, (1, 40, 50, 3), dtype=np.uint8) for key in ("image", "wrist_image")}
    return Observation(images, random.normal(size=(1, 1, 8)).astype(np.float32), ["open the drawer"])


def candidates(system2: System2, variant: Variant, noise: torch.Tensor, count: int) -> torch.Tensor:
    return system2.think(observation(), count, variant.time_temp, noise=noise * variant.noise_scale).candidates


@pytest.mark.parametrize("schedule", ["start_times", "noise_levels"])
def test_one_of_n_is_the_first_candidate_and_n1_is_denoised_to_the_end(system2: System2, schedule: str) -> None:
    system2.config = replace(system2.config, noise_schedule=schedule)
    noise = torch.randn(5, 1, 16, 32, generator=torch.Generator().manual_seed(0))
    all_of_them = candidates(system2, find_variant("full"), noise, 5)
    one, alone = find_variant("one_of_n"), find_variant("n1")
    assert one.candidates == alone.candidates == 1
    torch.testing.assert_close(candidates(system2, one, noise[:1], 1), all_of_them[:, :1], rtol=1e-4, atol=1e-4)
    thought = system2.think(observation(), 1, alone.time_temp, noise=noise[:1])
    assert thought.noise_levels.tolist() == [0.0]
    assert not torch.allclose(thought.candidates, all_of_them[:, :1], atol=1e-2)


@pytest.mark.parametrize(("name", "scale"), [("zero_noise", 0.0), ("low_noise", 0.2), ("n1", 1.0)])
def test_the_noise_that_a_candidate_starts_from(name: str, scale: float) -> None:
    config = SimpleNamespace(num_candidates=5, s2_chunk_size=16, max_action_dim=8)
    batch: Any = SimpleNamespace(policy=SimpleNamespace(system2=SimpleNamespace(config=config)))
    request = EpisodeEngine(batch, lambda *_: None, find_variant(name), seed=3).request(observation())  # type: ignore[arg-type, return-value]
    drawn = torch.randn(1, 1, 16, 8, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(request.noise, scale * drawn)


@pytest.mark.parametrize(
    ("name", "base", "count"),
    [("n8", "full", 8), ("mean8", "mean", 8), ("oracle5", "oracle", 5), ("best_value16", "best_value", 16)],
)
def test_a_number_of_candidates_may_follow_a_name(name: str, base: str, count: int) -> None:
    assert find_variant(name) == replace(VARIANTS[base], name=name, candidates=count)


@pytest.mark.parametrize("name", ["full3", "n0", "mean0", "swapped2", "8", ""])
def test_a_number_behind_another_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"is unknown\. Valid: full"):
        find_variant(name)


def test_the_table_has_every_simple_choice_beside_full() -> None:
    assert DEFAULT_VARIANTS == REPORTED


@pytest.mark.parametrize("order", [("full", "n1", "mean"), ("n1", "mean", "full"), ("mean", "full", "n1")])
def test_differences_are_those_of_full_in_any_order(order: tuple[str, ...]) -> None:
    outcome = EpisodeOutcome(1, "lift red", True, 3.0, False, ())
    results = {"full": [True] * 8, "n1": [True] * 4 + [False] * 4, "mean": [False] * 8}
    outcomes = {name: [replace(outcome, success=success) for success in results[name]] for name in order}
    report = summarise(EvaluateOptions("mine"), find_suite("lift"), outcomes)
    assert set(report["differences"]) == {"full_minus_n1", "full_minus_mean"}
    assert report["differences"]["full_minus_n1"]["mean"] == 0.5
    assert report["differences"]["full_minus_mean"] == {"mean": 1.0, "ci95": [1.0, 1.0]}


def test_without_full_the_first_variant_is_the_reference() -> None:
    outcome = EpisodeOutcome(1, "lift red", True, 3.0, False, ())
    report = summarise(EvaluateOptions("mine"), find_suite("lift"), {"n1": [outcome], "mean": [outcome]})
    assert set(report["differences"]) == {"n1_minus_mean"}
