"""What chunks in end-effector spaces mean: the path of the tool, and the joints that follow it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from six_joint_arm import START, arm, assert_same, endless_arm

from hume_core.action_spaces import (
    ActionSpace,
    Conventions,
    DeltaFrame,
    EeDelta,
    EePose,
    RotationFormat,
    SegmentTargets,
)
from hume_core.errors import ActionSpaceError
from hume_core.kinematics import Kinematics, Pose
from hume_core.kinematics.rotation import rotation_from_rpy, rotation_from_vector, rotation_to_vector

DT = 0.1
DELTA = EeDelta()
ROW = np.array([0.01, -0.005, 0.008, 0.02, 0.03, -0.01])


def follow(arm: Kinematics, rows: NDArray[np.float64], space: ActionSpace = DELTA) -> SegmentTargets:
    targets = space.path(rows, START, DT, arm).segment(0, rows)
    assert isinstance(targets, SegmentTargets)
    return targets


def test_displacements_in_the_base_frame_add_up_from_the_anchor() -> None:
    kinematics = arm()
    pose = kinematics.forward(START)
    targets = follow(kinematics, np.tile(ROW, (3, 1)))
    for positions in targets.positions:
        turn = rotation_from_vector(ROW[3:])
        pose = Pose(pose.position + ROW[:3], turn @ pose.rotation)
        assert_same(kinematics.forward(positions), pose)
    assert (targets.followed, targets.report) == (3, "")


def test_displacements_in_the_tool_frame_turn_with_the_tool() -> None:
    kinematics = arm()
    action = EeDelta(Conventions(DeltaFrame.TOOL))
    start = kinematics.forward(START)
    reached = kinematics.forward(follow(kinematics, ROW[None], action).positions[0])
    expected = Pose(start.position + start.rotation @ ROW[:3], start.rotation @ rotation_from_vector(ROW[3:]))
    assert_same(reached, expected)


def test_scale_and_roll_pitch_yaw_are_applied() -> None:
    kinematics = arm(velocity=5.0)
    scale = (0.05, 0.05, 0.05, 0.5, 0.5, 0.5)
    action = EeDelta(Conventions(rotation=RotationFormat.RPY, scale=scale))
    start = kinematics.forward(START)
    reached = kinematics.forward(follow(kinematics, np.array([[0.2, 0, 0, 0.1, 0.2, 0.1]]), action).positions[0])
    turn = rotation_from_rpy(np.array([0.05, 0.1, 0.05]))
    assert_same(reached, Pose(start.position + 0.01 * np.eye(3)[0], turn @ start.rotation))


def test_poses_are_taken_as_they_are() -> None:
    kinematics = arm()
    wanted = kinematics.forward(START + 0.03)
    row = np.concatenate([wanted.position, rotation_to_vector(wanted.rotation)])
    targets = follow(kinematics, np.tile(row, (2, 1)), EePose())
    assert_same(kinematics.forward(targets.positions[1]), wanted)


def test_refined_rows_replace_the_chunk_s_rows() -> None:
    kinematics = arm()
    rows = np.tile(ROW, (8, 1))
    path = DELTA.path(rows, START, DT, kinematics)
    path.segment(0, -rows[:4])
    later = path.segment(3, rows[3:7])
    # Rows 0 to 2 went back, row 3 on goes forth again.
    expected = follow(kinematics, np.concatenate([-rows[:3], rows[3:7]])).positions[3:]
    np.testing.assert_allclose(later.positions, expected, atol=1e-9)


def test_a_segment_late_in_the_chunk_counts_the_rows_before_it() -> None:
    kinematics = arm()
    rows = np.tile(ROW, (8, 1))
    late = DELTA.path(rows, START, DT, kinematics).segment(5, rows[5:7])
    np.testing.assert_allclose(late.positions, follow(kinematics, rows).positions[5:7], atol=1e-9)


def test_a_row_held_back_by_velocity_is_made_up_for() -> None:
    kinematics = arm(velocity=0.3)
    rows = np.zeros((6, 6))
    rows[0, :3] = 0.015, 0.0, 0.0
    targets = follow(kinematics, rows)
    assert "row 0 stays behind: " in targets.short
    assert targets.reason == ""
    start = kinematics.forward(START)
    assert_same(kinematics.forward(targets.positions[-1]), Pose(start.position + rows[0, :3], start.rotation))
    assert (np.abs(np.diff(np.vstack([START, targets.positions]), axis=0)) <= 0.3 * DT + 1e-12).all()


def test_rows_at_a_joint_limit_go_on_as_near_as_it_allows() -> None:
    kinematics = arm(upper=1.21)
    pose = kinematics.forward(START + 0.05 * np.eye(6)[2])
    delta = kinematics.forward(START).error_to(pose)
    rows = np.array([delta, np.zeros(6)])
    targets = follow(kinematics, rows)
    assert (targets.followed, targets.reason) == (2, "")
    assert "(joint limit of j3)" in targets.report
    assert targets.positions[1, 2] == 1.21


def test_unreachable_rows_hold_the_last_followed_one_and_a_new_segment_goes_on() -> None:
    kinematics = arm()
    rows = np.zeros((10, 6))
    rows[:3] = ROW
    rows[3, 0] = 5.0
    path = DELTA.path(rows, START, DT, kinematics)
    targets = path.segment(0, rows)
    assert targets.followed == 3
    assert targets.reason.startswith("row 3 is unreachable: ")
    np.testing.assert_array_equal(targets.positions[3:], np.tile(targets.positions[2], (7, 1)))
    resumed = path.segment(5, -rows[:3])
    assert resumed.report == ""
    assert_same(kinematics.forward(resumed.positions[-1]), kinematics.forward(START))


def test_poses_after_an_unreachable_one_are_followed_again() -> None:
    kinematics = arm()
    near = kinematics.forward(START + 0.02)
    rows = np.tile(np.concatenate([near.position, rotation_to_vector(near.rotation)]), (4, 1))
    rows[1, 0] += 5.0
    targets = follow(kinematics, rows, EePose())
    assert targets.followed == 1
    np.testing.assert_array_equal(targets.positions[1], targets.positions[0])
    assert_same(kinematics.forward(targets.positions[3]), near)


def test_numbers_that_are_not_finite_stay_visible() -> None:
    kinematics = arm()
    rows = np.tile(ROW, (4, 1))
    path = DELTA.path(rows, START, DT, kinematics)
    assert np.isnan(path.segment(0, np.full((2, 6), np.nan)).positions).all()
    np.testing.assert_allclose(path.segment(0, rows).positions, follow(kinematics, rows).positions)


def test_narrow_rows_are_refused() -> None:
    with pytest.raises(ActionSpaceError, match=r"needs at least \(k, 6\)"):
        follow(arm(), np.zeros((3, 4)))


@pytest.mark.parametrize("way", [-1.0, 1.0])
@pytest.mark.parametrize("start", [3.05, -3.05, 9.5])
def test_a_continuous_joint_turns_the_tool_past_pi(way: float, start: float) -> None:
    """The tool turns about its own axis, which is the last joint's, by more than half a turn."""
    arm = endless_arm()
    anchor = np.array([*START[:5], start])
    rows = np.tile([0.0, 0.0, 0.0, 0.15 * way, 0.0, 0.0], (24, 1))
    found = EeDelta(Conventions(frame=DeltaFrame.TOOL)).path(rows, anchor, DT, arm).segment(0, rows)
    assert found.report == ""
    np.testing.assert_allclose(np.diff(found.positions[:, 5], prepend=start), 0.15 * way, atol=1e-3)
    np.testing.assert_allclose(found.positions[:, :5], np.tile(START[:5], (24, 1)), atol=1e-3)
