"""The authors' rules of replanning, against their recorded episode, and what an error leaves."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hume_core.errors import ObservationError
from hume_core.observation import Observation
from hume_serve.episode import Episode, first_segment, noise_source
from hume_serve.infer_settings import InferSettings
from hume_serve.inputs import InputReader, PolicyInputs
from hume_serve.policy import CascadedPolicy
from hume_system1.model import System1
from hume_system2.model import System2

Arrays = dict[str, NDArray[Any]]
Steps = list[dict[str, Any]]


def test_the_recorded_episode_is_repeated(
    policy: CascadedPolicy, recorded: Steps, recorded_settings: dict[str, Any], arrays: Arrays
) -> None:
    episode = Episode(policy, InferSettings.of(recorded_settings, InferSettings()))
    reader = InputReader(policy.config)
    for step, sent in enumerate(recorded):
        np.testing.assert_allclose(episode.act(reader.read(sent)), arrays["actions"][step], atol=2e-5)
        assert episode.thoughts == 1 + step // 16
    assert episode.thought is not None
    np.testing.assert_allclose(episode.thought.values[0], arrays["chosen_q"][1], atol=2e-5)


def test_the_gripper_is_as_the_client_wants_it(
    policy: CascadedPolicy, recorded: Steps, recorded_settings: dict[str, Any]
) -> None:
    reader = InputReader(policy.config)
    rows = {}
    for processed in (True, False):
        settings = InferSettings.of({**recorded_settings, "post_process_action": processed}, InferSettings())
        rows[processed] = Episode(policy, settings).act(reader.read(recorded[0]))
    np.testing.assert_array_equal(rows[True][:, :-1], rows[False][:, :-1])
    np.testing.assert_allclose(rows[True][:, -1], 1.0 - 2.0 * rows[False][:, -1], atol=1e-6)


def test_an_error_changes_nothing(
    policy: CascadedPolicy, recorded: Steps, recorded_settings: dict[str, Any], arrays: Arrays
) -> None:
    """In the middle of a segment, and where a segment and a thought begin."""
    episode = Episode(policy, InferSettings.of(recorded_settings, InferSettings()))
    reader = InputReader(policy.config)
    for step, sent in enumerate(recorded[:18]):
        right = reader.read(sent)
        wrong_batch = Observation(
            {key: np.concatenate([image] * 2) for key, image in right.observation.images.items()},
            np.concatenate([right.observation.state] * 2),
            right.observation.task * 2,
        )
        if step:
            with pytest.raises(ObservationError, match="batch of 2"):
                episode.act(PolicyInputs(wrong_batch))
        if step % 8 == 0:
            blind = Observation({}, right.observation.state, right.observation.task)
            with pytest.raises(ObservationError, match="camera"):
                episode.act(PolicyInputs(blind, right.noise))
        np.testing.assert_allclose(episode.act(right), arrays["actions"][step], atol=2e-5)


class Notes:
    """Stands for both systems. It writes down what it is asked, and answers with the number of its answers."""

    def __init__(self, history: int, batch: int = 1) -> None:
        self.config: Any = SimpleNamespace(
            s1_his_state_size=history, s1_chunk_size=4, s2_chunk_size=12, num_candidates=2
        )
        self.needs_joints = False
        self.asked: list[tuple[str, list[list[float]], int]] = []

    def think(self, observation: Observation, settings: Any, noise: Any, generator: Any) -> Any:
        self._note("think", observation, 0)
        return SimpleNamespace(chunk=len(self.asked))

    def refine(self, observation: Observation, chunk: Any, row: int, moved: Any = None) -> NDArray[np.float32]:
        self._note(f"refine {chunk}", observation, row)
        rows = np.arange(4, dtype=np.float32) + 100 * len(self.asked)
        return np.broadcast_to(rows[None, :, None], (observation.batch_size, 4, 2))

    def _note(self, what: str, observation: Observation, row: int) -> None:
        self.asked.append((what, observation.state[..., 0].tolist(), row))


def seen(step: int, batch: int = 1, states: int = 1) -> PolicyInputs:
    state = np.full((batch, states, 2), step, np.float32) + np.arange(batch, dtype=np.float32)[:, None, None] / 8
    return PolicyInputs(Observation({}, state, ["go"] * batch))


def played(notes: Notes, steps: int, batch: int = 1, **settings: Any) -> list[float]:
    episode = Episode(notes, InferSettings(**settings))  # type: ignore[arg-type]
    return [float(episode.act(seen(step, batch))[-1, 0]) for step in range(steps)]


def test_both_systems_are_asked_when_the_authors_ask_them() -> None:
    notes = Notes(history=1)
    rows = played(notes, 9, replan_steps=3, s2_replan_steps=6)
    assert [(what, row) for what, _, row in notes.asked] == [
        ("think", 0), ("refine 1", 0), ("refine 1", 3), ("think", 0), ("refine 4", 0),
    ]  # fmt: skip
    assert rows == [200, 201, 202, 300, 301, 302, 500, 501, 502]


def test_steps_that_do_not_divide_each_other() -> None:
    notes = Notes(history=1)
    played(notes, 15, replan_steps=2, s2_replan_steps=5)
    assert [(what, row) for what, _, row in notes.asked] == [
        ("think", 0), ("refine 1", 0), ("refine 1", 2), ("refine 1", 4), ("refine 1", 1), ("refine 1", 3),
        ("think", 0), ("refine 7", 0), ("refine 7", 2), ("refine 7", 4),
    ]  # fmt: skip


@pytest.mark.parametrize("history", [1, 3, 4])
def test_system1_sees_the_last_states_of_every_step(history: int) -> None:
    notes = Notes(history)
    played(notes, 9, replan_steps=4, s2_replan_steps=8)
    expected = [list(range(max(0, step - history + 1), step + 1)) for step in (0, 0, 4, 8, 8)]
    assert [states for _, states, _ in notes.asked] == [[states] for states in expected]


def test_each_of_a_batch_has_its_history() -> None:
    notes = Notes(history=2)
    played(notes, 5, batch=2, replan_steps=4, s2_replan_steps=4)
    assert notes.asked[-1][1] == [[3, 4], [3.125, 4.125]]


def test_a_history_that_the_client_sends_is_taken() -> None:
    notes = Notes(history=3)
    episode = Episode(notes, InferSettings(replan_steps=1, s2_replan_steps=1))  # type: ignore[arg-type]
    episode.act(seen(1))
    episode.act(seen(2, states=3))
    assert notes.asked[-1][1] == [[2, 2, 2]]


def test_a_single_call_is_a_thought_and_a_segment(
    policy: CascadedPolicy, system2: System2, system1: System1, recorded: Steps, generator: Callable[[int], Any]
) -> None:
    inputs = InputReader(policy.config).read({name: recorded[0][name] for name in recorded[0] if name != "noise"})
    settings = InferSettings(s2_candidates_num=3, noise_temp_upper_bound=1.5, seed=11)
    found = first_segment(policy, settings.resolved(policy.config), inputs, noise_source(11))
    thought = system2.think(inputs.observation, 3, (0.9, 1.0), (1.0, 1.5), generator=generator(11))
    np.testing.assert_array_equal(found, system1.refine(inputs.observation, thought.chunk).numpy())


@pytest.mark.parametrize("row", [0, 5, 12])
def test_without_system1_the_rows_are_those_of_system2(
    system2: System2, recorded: Steps, policy: CascadedPolicy, row: int
) -> None:
    alone = CascadedPolicy(system2, None)
    observation = InputReader(policy.config).read(recorded[0]).observation
    chunk = torch.randn(1, 16, 32, generator=torch.Generator().manual_seed(3))
    rows = alone.refine(observation, chunk, row)
    expected = system2.unnormalise(chunk[0, np.minimum(np.arange(row, row + 8), 15)])
    np.testing.assert_array_equal(rows[0], expected.numpy())


def test_an_instruction_that_would_be_cut_is_refused(policy: CascadedPolicy, recorded: Steps) -> None:
    sent = {**recorded[0], "task": ["go " * 60]}
    with pytest.raises(ObservationError, match="fewer words"):
        Episode(policy, InferSettings(s2_candidates_num=3)).act(InputReader(policy.config).read(sent))
