"""What a dataset's numbers are follows from their names or from the configuration, never from a default."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hume_core.action_spaces import JointDelta
from hume_core.errors import ConfigError, DatasetError, HumeError
from hume_core.robot_sections import StateField
from hume_training.data.arranged import arranged
from hume_training.data.contract import dataset_contract
from hume_training.data.deduce import deduce_layout
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.row_layout import DataLayout, Rows
from hume_training.data.taught_rows import TaughtRows
from hume_training.training.config import System2Config
from hume_training.training.taught import taught_rows

PANDA = tuple(f"panda_joint{k}" for k in range(1, 8))
UR = ("shoulder_pan_joint", "shoulder_lift_joint", "elbow_joint", "wrist_1_joint", "wrist_2_joint", "wrist_3_joint")
SO101 = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll")
ALOHA = ("waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate")


def in_memory(
    action_names: Sequence[str],
    state_names: Sequence[str],
    action: np.ndarray | None = None,
    state: np.ndarray | None = None,
    sizes: tuple[int, int] = (0, 0),
) -> Demonstrations:
    """One episode; small random numbers where none are given. `sizes` of action and state count without names."""
    rng = np.random.default_rng(0)
    shape = (20, len(action_names) or sizes[0]), (20, len(state_names) or sizes[1])
    action = rng.uniform(-0.5, 0.5, shape[0]) if action is None else action
    state = rng.uniform(-0.5, 0.5, shape[1]) if state is None else state
    return Demonstrations(
        fps=20.0, images={}, state=state.astype(np.float32), action=action.astype(np.float32), environment=None,
        perturbed=np.zeros(len(state), bool), success=None, starts=np.array([0]), lengths=np.array([len(state)]),
        tasks=["move"], state_names=tuple(state_names), action_names=tuple(action_names),
    )  # fmt: skip


def config(**changes: Any) -> System2Config:
    return System2Config.from_dict({"dataset": "d", "output": "o"} | changes)


def layout_of(data: Demonstrations, **changes: Any) -> DataLayout:
    return deduce_layout(data, config(**changes).layout_options)


def both(names: tuple[str, ...]) -> Demonstrations:
    return in_memory(names, names)


@pytest.mark.parametrize(
    ("names", "joints", "grippers"),
    [
        ((*PANDA, "panda_finger_joint1"), PANDA, ["panda_finger_joint1"]),
        (PANDA, PANDA, []),
        (UR, UR, []),
        ((*UR, "gripper"), UR, ["gripper"]),
        (tuple(f"{name}.pos" for name in (*SO101, "gripper")), SO101, ["gripper"]),
        (tuple(f"{name}_pos" for name in (*SO101, "gripper")), SO101, ["gripper"]),
        (("gripper", "a_joint", "b_joint"), ("a_joint", "b_joint"), ["gripper"]),
        (("joint_0", "joint_1", "joint_2", "claw"), ("joint_0", "joint_1", "joint_2"), ["claw"]),
        (("torso_lift_joint", "head_pan", "head_tilt"), ("torso_lift_joint", "head_pan", "head_tilt"), []),
    ],
)  # fmt: skip
def test_one_arm_of_any_number_of_joints(names: tuple[str, ...], joints: tuple[str, ...], grippers: list[str]) -> None:
    layout = layout_of(both(names))
    assert layout.rows is Rows.JOINTS
    assert [(arm.name, arm.joints) for arm in layout.arms] == [("arm", joints)]
    assert [gripper.name for gripper in layout.grippers] == grippers
    assert [names[k].removesuffix(".pos").removesuffix("_pos") for k in layout.arms[0].action] == list(joints)
    assert layout.arms[0].positions == layout.arms[0].action


def bimanual(joints: tuple[str, ...], gripper: bool, kind: str = "{side}_{name}") -> tuple[str, ...]:
    each = (*joints, "gripper") if gripper else joints
    return tuple(kind.format(side=side, name=name) for side in ("left", "right") for name in each)


@pytest.mark.parametrize("gripper", [False, True])
@pytest.mark.parametrize("kind", ["{side}_{name}", "{name}_{side}", "{side}_{name}.pos"])
@pytest.mark.parametrize("joints", [ALOHA, tuple(f"j{k}" for k in range(1, 8)), ("one", "two", "three")])
def test_two_arms_with_and_without_grippers(joints: tuple[str, ...], kind: str, gripper: bool) -> None:
    names = bimanual(joints, gripper, kind)
    data = both(names)
    layout = layout_of(data)
    assert [arm.name for arm in layout.arms] == ["left", "right"]
    assert len(layout.joints) == 2 * len(joints)
    arranged_data, layout = arranged(data, layout)
    rows = TaughtRows(arranged_data, layout, JointDelta())
    contract = dataset_contract(rows)
    assert [len(arm.joints) for arm in contract.arms] == [len(joints)] * 2
    assert (contract.action_dim, contract.state_dim) == (len(names), len(names))
    assert len(contract.row) == (4 if gripper else 2)
    # A held arm is taught zeros for each of its joints, and its grippers' numbers as they are.
    held = np.tile(data.state[:1], (20, 1))
    still, layout = arranged(in_memory(names, names, held, held), layout_of(data))
    chunk, _ = TaughtRows(still, layout, JointDelta()).chunks(np.array([3]), 4)
    for arm in layout.arms:
        np.testing.assert_array_equal(chunk[0][:, list(arm.action)], 0.0)
    for finger in layout.grippers:
        np.testing.assert_array_equal(chunk[0][:, finger.action], held[0, finger.action])


@pytest.mark.parametrize("count", [5, 7, 9])
def test_holding_still_is_zero_for_every_joint(count: int) -> None:
    names = (*(f"joint{k}" for k in range(count)), "gripper")
    state = np.tile(np.append(np.full(count, 0.785), 0.04), (20, 1))
    action = state.copy()
    action[:, -1] = 1.0
    rows = taught_rows(config(), in_memory(names, names, action, state))
    chunk, _ = rows.chunks(np.array([5]), 4)
    np.testing.assert_array_equal(chunk[0], np.tile(np.append(np.zeros(count), 1.0), (4, 1)).astype(np.float32))
    assert len(dataset_contract(rows).arms[0].joints) == count


@pytest.mark.parametrize(
    "names",
    [
        tuple(f"motor_{k}" for k in range(8)),
        tuple(f"action_{k}" for k in range(7)),
        tuple(str(k) for k in range(14)),
        ("dim0", "dim1", "dim2"),
        tuple(f"left_motor{k}" for k in range(6)),
        (*PANDA[:6], "value_6"),
    ],
)
def test_names_that_say_nothing_are_refused_with_the_lines_to_write(names: tuple[str, ...]) -> None:
    with pytest.raises(DatasetError) as refused:
        layout_of(both(names))
    for part in (*names, "robot: NAME", "joints: [NAME", "grippers: {NAME: [CLOSED, OPEN]}", "arms: {left"):
        assert part in str(refused.value)


@pytest.mark.parametrize("sizes", [(8, 8), (14, 14), (6, 7)])
def test_no_names_are_refused(sizes: tuple[int, int]) -> None:
    with pytest.raises(DatasetError, match=rf"(?s)its {sizes[0]} numbers have no names.*robot: NAME"):
        layout_of(in_memory((), (), sizes=sizes))


@pytest.mark.parametrize("strange", ["x.vel", "elbow.vel", "terminate_episode", "wheel_left", "x", "pad"])
def test_numbers_that_no_action_row_has(strange: str) -> None:
    names = (*SO101, strange)
    with pytest.raises(DatasetError, match="cannot be a number of an action row"):
        layout_of(in_memory(names, SO101))


def test_the_configuration_names_what_the_dataset_does_not() -> None:
    data = in_memory((), (), sizes=(8, 8))
    layout = layout_of(data, joints=list(PANDA), state="joint_positions,gripper")
    assert (layout.joints, [g.name for g in layout.grippers]) == (PANDA, ["gripper"])
    layout = layout_of(data, joints=list(PANDA), grippers={"hand": [1, -1]}, state=["joint_positions", "gripper"])
    assert [(g.name, g.action, g.closed, g.open) for g in layout.grippers] == [("hand", 7, 1.0, -1.0)]
    two = in_memory((), (), sizes=(6, 4))
    arms = {"left": ["a", "b"], "right": ["c", "d"]}
    layout = layout_of(two, arms=arms, grippers="l,r", row="left,l,right,r", state="joint_positions")
    assert [arm.action for arm in layout.arms] == [(0, 1), (3, 4)]
    assert [gripper.action for gripper in layout.grippers] == [2, 5]
    assert [arm.positions for arm in layout.arms] == [(0, 1), (2, 3)]


def test_a_robot_names_what_the_dataset_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUME_ROBOTS", str(Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"))
    names = tuple(f"motor_{k}" for k in range(8))
    layout = layout_of(both(names), robot="franka_panda")
    assert (layout.joints, [g.name for g in layout.grippers]) == (PANDA, ["panda_finger_joint1"])
    # Seven numbers of a six-joint arm may be six joints, or the six numbers of its tool.
    with pytest.raises(DatasetError, match=r"(?s)whether six of them.*dataset_actions: joints"):
        layout_of(both(names[:7]), robot="wx250s")
    assert layout_of(both(names[:7]), robot="wx250s", dataset_actions="joints").rows is Rows.JOINTS
    assert layout_of(both(names[:7]), robot="wx250s", dataset_actions="tool").rows is Rows.TOOL


@pytest.mark.parametrize(
    ("sizes", "changes", "message"),
    [
        ((8, 8), {"joints": list(UR)}, "with 6 numbers of arms and 0 of grippers has 6. The dataset's has 8"),
        ((6, 4), {"arms": {"l": ["a", "b"], "r": ["c", "d"]}, "grippers": "g,h"}, "Add row: with all of them"),
        ((6, 4), {"arms": {"l": ["a", "b"]}, "grippers": "g", "row": "l,x"}, "row must name each of l, g once"),
        ((8, 9), {"joints": list(PANDA), "state": "joint_positions,gripper"}, "has 8 numbers. The dataset's .* has 9"),
        ((8, 8), {"joints": list(PANDA), "state": "joint_positions"}, "has 7 numbers. The dataset's .* has 8"),
        ((8, 8), {"joints": list(PANDA)}, r"(?s)'observation.state': its 8 numbers have no names.*state: "),
    ],
)
def test_a_configuration_that_does_not_fit(sizes: tuple[int, int], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        layout_of(in_memory((), (), sizes=sizes), **changes)


@pytest.mark.parametrize(
    "changes",
    [{"joints": list(UR[::-1])}, {"joints": list(UR[:5])}, {"grippers": "g"}, {"arms": {"left": list(UR)}}],
)
def test_a_configuration_that_contradicts_the_names(changes: dict[str, Any]) -> None:
    with pytest.raises(DatasetError, match=r"The configuration (says|names)|the configuration names"):
        layout_of(both(UR), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"joints": 0}, "from 1 to"),
        ({"joints": [1, 2]}, "names"),
        ({"joints": "a,a"}, "'a' occurs twice"),
        ({"joints": "a", "arms": {"l": ["b"]}}, "both given"),
        ({"grippers": {"g": [1]}}, "two numbers that differ"),
        ({"grippers": {"g": [1, 1]}}, "two numbers that differ"),
        ({"arms": "left"}, "each arm with its joints"),
        ({"unit": "grad"}, "Valid: rad, deg"),
        ({"dataset_actions": "wheels"}, "Valid: joints, tool"),
        ({"action_space": "ee_delta", "scale": [1, 1]}, "six positive numbers"),
        ({"action_space": "ee_delta", "frame": "world"}, "Valid: base, tool"),
        ({"rotation": "rpy"}, "'rotation' has no use with action_space 'joint_delta'"),
        ({"action_space": "ee_pose", "reference": "measured"}, "'reference' has no use with action_space 'ee_pose'"),
        ({"action_space": "ee_delta", "reference": "here"}, "Valid: previous_row, observation, measured"),
    ],
)
def test_a_configuration_of_wrong_values(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config(**changes)


@pytest.mark.parametrize("count", [5, 8])
def test_a_number_of_joints_is_held_against_the_dataset(count: int) -> None:
    assert taught_rows(config(joints=6), both(UR)).action_dim == 6
    with pytest.raises(ConfigError, match=rf"joints is {count} in this training. The dataset has 6: shoulder_pan"):
        taught_rows(config(joints=count), both(UR))


def test_states_are_put_in_the_order_of_the_joints() -> None:
    state = np.arange(60.0).reshape(20, 3) / 60.0
    data = in_memory(("a_joint", "b_joint", "gripper"), ("finger", "b_joint", "a_joint"), state=state)
    found, layout = arranged(data, layout_of(data))
    np.testing.assert_array_equal(found.state, state[:, [0, 2, 1]].astype(np.float32))
    contract = dataset_contract(TaughtRows(found, layout, JointDelta()))
    assert [part.field for part in contract.state] == [StateField.GRIPPER, StateField.JOINT_POSITIONS]
    assert [gripper.name for gripper in contract.grippers] == ["finger"]


@pytest.mark.parametrize("form", ["opening", "closedness", "percent"])
def test_states_of_other_units_than_the_actions(form: str) -> None:
    names = ("a_joint_deg", "b_joint_deg", f"left_finger_{form}")
    state = np.random.default_rng(0).uniform(0.1, 1.0, (20, 3)) * [60.0, 60.0, 100.0 if form == "percent" else 1.0]
    data = in_memory(("a_joint", "b_joint", "gripper"), names, state=state)
    rows = taught_rows(config(), data)
    contract = dataset_contract(rows).model_dump(mode="json")
    assert contract["state"] == [{"field": "joint_positions", "unit": "deg"}, {"field": "gripper", "form": form}]
    assert (contract["arms"][0]["unit"], contract["grippers"][0]["name"]) == ("rad", "left_finger")
    chunk, _ = rows.chunks(np.array([2]), 1)
    np.testing.assert_allclose(chunk[0, 0, :2], data.action[2, :2] - np.radians(data.state[2, :2]), atol=1e-6)


def test_states_of_other_joints_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"has the joints c_joint, d_joint .* Its actions have a_joint, b_joint"):
        layout_of(in_memory(("a_joint", "b_joint"), ("c_joint", "d_joint")))


@pytest.mark.parametrize(
    "state", ["joints", ["gripper", {"field": "gripper", "form": "wide"}], [{"form": "percent"}], [3]]
)
def test_a_state_of_unknown_parts(state: Any) -> None:
    with pytest.raises(ConfigError, match="training field 'state' is"):
        _ = config(state=state).layout_options


def test_every_refusal_is_typed() -> None:
    rng = np.random.default_rng(1)
    words = ["x", "y", "rx", "qw", "left_x", "gripper", "joint_1", "motor_2", "", "pad", "a.vel", "right_j", "é", "w"]
    for _ in range(300):
        names = tuple(rng.choice(words, rng.integers(1, 9)))
        try:
            taught_rows(config(action_space=str(rng.choice(["joint_delta", "ee_delta", "ee_pose"]))), both(names))
        except HumeError:
            continue
