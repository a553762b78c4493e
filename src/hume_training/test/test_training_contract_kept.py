"""Step, space, units and names of a dataset go into the checkpoint, and later trainings and robots keep to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hume_core.config import HumeConfig
from hume_core.errors import ConfigError, ContractError, DatasetError
from hume_core.policy_contract import PolicyContract, fitted_robot
from hume_core.robot import RobotProfile
from hume_training.data.contract import check_same_meaning, dataset_contract
from hume_training.data.info import read_info
from hume_training.data.reader import load_demonstrations
from hume_training.training.config import System1Config, System2Config, ValueConfig
from hume_training.training.system1 import train_system1
from hume_training.training.system2 import train_system2
from hume_training.training.taught import taught_rows
from hume_training.training.value import train_value

ROBOTS = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"
PANDA = [f"panda_joint{k}" for k in range(1, 8)]
SO101 = ["shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll"]
Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def _robots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUME_ROBOTS", str(ROBOTS))


def panda(write: Write, root: Path, fps: int, names: Any = None) -> Path:
    """Two episodes of a Panda that swings all its joints."""
    time = np.arange(24)[:, None] / fps
    joints = [0.3 * np.sin(time + np.arange(7) + number) for number in range(2)]
    finger = np.full((24, 1), 0.02)
    states = [np.concatenate([part, finger], axis=1) for part in joints]
    actions = [np.concatenate([part + 0.01, np.ones((24, 1))], axis=1) for part in joints]
    names = names or {"motors": [*PANDA, "panda_finger_joint1"]}
    return write(root, actions, states, {"action": names, "observation.state": names}, fps)


def settings(root: Path, output: Path, **changes: Any) -> dict[str, Any]:
    plain = {"dataset": str(root), "output": str(output), "steps": 1, "batch_size": 2, "warmup_steps": 1}
    return plain | changes


@pytest.fixture(scope="module")
def trained(write_dataset: Write, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A dataset of 10 Hz and a run of System 2 on it."""
    folder = tmp_path_factory.mktemp("panda")
    root = panda(write_dataset, folder / "data", 10)
    train_system2(System2Config.from_dict(settings(root, folder / "run")))
    return root, folder / "run"


@pytest.mark.parametrize("fps", [7, 10, 30, 50])
def test_the_step_of_a_dataset_is_that_of_its_policy(write_dataset: Write, tmp_path: Path, fps: int) -> None:
    root = panda(write_dataset, tmp_path / "data", fps)
    rows = taught_rows(System2Config.from_dict(settings(root, tmp_path)), load_demonstrations(root))
    contract = dataset_contract(rows)
    assert contract.dt == pytest.approx(1.0 / fps)
    profile = RobotProfile.load("franka_panda").with_action("joint_delta", 0.05)
    assert any(line.startswith("dt: the checkpoint has") for line in contract.differences(profile))
    adapted = contract.adapt(profile)
    assert (adapted.action.space, adapted.action.dt) == ("joint_delta", pytest.approx(1.0 / fps))
    assert contract.differences(adapted) == []


@pytest.mark.parametrize("fps", [None, 0, -20, "fast", True, float("nan"), float("inf"), 1e6, 1e-9, [20]])
def test_a_rate_that_is_none_is_refused(write_dataset: Write, tmp_path: Path, fps: Any) -> None:
    root = panda(write_dataset, tmp_path / "data", 20)
    path = root / "meta/info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"fps": fps}))
    with pytest.raises(DatasetError, match=r"fps is|NaN|Infinity"):
        read_info(root)


def test_every_kind_of_training_writes_what_its_numbers_mean(trained: tuple[Path, Path], tmp_path: Path) -> None:
    root, run = trained
    contract = PolicyContract.load(run / "checkpoint")
    assert contract is not None
    assert contract.dt == pytest.approx(0.1)
    assert list(contract.arms[0].joints) == PANDA
    assert contract.arms[0].unit == "rad"
    # A released checkpoint says nothing: the training adds it.
    (run / "checkpoint" / "policy_contract.json").rename(tmp_path / "kept.json")
    later = settings(root, tmp_path / "s1", checkpoint=str(run / "checkpoint"))
    try:
        train_system1(System1Config.from_dict(later | {"proposals": 4}))
        train_value(ValueConfig.from_dict(later | {"output": str(tmp_path / "value")}))
    finally:
        (tmp_path / "kept.json").rename(run / "checkpoint" / "policy_contract.json")
    for kind in ("s1", "value"):
        assert PolicyContract.load(tmp_path / kind / "checkpoint") == contract


def test_nodes_refuse_a_robot_of_another_step(trained: tuple[Path, Path]) -> None:
    checkpoint = trained[1] / "checkpoint"
    contract, config = PolicyContract.load(checkpoint), HumeConfig.load(checkpoint / "config.json")
    assert contract is not None
    profile = RobotProfile.load("franka_panda").with_action("joint_delta", 0.1)
    cameras = {"image": profile.cameras["image"]}
    profile = profile.model_copy(update={"cameras": cameras})
    fitted_robot(config, contract, profile)
    with pytest.raises(ContractError, match=r"dt: the checkpoint has 0.1 s, the robot 0.05 s"):
        fitted_robot(config, contract, profile.with_action(dt=0.05))
    with pytest.raises(
        ContractError, match="action space: the checkpoint has 'joint_delta', the robot 'joint_position'"
    ):
        fitted_robot(config, contract, profile.with_action("joint_position"))


@pytest.mark.parametrize("kind", ["system2", "system1", "value"])
def test_later_trainings_keep_to_the_checkpoint(
    trained: tuple[Path, Path], write_dataset: Write, tmp_path: Path, kind: str
) -> None:
    make, train = {
        "system2": (System2Config, train_system2),
        "system1": (System1Config, train_system1),
        "value": (ValueConfig, train_value),
    }[kind]
    checkpoint = str(trained[1] / "checkpoint")
    faster = panda(write_dataset, tmp_path / "faster", 30)
    with pytest.raises(ConfigError, match=r"dt is 0.0333333 s in this training. The checkpoint was trained with 0.1 s"):
        train(make.from_dict(settings(faster, tmp_path / "a", checkpoint=checkpoint)))
    other = {"motors": [*(f"joint{k}" for k in range(7)), "gripper"]}
    renamed = panda(write_dataset, tmp_path / "renamed", 10, other)
    with pytest.raises(ConfigError, match=r"joints is \['joint0'.*The checkpoint was trained with \['panda_joint1'"):
        train(make.from_dict(settings(renamed, tmp_path / "b", checkpoint=checkpoint)))
    changes = {"checkpoint": checkpoint, "action_space": "joint_position"}
    with pytest.raises(ConfigError, match=r"action_space is joint_position in this training\. .* with joint_delta"):
        train(make.from_dict(settings(trained[0], tmp_path / "c", **changes)))


@pytest.mark.parametrize("gripper", [True, False])
def test_two_arms_go_through_every_training(write_dataset: Write, tmp_path: Path, gripper: bool) -> None:
    each = [*(f"j{k}" for k in range(1, 8)), *(["gripper"] if gripper else [])]
    names = [f"{side}_{name}" for side in ("left", "right") for name in each]
    state = 0.3 * np.sin(np.arange(20)[:, None] / 50 + np.arange(len(names)))
    listed = {"action": {"motors": names}, "observation.state": [names]}
    root = write_dataset(tmp_path / "data", [state + 0.01], [state], listed, 50)
    plain = settings(root, tmp_path / "system2", keyframe_weight=0.5)
    train_system2(System2Config.from_dict(plain))
    later = plain | {"checkpoint": str(tmp_path / "system2" / "checkpoint")}
    system1 = later | {"output": str(tmp_path / "system1"), "proposals": 4, "relative_to": "newest_state"}
    train_system1(System1Config.from_dict(system1))
    train_value(ValueConfig.from_dict(later | {"output": str(tmp_path / "value")}))
    for kind in ("system2", "system1", "value"):
        contract = PolicyContract.load(tmp_path / kind / "checkpoint")
        assert contract is not None
        assert contract.dt == pytest.approx(0.02)
        assert [len(arm.joints) for arm in contract.arms] == [7, 7]
        assert (contract.action_dim, contract.state_dim) == (len(names), len(names))


def test_a_run_is_not_resumed_on_a_dataset_of_another_step(write_dataset: Write, tmp_path: Path) -> None:
    root = panda(write_dataset, tmp_path / "data", 20)
    config = System2Config.from_dict(settings(root, tmp_path / "run", steps=3))
    train_system2(config, stop_after=1)
    path = root / "meta/info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"fps": 25}))
    with pytest.raises(ConfigError, match=r"dt is 0.04 s in this training. The checkpoint was trained with 0.05 s"):
        train_system2(config)


def so101(write: Write, root: Path, scale: float = 60.0, names: list[str] | None = None) -> Path:
    """LeRobot's units: degrees, and the jaw from 0 to 100."""
    rng = np.random.default_rng(3)
    joints = scale * np.cumsum(rng.normal(scale=0.05, size=(24, 5)), axis=0)
    jaw = np.linspace(2.0, 97.0, 24)[:, None]
    numbers = np.concatenate([joints, jaw], axis=1)
    listed = names or [f"{name}.pos" for name in (*SO101, "gripper")]
    return write(root, [numbers + 1.0], [numbers], {"action": listed, "observation.state": listed}, 30)


DEGREES = {"unit": "deg", "grippers": {"gripper": [0, 100]}}


def test_words_of_a_state_are_in_the_unit_of_the_joints(write_dataset: Write, tmp_path: Path) -> None:
    root = so101(write_dataset, tmp_path / "data")
    state = ["joint_positions", {"field": "gripper", "form": "percent"}]
    rows = taught_rows(
        System2Config.from_dict(settings(root, tmp_path, **DEGREES, state=state)), load_demonstrations(root)
    )
    said = dataset_contract(rows).model_dump(mode="json")["state"]
    assert said == [{"field": "joint_positions", "unit": "deg"}, {"field": "gripper", "form": "percent"}]


@pytest.mark.parametrize("space", ["joint_position", "joint_delta"])
def test_degrees_and_percent_land_in_the_contract(write_dataset: Write, tmp_path: Path, space: str) -> None:
    root = so101(write_dataset, tmp_path / "data")
    data = load_demonstrations(root)
    rows = taught_rows(System2Config.from_dict(settings(root, tmp_path, **DEGREES, action_space=space)), data)
    contract = dataset_contract(rows)
    said = contract.model_dump(mode="json", exclude_none=True)
    assert said["arms"][0]["unit"] == "deg"
    assert said["grippers"] == [{"name": "gripper", "closed": 0.0, "open": 100.0}]
    assert said["state"] == [{"field": "joint_positions", "unit": "deg"}, {"field": "gripper", "form": "percent"}]
    # The numbers that are taught are the dataset's own, and the robot moves by what they mean.
    chunk, _ = rows.chunks(np.array([6]), 4)
    start = data.state[6, :5] if space == "joint_delta" else 0.0
    np.testing.assert_allclose(chunk[0, :, :5], data.action[6:10, :5] - start, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(chunk[0, :, 5], data.action[6:10, 5])
    adapted = contract.adapt(RobotProfile.load("so101"))
    anchor = np.radians(data.state[6, :5].astype(np.float64))
    joints, _ = adapted.action_layout().to_joints(chunk[0].astype(np.float64), anchor, contract.dt)
    np.testing.assert_allclose(joints, np.radians(data.action[6:10, :5]), atol=1e-5)
    moved = rows.moved(np.array([6]), np.array([9]))
    wanted = data.state[9, :5] - data.state[6, :5] if space == "joint_delta" else np.zeros(5)
    np.testing.assert_allclose(moved[0, :5], wanted, rtol=1e-4, atol=1e-4)


def test_degrees_are_floored_as_radians_are(write_dataset: Write, tmp_path: Path) -> None:
    root = so101(write_dataset, tmp_path / "data", scale=1e-3, names=[f"{name}_deg" for name in (*SO101, "gripper")])
    changes = {"grippers": {"gripper": [0, 100]}}
    rows = taught_rows(System2Config.from_dict(settings(root, tmp_path, **changes)), load_demonstrations(root))
    assert rows.space.conventions.joint_units.unit == "deg"
    _, state_std, _, row_std = rows.statistics(8)
    np.testing.assert_allclose(state_std[:5], np.degrees(0.05))
    np.testing.assert_allclose(row_std[:5], np.degrees(0.05))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grippers": {"gripper": [0, 100]}}, r"(?s)cannot be radians.*unit: deg"),
        ({"unit": "rad", "grippers": {"gripper": [0, 100]}}, r"(?s)cannot be radians"),
        ({"unit": "deg"}, r"(?s)gripper 'gripper' of the dataset goes from 3 to 98.*grippers: \{gripper: \[0, 100\]\}"),
        ({"unit": "deg", "grippers": {"gripper": [10, 90]}}, r"(?s)no position in m or rad.*\[0, 100\]"),
    ],
)
def test_degrees_and_percent_that_nobody_calls_so(
    write_dataset: Write, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    root = so101(write_dataset, tmp_path / "data")
    with pytest.raises(DatasetError, match=message):
        taught_rows(System2Config.from_dict(settings(root, tmp_path, **changes)), load_demonstrations(root))


def test_degrees_become_rows_about_the_tool(write_dataset: Write, tmp_path: Path) -> None:
    root = so101(write_dataset, tmp_path / "data", scale=20.0)
    data = load_demonstrations(root)
    changes = {**DEGREES, "robot": "so101", "action_space": "ee_delta"}
    rows = taught_rows(System2Config.from_dict(settings(root, tmp_path, **changes)), data)
    chunk, _ = rows.chunks(np.array([3]), 2)
    assert np.abs(chunk[0, :, :3]).max() < 0.05
    contract = dataset_contract(rows)
    assert contract.arms[0].unit is None
    assert contract.model_dump(mode="json")["state"][0] == {"field": "joint_positions", "unit": "deg"}


def test_what_one_side_does_not_know_is_no_difference() -> None:
    contract = PolicyContract.of(RobotProfile.load("wx250s_sim"))
    vague = contract.model_copy(
        update={"grippers": tuple(part.model_copy(update={"open": None}) for part in contract.grippers)}
    )
    check_same_meaning(vague, contract)
    check_same_meaning(contract, vague)
    opposite = tuple(part.model_copy(update={"open": -1.0}) for part in contract.grippers)
    with pytest.raises(ConfigError, match=r"open of gripper 'left_finger' is -1.0 in this training"):
        check_same_meaning(contract, contract.model_copy(update={"grippers": opposite}))
