"""Auxiliary targets: the named objects, in the order of the sentence."""

import numpy as np
import pytest
import torch

from hume_core.errors import ConfigError
from hume_core.state.parts import state_parts
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.row_layout import ArmColumns, DataLayout, GripperColumn, Rows, StateColumns
from hume_training.training.auxiliary import Keyframes, NamedPositions

NAMES = ("red", "green", "blue")
TASKS = ["stack the blue cube on the red one", "lift the green block"]
ENVIRONMENT = np.random.default_rng(0).normal(size=(6, 9)).astype(np.float32)
EPISODE_OF = np.array([0, 0, 0, 1, 1, 1])


def test_targets_are_the_named_objects_in_the_order_of_the_sentence() -> None:
    named = NamedPositions(ENVIRONMENT, NAMES, TASKS, EPISODE_OF)
    found, known = named.targets(np.array([1, 4]))
    targets = found.numpy()
    places = ENVIRONMENT.reshape(6, 3, 3)
    mean, std = places.mean((0, 1)), places.std((0, 1))
    assert np.allclose(targets[0, :3] * std + mean, places[1, 2], atol=1e-5)
    assert np.allclose(targets[0, 3:] * std + mean, places[1, 0], atol=1e-5)
    assert np.allclose(targets[1, :3] * std + mean, places[4, 1], atol=1e-5)
    assert known.tolist() == [[1.0] * 6, [1.0] * 3 + [0.0] * 3]


def test_what_is_not_named_does_not_count() -> None:
    named = NamedPositions(ENVIRONMENT, NAMES, TASKS, EPISODE_OF)
    frames = np.array([4])
    found = named.targets(frames)[0]
    found[:, 3:] += 100.0
    assert float(named.loss(found, frames)) == 0.0
    assert float(named.loss(found + torch.eye(6)[:1], frames)) == pytest.approx(1.0 / 3.0)


@pytest.mark.parametrize("task", ["lift it", "put red, green and blue together"])
def test_refuses_an_instruction_that_names_none_or_too_many(task: str) -> None:
    with pytest.raises(ConfigError, match=f"'{task}' names"):
        NamedPositions(ENVIRONMENT, NAMES, [task], EPISODE_OF * 0)


def test_refuses_an_environment_of_another_size() -> None:
    with pytest.raises(ConfigError, match=r"9 numbers; 2 named objects \(red, green\) need 6"):
        NamedPositions(ENVIRONMENT, NAMES[:2], TASKS, EPISODE_OF)


LAYOUT = DataLayout(
    Rows.JOINTS,
    (ArmColumns("arm", ("shoulder", "elbow"), (0, 1), (0, 1)), GripperColumn("finger", 2)),
    (StateColumns(state_parts(["joint_positions"])[0], (0, 1)),),
)


def _data(success: np.ndarray | None = None) -> tuple[Demonstrations, np.ndarray]:
    gripper = np.array([1, 1, 0, 0, 1, 1, 1, 1], dtype=np.float32)
    joints = np.arange(16, dtype=np.float32).reshape(8, 2)
    data = Demonstrations(
        fps=20.0, images={}, state=joints, action=np.column_stack([joints, gripper]), environment=None,
        perturbed=np.zeros(8, bool), success=success, starts=np.array([0, 5]), lengths=np.array([5, 3]), tasks=TASKS,
    )  # fmt: skip
    return data, joints[[1, 1, 3, 3, 4, 7, 7, 7]]


def _normalised(target: np.ndarray) -> torch.Tensor:
    return torch.from_numpy((target - target.mean(0)) / target.std(0))


@pytest.mark.parametrize("relative", [False, True])
def test_a_keyframe_is_the_next_change_of_the_gripper_or_the_end(relative: bool) -> None:
    data, expected = _data()
    keyframes = Keyframes(data, LAYOUT, relative)
    frames = np.arange(8)
    found = _normalised(expected - data.state if relative else expected)
    assert float(keyframes.loss(found, frames)) == pytest.approx(0.0, abs=1e-12)
    assert float(keyframes.loss(found + 1.0, frames)) == pytest.approx(1.0, abs=1e-5)


def test_keyframes_of_failed_episodes_do_not_count() -> None:
    data, expected = _data(success=np.array([0, 0, 0, 0, 1, 0, 0, 0], dtype=bool))
    keyframes, found = Keyframes(data, LAYOUT), _normalised(expected)
    found[5:] += 100.0
    assert float(keyframes.loss(found, np.arange(8))) == pytest.approx(0.0, abs=1e-12)
    assert float(keyframes.loss(found[5:], np.arange(5, 8))) == 0.0
