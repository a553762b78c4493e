"""Action spaces: both directions for every one, their names and sizes, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hume_core.action_spaces import (
    ACTION_SPACES,
    Conventions,
    DeltaFrame,
    EeDelta,
    EePose,
    JointDelta,
    JointPosition,
    RotationFormat,
    check_described_spaces,
    find_action_space,
)
from hume_core.errors import ActionSpaceError
from hume_core.kinematics import Kinematics
from hume_core.kinematics.damping import damped_displacement
from hume_core.kinematics.rotation import rotation_from_rpy, rotation_to_rpy
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_kinematics

ROWS = np.array([[0.1, 0.2, 1.0], [0.3, 0.4, 0.0]])
ANCHOR = np.array([1.0, -1.0])
DT = 0.05
SIX_JOINTS = ("ur5e", "wx250s", "vx300s")
WRITTEN = (
    Conventions(),
    Conventions(DeltaFrame.TOOL, RotationFormat.RPY, (0.05, 0.05, 0.05, 0.5, 0.5, 0.5)),
)


def arm(robot: str) -> tuple[RobotProfile, Kinematics]:
    profile = RobotProfile.load(robot)
    return profile, load_kinematics(profile)


def far_from_singular(
    kinematics: Kinematics, home: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Joint positions (n,) near home, rad, from which the tool can move in every direction."""
    while True:
        near = home + rng.uniform(-0.6, 0.6, len(home))
        joints = np.clip(near, kinematics.limits.lower + 0.3, kinematics.limits.upper - 0.3)
        jacobian = kinematics.model.forward_and_jacobian(joints)[1]
        if damped_displacement(jacobian, np.zeros(6), 0.2).smallest > 0.06:
            return np.asarray(joints)


def wander(kinematics: Kinematics, home: tuple[float, ...], seed: int) -> NDArray[np.float64]:
    """(9, n) joint positions from near home on, rad, each within a third of the velocity limits from the last."""
    rng = np.random.default_rng(seed)
    joints = [far_from_singular(kinematics, np.array(home), rng)]
    for _ in range(8):
        step = rng.uniform(-0.3, 0.3, len(home)) * kinematics.limits.velocity * DT
        joints.append(np.clip(joints[-1] + step, kinematics.limits.lower, kinematics.limits.upper))
    return np.array(joints)


def test_joint_positions_are_taken_as_they_are() -> None:
    targets = JointPosition().to_joints(ROWS, ANCHOR, DT)
    np.testing.assert_array_equal(targets, ROWS[:, :2])
    targets[0, 0] = 9.0
    assert ROWS[0, 0] == 0.1


def test_joint_deltas_start_at_the_anchor() -> None:
    np.testing.assert_array_equal(JointDelta().to_joints(ROWS, ANCHOR, DT), ROWS[:, :2] + ANCHOR)


@pytest.mark.parametrize("name", ACTION_SPACES)
@pytest.mark.parametrize("conventions", WRITTEN)
@pytest.mark.parametrize("robot", SIX_JOINTS)
@pytest.mark.parametrize("seed", range(3))
def test_joints_become_rows_and_the_rows_the_same_joints(
    name: str, conventions: Conventions, robot: str, seed: int
) -> None:
    profile, kinematics = arm(robot)
    joints = wander(kinematics, profile.home, seed)
    space = find_action_space(name)(conventions)
    rows = space.from_joints(joints[1:], joints[0], kinematics)
    assert rows.shape == (8, space.size(len(profile.joints)))
    assert len(space.column_names(profile.joint_names)) == rows.shape[1]
    positions = space.to_joints(rows, joints[0], DT, kinematics)
    np.testing.assert_allclose(positions, joints[1:], atol=2e-3)
    again = space.from_joints(positions, joints[0], kinematics)
    np.testing.assert_allclose(again * conventions.scale, rows * conventions.scale, atol=1e-4)


@pytest.mark.parametrize("name", ACTION_SPACES)
def test_the_tool_of_a_redundant_arm_comes_back_to_where_it_was(name: str) -> None:
    profile, kinematics = arm("franka_panda")
    joints = wander(kinematics, profile.home, 0)
    space = find_action_space(name)()
    positions = space.to_joints(space.from_joints(joints[1:], joints[0], kinematics), joints[0], DT, kinematics)
    for reached, wanted in zip(positions, joints[1:], strict=True):
        error = kinematics.forward(reached).error_to(kinematics.forward(wanted))
        assert np.abs(error).max() < 1e-4


@pytest.mark.parametrize("name", ACTION_SPACES)
def test_a_path_gives_segments_of_what_the_whole_chunk_gives(name: str) -> None:
    profile, kinematics = arm("ur5e")
    joints = wander(kinematics, profile.home, 1)
    space = find_action_space(name)()
    rows = space.from_joints(joints[1:], joints[0], kinematics)
    whole = space.to_joints(rows, joints[0], DT, kinematics)
    path = space.path(rows, joints[0], DT, kinematics)
    for first in (0, 3, 5):
        targets = path.segment(first, rows[first : first + 3])
        np.testing.assert_array_equal(targets.positions, whole[first : first + 3])
        assert (targets.followed, targets.report) == (3, "")


@pytest.mark.parametrize("name", ACTION_SPACES)
def test_a_resting_row_keeps_the_arm_where_it_is(name: str) -> None:
    profile, kinematics = arm("ur5e")
    home = np.array(profile.home)
    space = find_action_space(name)(WRITTEN[1])
    row = space.resting_row(home, kinematics)
    np.testing.assert_allclose(space.to_joints(np.tile(row, (3, 1)), home, DT, kinematics)[-1], home, atol=1e-9)
    assert space.row_spread(6, 0.1, (0.002,) * 3 + (0.01,) * 3).shape == row.shape


def test_joint_rows_keep_type_and_batch() -> None:
    positions = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    anchors = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    rows = JointDelta().from_joints(positions, anchors)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, positions - anchors[:, None])
    np.testing.assert_array_equal(JointPosition().from_joints(positions, anchors), positions)


@pytest.mark.parametrize("space", [EeDelta(), EePose()])
def test_tool_rows_of_a_batch_are_those_of_its_members(space: EeDelta | EePose) -> None:
    profile, kinematics = arm("ur5e")
    parts = [wander(kinematics, profile.home, seed) for seed in (0, 1)]
    rows = space.from_joints(np.stack([p[1:] for p in parts]), np.stack([p[0] for p in parts]), kinematics)
    for row, part in zip(rows, parts, strict=True):
        np.testing.assert_array_equal(row, space.from_joints(part[1:], part[0], kinematics))


def test_roll_pitch_yaw_come_back_from_a_rotation_even_with_the_pitch_upright() -> None:
    rng = np.random.default_rng(0)
    for rpy in (*rng.uniform(-1.5, 1.5, (50, 3)), np.array([0.4, np.pi / 2, 0.1]), np.array([0.4, -np.pi / 2, 0.1])):
        turn = rotation_from_rpy(rpy)
        np.testing.assert_allclose(rotation_from_rpy(rotation_to_rpy(turn)), turn, atol=1e-7)
    np.testing.assert_allclose(rotation_to_rpy(rotation_from_rpy(np.array([0.3, -0.2, 2.0]))), [0.3, -0.2, 2.0])


def test_columns_say_how_the_rotation_is_written() -> None:
    assert EePose().column_names(("a", "b")) == ("x", "y", "z", "rx", "ry", "rz")
    assert EeDelta(WRITTEN[1]).column_names(("a", "b")) == ("x", "y", "z", "roll", "pitch", "yaw")
    assert JointDelta().column_names(["a", "b"]) == ("a", "b")


@pytest.mark.parametrize("space", [EeDelta(), EePose()])
def test_tool_spaces_need_kinematics_in_both_directions(space: EeDelta | EePose) -> None:
    with pytest.raises(ActionSpaceError, match=f"'{space.name}' needs inverse kinematics"):
        space.to_joints(np.zeros((2, 6)), ANCHOR, DT)
    with pytest.raises(ActionSpaceError, match=f"'{space.name}' needs inverse kinematics"):
        space.from_joints(ROWS[:, :2], ANCHOR)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ActionSpaceError, match=r"\(k, 2\)"):
        JointPosition().to_joints(ROWS[:, :1], ANCHOR, DT)
    with pytest.raises(ActionSpaceError, match=r"\(\.\.\., k, 2\)"):
        JointDelta().from_joints(ROWS, ANCHOR)
    _, kinematics = arm("ur5e")
    with pytest.raises(ActionSpaceError, match=r"\(\.\.\., k, 6\)"):
        EePose().from_joints(ROWS, ANCHOR, kinematics)
    with pytest.raises(ActionSpaceError, match="six positive numbers"):
        Conventions(scale=(1.0, 0.0, 1.0, 1.0, 1.0, 1.0))


def test_an_unknown_space_lists_the_valid_ones() -> None:
    assert find_action_space("ee_pose") is EePose
    assert {"joint_position", "joint_delta", "ee_delta", "ee_pose"} <= set(ACTION_SPACES)
    with pytest.raises(ActionSpaceError, match=f"'torque' is unknown. Valid: {', '.join(ACTION_SPACES)}$"):
        find_action_space("torque")
    check_described_spaces("left=ee_delta,right=joint_delta")
    with pytest.raises(ActionSpaceError, match="'torque' is unknown"):
        check_described_spaces("left=ee_delta,right=torque")
    with pytest.raises(ActionSpaceError, match=r"'torque' is unknown\. Valid: "):
        RobotProfile.load("ur5e").with_action("torque")
