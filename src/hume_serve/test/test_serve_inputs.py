"""Names and shapes of a client's observation, and what is composed by the contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hume_core.errors import HumeError, ObservationError
from hume_core.policy_contract import fitted_robot, named_contract
from hume_core.robot import RobotProfile
from hume_core.state_composer import StateComposer
from hume_serve.inputs import InputReader
from hume_serve.policy import CascadedPolicy
from hume_serve.robot_view import RobotView
from hume_system2.model import System2

ROBOTS = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"
HOME = np.array([0.0, -0.161, 0.0, -2.445, 0.0, 2.227, 0.785])
STATE = np.linspace(-0.5, 0.5, 8)


def pictures(seed: int = 0) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    return tuple(random.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(2))


@pytest.fixture
def reader(policy: CascadedPolicy) -> InputReader:
    return InputReader(policy.config)


def one(**changes: Any) -> dict[str, Any]:
    """As openpi's clients write an observation."""
    image, wrist = pictures()
    names = {"observation/image": image, "observation/wrist_image": wrist, "observation/state": STATE, "prompt": "go"}
    return {name: value for name, value in {**names, **changes}.items() if value is not None}


def batch(size: int, **changes: Any) -> dict[str, Any]:
    """As the authors' client writes it."""
    image, wrist = pictures()
    names = {
        "observation.images.image": np.stack([image] * size),
        "observation.images.wrist_image": np.stack([wrist] * size),
        "observation.state": np.stack([STATE] * size),
        "task": ["go"] * size,
    }
    return {name: value for name, value in {**names, **changes}.items() if value is not None}


@pytest.mark.parametrize("name", ["observation/images/image", "observation.image", "observation.images/image"])
def test_names_may_be_written_in_several_ways(reader: InputReader, name: str) -> None:
    sent = one()
    sent[name] = sent.pop("observation/image")
    found = reader.read(sent)
    np.testing.assert_array_equal(found.observation.images["image"], pictures()[0][None])
    assert not found.batched


@pytest.mark.parametrize("size", [1, 3, 8])
def test_a_list_of_tasks_has_a_batch_axis(reader: InputReader, size: int) -> None:
    found = reader.read(batch(size))
    assert found.observation.images["wrist_image"].shape == (size, 48, 64, 3)
    assert found.observation.state.shape == (size, 1, 8)
    assert found.observation.state.dtype == np.float32
    assert found.batched


def test_a_history_may_be_sent(reader: InputReader) -> None:
    history = np.arange(24.0).reshape(3, 8)
    np.testing.assert_array_equal(reader.read(one(**{"observation/state": history})).observation.state, history[None])
    sent = batch(2, **{"observation.state": np.stack([history, history + 1])})
    np.testing.assert_array_equal(reader.read(sent).observation.state, [history, history + 1])


def test_noise_may_be_sent(reader: InputReader) -> None:
    noise = np.random.default_rng(1).normal(size=(5, 16, 32))
    for sent, given in ((one(noise=noise), noise), (batch(1, noise=noise[:, None]), noise)):
        found = reader.read(sent).noise
        assert found is not None
        np.testing.assert_array_equal(found.numpy(), given[:, None].astype(np.float32))


IMAGE = "observation/image"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"prompt": None}, "instruction is missing"),
        ({"task": "go"}, "given twice"),
        ({"prompt": 7}, "text"),
        ({"prompt": []}, "0 observations"),
        ({"prompt": ["go"] * 9}, "9 observations"),
        ({"prompt": [7]}, "text"),
        ({"prompt": ["go"]}, "batch, height"),
        ({"observation/images/image": pictures()[0]}, "given twice"),
        ({"observation/imge": 1}, "Did you mean"),
        ({b"prompt": "go"}, "unknown"),
        ({"robot/joint_positions": HOME}, "unknown"),
        ({IMAGE: pictures()[0].astype(np.float32)}, "uint8"),
        ({IMAGE: pictures()[0][..., 0]}, "uint8 RGB"),
        ({IMAGE: np.zeros((48, 64, 4), np.uint8)}, "uint8 RGB"),
        ({IMAGE: np.zeros((4, 64, 3), np.uint8)}, "64x4 pixels"),
        ({IMAGE: np.zeros((20, 400, 3), np.uint8)}, "400x20 pixels"),
        ({IMAGE: np.zeros((4200, 1000, 3), np.uint8)}, "1000x4200 pixels"),
        ({IMAGE: np.zeros((0, 64, 3), np.uint8)}, "pixels"),
        ({IMAGE: [[0, 0, 0]]}, "list"),
        ({IMAGE: None, "observation/state": None}, "state' is missing"),
        ({"observation/state": np.zeros(7)}, r"shape \[7\]"),
        ({"observation/state": np.zeros((0, 8))}, "shape"),
        ({"observation/state": np.zeros((1, 1, 8))}, "shape"),
        ({"observation/state": np.full(8, np.nan)}, "NaN"),
        ({"observation/state": np.full(8, 1e300)}, "NaN or infinity"),
        ({"observation/state": "0 0 0"}, "Numbers"),
        ({"observation/state": [[0.0], [0.0, 1.0]]}, "array of numbers"),
        ({"observation/state": {"a": 1}}, "Numbers"),
        ({"noise": np.zeros((5, 16))}, "noise"),
        ({"noise": np.full((5, 16, 32), np.inf)}, "noise"),
    ],
)
def test_wrong_fields_are_named(reader: InputReader, changes: dict[Any, Any], what: str) -> None:
    with pytest.raises(ObservationError, match=what):
        reader.read(one(**changes) if all(isinstance(name, str) for name in changes) else {**one(), **changes})


@pytest.mark.parametrize(
    "changes", [{"observation.state": np.zeros((3, 8))}, {"observation.images.image": np.stack([pictures()[0]] * 3)}]
)
def test_batch_sizes_must_agree(reader: InputReader, changes: dict[str, Any]) -> None:
    with pytest.raises(ObservationError, match="batch sizes differ"):
        reader.read(batch(2, **changes))


@pytest.fixture(scope="module")
def panda(system2: System2) -> Callable[..., RobotView]:
    """The robot of LIBERO, as its contract sees it."""
    profile = RobotProfile.load(ROBOTS / "franka_panda.yaml")
    fitted = fitted_robot(system2.config, named_contract("libero_goal"), profile)

    def make(deviations: float = np.inf) -> RobotView:
        return RobotView(fitted, system2.normalizer, deviations)

    return make


def measured(**changes: Any) -> dict[str, Any]:
    """What a robot measures, its pictures upright."""
    image, wrist = pictures()
    sent = {
        "robot/joint_positions": HOME,
        "robot/gripper_position": 0.03,
        "robot/images/image": image,
        "robot/images/wrist_image": wrist,
        "prompt": "go",
    }
    return {name: value for name, value in {**sent, **changes}.items() if value is not None}


def test_state_and_pictures_are_composed_by_the_contract(
    policy: CascadedPolicy, panda: Callable[..., RobotView]
) -> None:
    view = panda()
    found = InputReader(policy.config, view).read(measured()).observation
    # At LIBERO's start joints the grip site is here, and the tool points down.
    np.testing.assert_allclose(found.state[0, 0, :3], [-0.2085, 0.0, 1.173], atol=1e-3)
    np.testing.assert_allclose(found.state[0, 0, 6:], [0.03, -0.03], atol=1e-6)
    np.testing.assert_array_equal(found.state[0, 0], StateComposer.of(view.profile).compose(HOME, grippers=0.03))
    upright = measured()["robot/images/image"]
    np.testing.assert_array_equal(found.images["image"][0], view.profile.cameras["image"].prepare(upright))
    assert found.images["image"].shape == (1, 256, 256, 3)


def test_upright_pictures_are_mirrored_for_libero(policy: CascadedPolicy, panda: Callable[..., RobotView]) -> None:
    upright = np.zeros((48, 64, 3), np.uint8)
    upright[:, :32] = 200
    found = InputReader(policy.config, panda()).read(measured(**{"robot/images/image": upright})).observation
    assert (found.images["image"][0, :, 140:] == 200).all()
    assert (found.images["image"][0, :, :116] == 0).all()
    own = InputReader(policy.config).read(one(**{"observation/image": upright})).observation
    np.testing.assert_array_equal(own.images["image"][0], upright)


def test_a_batch_of_one_is_composed_too(policy: CascadedPolicy, panda: Callable[..., RobotView]) -> None:
    reader = InputReader(policy.config, panda())
    single = measured()
    listed = {name: value[None] if "images" in name else value for name, value in single.items()} | {"prompt": ["go"]}
    found, expected = reader.read(listed).observation, reader.read(single).observation
    np.testing.assert_array_equal(found.state, expected.state)
    np.testing.assert_array_equal(found.images["image"], expected.images["image"])


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"robot/joint_positions": HOME[:6]}, "7 finite numbers"),
        ({"robot/joint_positions": np.full(7, np.nan)}, "7 finite numbers"),
        ({"robot/joint_positions": HOME[None]}, "One axis"),
        ({"robot/joint_positions": None}, "joint_positions' is missing"),
        ({"robot/joint_velocities": np.zeros(3)}, "joint_velocities"),
        ({"robot/gripper_position": None}, "gripper"),
        ({"robot/gripper_position": np.nan}, "gripper"),
        ({"robot/gripper_position": []}, "gripper"),
        ({"observation/image": pictures()[0]}, "given twice"),
        ({"prompt": ["go", "go"]}, "batch"),
    ],
)
def test_wrong_measurements_are_named(
    policy: CascadedPolicy, panda: Callable[..., RobotView], changes: dict[str, Any], what: str
) -> None:
    with pytest.raises(ObservationError, match=what):
        InputReader(policy.config, panda()).read(measured(**changes))


def test_the_first_state_must_look_like_the_training(policy: CascadedPolicy, panda: Callable[..., RobotView]) -> None:
    reader = InputReader(policy.config, panda(deviations=1.0))
    with pytest.raises(ObservationError, match="does not look like"):
        reader.read(measured())


def test_another_robot_is_refused(system2: System2) -> None:
    profile = RobotProfile.load(ROBOTS / "so101.yaml")
    with pytest.raises(HumeError, match="so101"):
        fitted_robot(system2.config, named_contract("libero_goal"), profile)
