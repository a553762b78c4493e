"""How a row is split: two arms with different spaces and two grippers, and the layout of a profile."""

from __future__ import annotations

from functools import cache
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hume_core.action_spaces import (
    ACTION_SPACES,
    ActionLayout,
    ArmGroup,
    Conventions,
    EeDelta,
    GripperGroup,
    JointDelta,
    JointPosition,
    Reference,
    find_action_space,
)
from hume_core.errors import ActionSpaceError
from hume_core.kinematics import Kinematics
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_kinematics

DT = 0.05
ROBOTS = ("ur5e", "wx250s")
GRIPPERS = (GripperGroup("left_finger"), GripperGroup("right_finger"))


@cache
def kinematics(robot: str) -> Kinematics:
    return load_kinematics(RobotProfile.load(robot))


def arms(left: str, right: str) -> tuple[ArmGroup, ArmGroup]:
    made = [
        ArmGroup(
            side, tuple(f"{side}_{n}" for n in kinematics(robot).model.joints), find_action_space(space)(),
            kinematics(robot),
        )
        for side, robot, space in zip(("left", "right"), ROBOTS, (left, right), strict=True)
    ]  # fmt: skip
    return made[0], made[1]


def anchor() -> np.ndarray:
    return np.concatenate([np.array(RobotProfile.load(robot).home) + 0.3 for robot in ROBOTS])


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(list(ACTION_SPACES)),
    st.sampled_from(list(ACTION_SPACES)),
    st.sampled_from(list(permutations(range(4)))),
    st.integers(0, 2**32 - 1),
)
def test_two_arms_and_two_grippers_come_back(left: str, right: str, order: tuple[int, ...], seed: int) -> None:
    groups = (*arms(left, right), *GRIPPERS)
    layout = ActionLayout(tuple(groups[k] for k in order))
    rng = np.random.default_rng(seed)
    limit = np.concatenate([arm.kinematics.limits.velocity for arm in layout.arms if arm.kinematics])
    start = np.concatenate([anchor()[:6] if arm.name == "left" else anchor()[6:] for arm in layout.arms])
    positions = start + np.cumsum(rng.uniform(-0.3, 0.3, (5, 12)) * limit * DT, axis=0)
    grippers = rng.uniform(0.0, 1.0, (5, 2))
    rows = layout.from_joints(positions, grippers, start)
    assert rows.shape == (5, layout.size)
    assert len(layout.column_names) == layout.size
    back, numbers = layout.to_joints(rows, start, DT)
    np.testing.assert_allclose(back, positions, atol=5e-3)
    np.testing.assert_array_equal(numbers, grippers)


def test_columns_follow_the_order_of_the_groups() -> None:
    left, right = arms("joint_delta", "ee_delta")
    layout = ActionLayout((GRIPPERS[1], right, left, GRIPPERS[0]))
    assert layout.size == 14
    assert layout.slices == (slice(0, 1), slice(1, 7), slice(7, 13), slice(13, 14))
    assert layout.joint_names == right.joints + left.joints
    assert layout.gripper_names == ("right_finger", "left_finger")
    tool = tuple(f"right/{name}" for name in ("x", "y", "z", "rx", "ry", "rz"))
    assert layout.column_names == ("right_finger", *tool, *left.joints, "left_finger")
    assert layout.action_space == "right=ee_delta,left=joint_delta"
    assert not layout.lacks_kinematics
    assert layout.sequential
    assert not layout.offsets_from_anchor
    rows = np.zeros((3, 14))
    rows[:, 0], rows[:, 13], rows[:, 7:13] = 0.25, 0.75, 0.01
    start = np.concatenate([anchor()[6:], anchor()[:6]])
    positions, grippers = layout.to_joints(rows, start, DT)
    np.testing.assert_array_equal(grippers, np.tile([0.25, 0.75], (3, 1)))
    np.testing.assert_array_equal(positions[:, 6:], np.tile(start[6:] + 0.01, (3, 1)))
    np.testing.assert_allclose(positions[:, :6], np.tile(start[:6], (3, 1)), atol=1e-9)


def test_a_path_names_the_arm_that_does_not_follow() -> None:
    layout = ActionLayout(arms("joint_delta", "ee_delta"))
    rows = np.zeros((4, 12))
    rows[2, 6] = 5.0
    path = layout.path(rows, anchor(), DT)
    assert path.segment(0, rows[:2]).report == ""
    targets = path.segment(2, rows[2:])
    assert targets.report.startswith("right: row 2 is unreachable: ")
    assert targets.grippers.shape == (2, 0)


@pytest.mark.parametrize("robot", ["ur5e", "wx250s", "so101", "franka_panda"])
def test_a_profile_s_layout_is_its_arm_and_its_gripper(robot: str) -> None:
    profile = RobotProfile.load(robot)
    layout = profile.action_layout()
    assert (
        layout.size == profile.action_dim == profile.action_space.size(len(profile.joints)) + len(layout.gripper_names)
    )
    assert layout.joint_names == profile.joint_names
    assert layout.gripper_names == (() if profile.gripper is None else (profile.gripper.joint,))
    assert layout.action_space == profile.action.space
    assert layout.column_names[: layout.slices[0].stop] == profile.action_space.column_names(profile.joint_names)


def test_wider_rows_are_cut_and_narrower_ones_refused() -> None:
    layout = ActionLayout((ArmGroup("arm", ("a", "b"), JointPosition()), GripperGroup("finger")))
    rows = np.arange(10.0).reshape(2, 5)
    positions, grippers = layout.to_joints(rows, np.zeros(2), DT)
    np.testing.assert_array_equal(positions, rows[:, :2])
    np.testing.assert_array_equal(grippers, rows[:, 2:3])
    with pytest.raises(ActionSpaceError, match=r"needs at least \(k, 3\) and \(2,\)"):
        layout.to_joints(rows[:, :2], np.zeros(2), DT)
    with pytest.raises(ActionSpaceError, match=r"needs at least \(k, 3\)"):
        layout.path(rows, np.zeros(2), DT).segment(0, rows[:, :2])
    with pytest.raises(ActionSpaceError, match=r"needs \(k, 2\), \(k, 1\), \(2,\)"):
        layout.from_joints(rows[:, :2], np.zeros((2, 2)), np.zeros(2))


def test_layouts_without_an_arm_or_with_doubled_names_are_refused() -> None:
    with pytest.raises(ActionSpaceError, match="at least one arm"):
        ActionLayout((GripperGroup("finger"),))
    one = ArmGroup("arm", ("a",), JointDelta())
    with pytest.raises(ActionSpaceError, match="names twice: arm"):
        ActionLayout((one, ArmGroup("arm", ("b",), JointDelta())))
    with pytest.raises(ActionSpaceError, match="names twice: a"):
        ActionLayout((one, ArmGroup("other", ("a",), EeDelta())))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 1, 3), (2, 3, 0, 1), (3, 1, 2, 0)])
def test_how_far_the_joints_moved_stands_where_their_numbers_are(order: tuple[int, ...]) -> None:
    parts = (ArmGroup("left", ("a", "b"), JointDelta()), ArmGroup("right", ("c",), JointDelta()), *GRIPPERS)
    layout = ActionLayout(tuple(parts[i] for i in order))
    moved = dict(zip(layout.joint_names, (0.1, 0.2, 0.3), strict=True))
    expected = [moved.get(name, 0.0) for name in layout.column_names]
    np.testing.assert_array_equal(layout.in_rows(np.array(list(moved.values()))), expected)


def test_rows_counted_from_the_tool_at_the_observation_cannot_be_compared() -> None:
    for reference, comparable in (("previous_row", True), ("observation", False), ("measured", True)):
        space = EeDelta(Conventions(reference=Reference(reference)))
        layout = ActionLayout((ArmGroup("left", ("a",), JointDelta()), ArmGroup("right", ("b",), space)))
        assert layout.comparable is comparable
