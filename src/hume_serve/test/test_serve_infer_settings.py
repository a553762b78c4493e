"""The fields of `init_infer`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from hume_core.errors import ConfigError
from hume_serve.infer_settings import InferSettings, is_init
from hume_serve.policy import CascadedPolicy

AUTHORS = {
    "replan_steps": 8,
    "s2_replan_steps": 16,
    "s2_candidates_num": 5,
    "noise_temp_lower_bound": 1.0,
    "noise_temp_upper_bound": 2.0,
    "time_temp_lower_bound": 0.9,
    "time_temp_upper_bound": 1.0,
    "post_process_action": True,
    "device": "cuda",
}


def test_what_the_authors_client_sends_is_taken() -> None:
    settings = InferSettings.of(AUTHORS, InferSettings())
    assert {name: value for name, value in asdict(settings).items() if name != "seed"} == {
        name: value for name, value in AUTHORS.items() if name != "device"
    }
    assert (settings.time_temp, settings.noise_temp) == ((0.9, 1.0), (1.0, 2.0))


def test_what_is_left_out_is_as_the_server_was_told() -> None:
    settings = InferSettings.of({"device": "cuda", "replan_steps": 4}, InferSettings(seed=7, s2_candidates_num=3))
    assert (settings.replan_steps, settings.seed, settings.s2_candidates_num) == (4, 7, 3)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ({"replan_step": 8}, "Did you mean 'replan_steps'"),
        ({b"replan_steps": 8}, "unknown"),
        ({"replan_steps": 8.5}, "replan_steps"),
        ({"replan_steps": "8"}, "replan_steps"),
        ({"replan_steps": -1}, "replan_steps"),
        ({"replan_steps": True}, "replan_steps"),
        ({"s2_candidates_num": 10**6}, "s2_candidates_num"),
        ({"noise_temp_upper_bound": float("nan")}, "noise_temp_upper_bound"),
        ({"time_temp_lower_bound": float("inf")}, "time_temp_lower_bound"),
        ({"time_temp_lower_bound": [0.9]}, "time_temp_lower_bound"),
        ({"post_process_action": 1}, "post_process_action"),
        ({"seed": 2**40}, "seed"),
    ],
)
def test_wrong_fields_are_named(content: dict[Any, Any], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        InferSettings.of(content, InferSettings())


def test_zero_means_as_the_checkpoint_has_it(policy: CascadedPolicy) -> None:
    settings = InferSettings().resolved(policy.config)
    assert (settings.replan_steps, settings.s2_replan_steps, settings.s2_candidates_num) == (8, 16, 5)


@pytest.mark.parametrize(("replan", "thought", "right"), [
    (8, 16, True), (5, 15, True), (1, 16, True), (3, 7, True), (8, 24, False), (8, 17, False), (7, 21, True),
    (9, 16, False), (8, 20, False), (8, 32, False),
])  # fmt: skip
def test_every_segment_must_begin_within_the_chunk(
    policy: CascadedPolicy, replan: int, thought: int, right: bool
) -> None:
    """Played step by step: System 2 thinks where both divide the step, System 1 refines where `replan` does."""
    starts = [step % thought for step in range(0, replan * thought, replan)]
    assert right == (replan <= policy.config.s1_chunk_size and max(starts) < policy.config.s2_chunk_size)
    settings = InferSettings(replan_steps=replan, s2_replan_steps=thought)
    if right:
        assert settings.resolved(policy.config).s2_replan_steps == thought
    else:
        with pytest.raises(ConfigError, match="replan_steps"):
            settings.resolved(policy.config)


@pytest.mark.parametrize(
    ("content", "expected"),
    [({"device": "cpu"}, True), ({"seed": 1}, True), ({"task": "a"}, False), ({}, False), ({b"device": 1}, False)],
)
def test_a_message_is_an_init_or_an_observation(content: dict[Any, Any], expected: bool) -> None:
    assert is_init(content) == expected
