"""Rows about the tool: from datasets that hold them, and from joints by forward kinematics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hume_core.action_spaces import RotationFormat
from hume_core.errors import ConfigError, DatasetError, HumeError
from hume_core.kinematics.rotation import rotation_from_vector
from hume_core.observation import Observation
from hume_core.policy_contract import PolicyContract, named_contract
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_kinematics
from hume_system2.model import System2
from hume_training.data.contract import check_same_meaning, dataset_contract
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.reader import load_demonstrations
from hume_training.data.taught_rows import TaughtRows
from hume_training.data.tool_rows import unwrapped
from hume_training.training.config import System2Config
from hume_training.training.system2 import train_system2
from hume_training.training.taught import taught_rows

ROBOTS = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"
AXES = ("x", "y", "z", "axis_angle1", "axis_angle2", "axis_angle3")
LIBERO = (0.05, 0.05, 0.05, 0.5, 0.5, 0.5)
TOOL = {"action_space": "ee_delta", "robot": "franka_panda", "scale": list(LIBERO), "reference": "measured"}
POINTING_DOWN = np.array([0.4, 0.0, 0.3, 3.1, -0.02, 0.16])


@pytest.fixture(autouse=True)
def _robots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUME_ROBOTS", str(ROBOTS))


def config(**changes: Any) -> System2Config:
    return System2Config.from_dict({"dataset": "d", "output": "o"} | changes)


def tool_data(rows: np.ndarray, fps: float = 20.0, names: tuple[str, ...] = (*AXES, "gripper")) -> Demonstrations:
    """An episode of a policy that emits these rows; states as LIBERO writes them."""
    rng = np.random.default_rng(4)
    pose = POINTING_DOWN + np.cumsum(rng.normal(scale=0.002, size=(len(rows), 6)), axis=0)
    finger = rng.uniform(0.0, 0.04, len(rows))
    return Demonstrations(
        fps=fps, images={}, state=np.column_stack([pose, finger, -finger]).astype(np.float32),
        action=rows.astype(np.float32), environment=None, perturbed=np.zeros(len(rows), bool), success=None,
        starts=np.array([0]), lengths=np.array([len(rows)]), tasks=["move"],
        state_names=(*AXES, "gripper", "gripper"), action_names=names,
    )  # fmt: skip


def some_rows(count: int = 60, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(-1.0, 1.0, (count, 6)), rng.integers(0, 2, count)])


def test_rows_of_a_tool_dataset_are_taught_as_they_are() -> None:
    rows = some_rows()
    taught = taught_rows(config(**TOOL), tool_data(rows))
    chunk, beyond = taught.chunks(np.array([3, 57]), 6)
    np.testing.assert_array_equal(chunk[0], rows[3:9].astype(np.float32))
    assert beyond[1].tolist() == [False] * 3 + [True] * 3
    np.testing.assert_array_equal(chunk[1, 3:, :6], 0.0)
    np.testing.assert_array_equal(chunk[1, 3:, 6], rows[-1, 6].astype(np.float32))


def test_the_contract_of_a_tool_dataset() -> None:
    contract = dataset_contract(taught_rows(config(**TOOL), tool_data(some_rows())))
    arm = contract.arms[0]
    assert (arm.space, arm.frame, arm.rotation, arm.scale) == ("ee_delta", "base", "rotation_vector", LIBERO)
    assert arm.reference == "measured"
    assert arm.joints == RobotProfile.load("franka_panda").joint_names
    assert [gripper.name for gripper in contract.grippers] == ["panda_finger_joint1"]
    state = contract.model_dump(mode="json")["state"]
    assert state == [
        "tool_position",
        {"field": "tool_rotation", "branch": "positive_qx"},
        {"field": "gripper", "form": "fingers"},
    ]
    assert (contract.state_dim, contract.action_dim) == (8, 7)


@pytest.mark.parametrize(
    ("names", "rotation"),
    [
        (("x", "y", "z", "roll", "pitch", "yaw", "gripper"), "rpy"),
        (("ee_x", "ee_y", "ee_z", "ee_rx", "ee_ry", "ee_rz", "gripper"), "rotation_vector"),
        (("delta_x", "delta_y", "delta_z", "delta_roll", "delta_pitch", "delta_yaw", "grip.pos"), "rpy"),
    ],
)
def test_names_say_how_a_rotation_is_written(names: tuple[str, ...], rotation: str) -> None:
    changes = {**TOOL, "scale": [0.01] * 6}
    if "grip.pos" in names:
        names = (*names[:6], "gripper.pos")
    data = tool_data(some_rows(), names=names)
    assert dataset_contract(taught_rows(config(**changes), data)).arms[0].rotation == rotation
    said = config(**changes, rotation="rotation_vector")
    assert dataset_contract(taught_rows(said, data)).arms[0].rotation == "rotation_vector"


@pytest.mark.parametrize(
    ("left_out", "message"),
    [
        ("reference", "(?s)nobody says how 'ee_delta' is written.*reference: measured"),
        ("robot", "(?s)does not say which joints move the tool.*robot: NAME"),
        ("scale", r"(?s)more than 0.15 m and 1.5 rad.*scale: \[0.05"),
        ("action_space", "(?s)has no use|about the tool.*action_space: ee_delta"),
    ],
)
def test_what_a_tool_dataset_has_to_be_told(left_out: str, message: str) -> None:
    changes = {name: value for name, value in TOOL.items() if name != left_out}
    if left_out == "action_space":
        changes = {"robot": "franka_panda"}
    with pytest.raises(HumeError, match=message):
        taught_rows(config(**changes), tool_data(some_rows()))


@pytest.mark.parametrize("fps", [5.0, 20.0, 50.0])
def test_numbers_that_are_no_metres_are_refused(fps: float) -> None:
    metres = some_rows() * 0.01
    metres[:, 3:] *= 2.0
    plain = {**TOOL, "scale": [1.0] * 6}
    taught_rows(config(**plain), tool_data(metres, fps))
    with pytest.raises(DatasetError, match="per row of"):
        taught_rows(config(**plain), tool_data(metres * [*[1e3] * 6, 1.0], fps))


@pytest.mark.parametrize("size", [1e-4, 1e-3, 0.05])
def test_metres_are_not_drowned(size: float) -> None:
    rows = some_rows(400) * np.array([size, size, 0.02 * size, size, 0.0, 0.0, 1.0])
    taught = taught_rows(config(**{**TOOL, "scale": [1.0] * 6}), tool_data(rows))
    _, _, mean, std = taught.statistics(8)
    normalised = (rows - mean) / std
    assert np.abs(normalised[:, [0, 1, 3]].std(0) - 1.0).max() < 0.05, "what moves fills the range"
    assert 0.2 < normalised[:, 2].std() < 0.6, "what hardly moves does not count as much"
    assert np.abs(normalised[:, [4, 5]]).max() == 0.0
    assert (std > 0.0).all()
    # The same motion in other units is the same to the network.
    scaled = taught_rows(config(**{**TOOL, "scale": [1e-3] * 6}), tool_data(rows * [*[1e3] * 6, 1.0]))
    _, _, other_mean, other_std = scaled.statistics(8)
    np.testing.assert_allclose((rows * [*[1e3] * 6, 1.0] - other_mean) / other_std, normalised, atol=1e-3)


def test_a_tool_that_never_moves_has_a_safe_deviation() -> None:
    rows = np.zeros((50, 7))
    data = tool_data(rows)
    data = replace(data, state=np.tile(data.state[:1], (50, 1)))
    state_mean, state_std, row_mean, row_std = taught_rows(config(**TOOL), data).statistics(4)
    assert (state_std >= 1e-3).all()
    assert (row_std[:6] > 0.0).all()
    assert np.abs((data.state - state_mean.astype(np.float32)) / state_std).max() < 1e-3
    assert np.abs(row_mean).max() == 0.0


@pytest.mark.parametrize("release", ["libero_goal", "libero_object", "libero_spatial"])
def test_a_release_says_how_its_rows_are_written(release: str) -> None:
    contract = named_contract(release)
    plain = config(action_space="ee_delta", robot="franka_panda")
    taught = taught_rows(plain, tool_data(some_rows()), contract)
    check_same_meaning(contract, dataset_contract(taught))
    assert taught.space.conventions == contract.arms[0].meaning().conventions
    for other in ({"scale": [0.04] * 6}, {"rotation": "rpy"}, {"frame": "tool"}):
        data = tool_data(some_rows())
        with pytest.raises(ConfigError, match=f"{next(iter(other))} is .* in this training. The checkpoint was"):
            check_same_meaning(contract, dataset_contract(taught_rows(replace(plain, **other), data, contract)))


@pytest.fixture(scope="module")
def joints(data: Demonstrations) -> Demonstrations:
    """The first episode of the simulated arm."""
    length = int(data.lengths[0])
    return replace(
        data, images={}, state=data.state[:length], action=data.action[:length], perturbed=data.perturbed[:length],
        success=None, environment=None, starts=data.starts[:1], lengths=data.lengths[:1], tasks=data.tasks[:1],
    )  # fmt: skip


def by_kinematics(joints: Demonstrations, **changes: Any) -> TaughtRows:
    return taught_rows(config(robot="wx250s_sim", **changes), joints)


@pytest.mark.parametrize(
    "changes",
    [
        {"action_space": "ee_delta"},
        {"action_space": "ee_delta", "frame": "tool", "rotation": "rpy", "scale": list(LIBERO)},
        {"action_space": "ee_delta", "reference": "observation"},
        {"action_space": "ee_pose"},
        {"action_space": "ee_pose", "rotation": "rpy"},
    ],
)
def test_joints_become_rows_that_lead_back_to_them(joints: Demonstrations, changes: dict[str, Any]) -> None:
    taught = by_kinematics(joints, **changes)
    profile = RobotProfile.load("wx250s_sim")
    adapted = dataset_contract(taught).adapt(profile)
    layout = adapted.action_layout(load_kinematics(adapted))
    frame = 11
    chunk, _ = taught.chunks(np.array([frame]), 6)
    anchor = joints.state[frame, :6].astype(np.float64)
    wanted = layout.from_joints(
        joints.action[frame : frame + 6, :6].astype(np.float64), joints.action[frame : frame + 6, 6:], anchor
    )
    if changes["action_space"] == "ee_delta":
        np.testing.assert_allclose(chunk[0], wanted, atol=1e-5)
    reached, _ = layout.to_joints(chunk[0].astype(np.float64), anchor, 0.05)
    arm = load_kinematics(adapted)
    for k in range(6):
        found, target = arm.forward(reached[k]), arm.forward(joints.action[frame + k, :6].astype(np.float64))
        assert np.abs(found.error_to(target)).max() < 0.01


def test_rows_from_the_measured_pose(joints: Demonstrations) -> None:
    taught = by_kinematics(joints, action_space="ee_delta", reference="measured")
    arm = load_kinematics(RobotProfile.load("wx250s_sim"))
    chunk, _ = taught.chunks(np.array([7]), 5)
    for k in range(5):
        measured, target = (arm.forward(part[7 + k, :6].astype(np.float64)) for part in (joints.state, joints.action))
        np.testing.assert_allclose(chunk[0, k, :6], measured.error_to(target), atol=1e-6)
    assert dataset_contract(taught).arms[0].reference == "measured"


@pytest.mark.parametrize("reference", ["previous_row", "measured", "observation"])
@pytest.mark.parametrize("delay", [0, 1, 5])
def test_a_window_is_a_part_of_its_chunk(joints: Demonstrations, reference: str, delay: int) -> None:
    taught = by_kinematics(joints, action_space="ee_delta", reference=reference)
    frames = np.array([4, 20, int(joints.ends[0]) - 6])
    chunk, _ = taught.chunks(frames, 16)
    window, _ = taught.windows(frames, frames + delay, 8)
    np.testing.assert_allclose(window, chunk[:, delay : delay + 8], atol=1e-6)
    if reference != "observation":
        np.testing.assert_array_equal(chunk[2, 7:, :6], 0.0)


def test_joints_without_kinematics_are_refused(joints: Demonstrations) -> None:
    with pytest.raises(ConfigError, match="Write robot: NAME"):
        taught_rows(config(action_space="ee_delta"), joints)
    with pytest.raises(HumeError, match="configuration says panda_joint1"):
        taught_rows(config(action_space="ee_pose", robot="franka_panda"), joints)


@pytest.mark.parametrize("form", list(RotationFormat))
def test_rotations_of_a_tool_that_points_down_do_not_jump(form: RotationFormat) -> None:
    angles = np.linspace(-0.3, 0.3, 40)
    matrices = [rotation_from_vector(np.array([np.pi + a, 0.0, 0.0])) for a in angles]
    jumping = np.stack([form.numbers(matrix) for matrix in matrices])
    assert np.abs(np.diff(jumping, axis=0)).max() > 3.0
    smooth = unwrapped(jumping, form)
    assert np.abs(np.diff(smooth, axis=0)).max() < 0.1
    for numbers, matrix in zip(smooth, matrices, strict=True):
        np.testing.assert_allclose(form.matrix(numbers), matrix, atol=1e-6)


def test_a_tool_policy_moves_an_arm_the_way_it_was_taught(write_dataset: Callable[..., Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    taught = np.array([0.3, -0.15, 0.1, 0.0, 0.0, 0.1])
    actions = [np.column_stack([taught + rng.normal(scale=0.05, size=(30, 6)), np.ones(30)]) for _ in range(2)]
    states = [np.tile(np.append(POINTING_DOWN, [0.04, -0.04]), (30, 1)) for _ in range(2)]
    names = {"action": {"motors": [*AXES, "gripper"]}, "observation.state": {"motors": [*AXES, "gripper", "gripper"]}}
    root = write_dataset(tmp_path / "data", actions, states, names, fps=10)
    changes = {**TOOL, "reference": "previous_row", "dataset": str(root), "output": str(tmp_path / "run")}
    changes |= {"preset": "tabletop", "steps": 6, "batch_size": 4, "warmup_steps": 1, "learning_rate": 1e-4}
    assert train_system2(System2Config.from_dict(changes)).finished

    checkpoint = tmp_path / "run" / "checkpoint"
    contract = PolicyContract.load(checkpoint)
    assert contract is not None
    assert (contract.dt, contract.arms[0].space, contract.arms[0].scale) == (0.1, "ee_delta", LIBERO)
    profile = contract.adapt(RobotProfile.load("franka_panda"))
    system2 = System2.from_pretrained(checkpoint)
    data = load_demonstrations(root)
    observation = Observation(
        {"image": np.array(data.images["image"][:1])}, torch.from_numpy(data.state[None, :1]), ["move the tool"]
    )
    thought = system2.think(observation, 4, (1.0, 1.0), generator=torch.Generator().manual_seed(0))
    rows = system2.unnormalise(thought.chunk[0]).double().numpy()
    kinematics = load_kinematics(profile)
    home = np.array(profile.home)
    joints, _ = profile.action_layout(kinematics).to_joints(rows[:4], home, contract.dt)
    moved = kinematics.forward(joints[-1]).position - kinematics.forward(home).position
    wanted = 4 * taught[:3] * 0.05
    assert moved @ wanted > 0.9 * np.linalg.norm(moved) * np.linalg.norm(wanted), "along the taught direction"
    assert 0.5 < np.linalg.norm(moved) / np.linalg.norm(wanted) < 1.5
