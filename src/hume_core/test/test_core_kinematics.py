"""Kinematics: rotations, reading descriptions, solving within limits, and what chunks in end-effector spaces mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hume_core.action_spaces import (
    ActionSpace,
    Conventions,
    DeltaFrame,
    EeDelta,
    EePose,
    RotationFormat,
    SegmentTargets,
)
from hume_core.errors import ActionSpaceError, KinematicsError
from hume_core.kinematics import (
    ArmModel,
    Kinematics,
    Pose,
    Reach,
)
from hume_core.kinematics.rotation import rotation_from_rpy, rotation_from_vector, rotation_to_vector
from hume_core.limits import UNLIMITED, MotionLimits
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_kinematics

ROBOTS = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"
JOINTS = tuple(f"j{k}" for k in range(1, 7))
START = np.array([0.3, -0.6, 1.2, 0.2, 0.7, -0.4])
DT = 0.1
DELTA = EeDelta()
ROW = np.array([0.01, -0.005, 0.008, 0.02, 0.03, -0.01])


def urdf(kind: str = "revolute") -> str:
    """A six-joint arm with a spherical wrist, and a finger beside its tool. The last joint is of the given kind."""
    axes = ("0 0 1", "0 1 0", "0 1 0", "1 0 0", "0 1 0", "1 0 0")
    offsets = ("0 0 0.1", "0 0 0.05", "0 0 0.25", "0.1 0 0.03", "0.15 0 0", "0.05 0 0")
    parts = ['<robot name="six"><link name="base"/>']
    parent = "base"
    for k, (axis, offset) in enumerate(zip(axes, offsets, strict=True), start=1):
        joint_type = kind if k == 6 else "revolute"
        limit = "" if joint_type == "continuous" else '<limit lower="-2.5" upper="2.5" velocity="2" effort="9"/>'
        parts.append(
            f'<link name="l{k}"/><joint name="j{k}" type="{joint_type}"><parent link="{parent}"/><child link="l{k}"/>'
            f'<origin xyz="{offset}"/><axis xyz="{axis}"/>{limit}</joint>'
        )
        parent = f"l{k}"
    parts.append(
        '<link name="tool"/><joint name="mount" type="fixed"><parent link="l6"/><child link="tool"/>'
        '<origin xyz="0.1 0 0"/></joint><link name="finger"/><joint name="slide" type="prismatic"><parent link="l6"/>'
        '<child link="finger"/><axis xyz="0 1 0"/><limit lower="0" upper="0.04" velocity="1" effort="9"/></joint>'
        "</robot>"
    )
    return "".join(parts)


def limits(velocity: float = 2.0, upper: float = 2.5) -> MotionLimits:
    six = np.ones(6)
    return MotionLimits(JOINTS, -2.5 * six, upper * six, velocity * six, 9 * six, 99 * six, six)


def arm(velocity: float = 2.0, upper: float = 2.5, kind: str = "revolute") -> Kinematics:
    return Kinematics(ArmModel(urdf(kind), JOINTS, "base", "tool"), limits(velocity, upper), np.zeros(6))


def follow(arm: Kinematics, rows: NDArray[np.float64], space: ActionSpace = DELTA) -> SegmentTargets:
    targets = space.path(rows, START, DT, arm).segment(0, rows)
    assert isinstance(targets, SegmentTargets)
    return targets


def assert_same(pose: Pose, other: Pose, position: float = 1e-4, rotation: float = 1e-4) -> None:
    error = pose.error_to(other)
    assert np.linalg.norm(error[:3]) <= position and np.linalg.norm(error[3:]) <= rotation  # noqa: PT018


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (
            lambda: ArmModel(urdf(), ("j1", "elbow"), "base", "tool"),
            "joint 'elbow' is not in the URDF; its movable joints",
        ),
        (lambda: ArmModel(urdf(), JOINTS, "base", "hand"), "tool_link 'hand' is not in the URDF; its links: base, l1"),
        (lambda: ArmModel(urdf(), JOINTS, "world", "tool"), "base_link 'world' is not in the URDF"),
        (lambda: ArmModel(urdf(), JOINTS, "l2", "tool"), "base_link 'l2' moves with joint 'j2'"),
        (lambda: ArmModel(urdf(), JOINTS, "base", "l3"), "joint 'j4' does not move tool_link 'l3'"),
        (lambda: ArmModel("name: robot", JOINTS, "base", "tool"), "has no <robot> element"),
        (lambda: ArmModel("<robot", JOINTS, "base", "tool"), "cannot read the robot description"),
        (lambda: Kinematics(ArmModel(urdf(), JOINTS[:5], "base", "l5"), limits(), np.zeros(5)), "limits are of joints"),
    ],
)
def test_wrong_descriptions_are_named(build: Callable[[], object], expected: str) -> None:
    with pytest.raises(KinematicsError) as caught:
        build()
    assert expected in str(caught.value)


def test_jacobian_is_the_derivative_of_the_pose() -> None:
    model = arm().model
    pose, jacobian = model.forward_and_jacobian(START)
    for k, step in enumerate(np.eye(6) * 1e-6):
        np.testing.assert_allclose(pose.error_to(model.forward(START + step)) / 1e-6, jacobian[:, k], atol=1e-5)


def test_joints_may_be_listed_in_any_order() -> None:
    order = [3, 0, 5, 1, 4, 2]
    shuffled = ArmModel(urdf(), [JOINTS[k] for k in order], "base", "tool")
    assert_same(shuffled.forward(START[order]), arm().forward(START), 1e-12, 1e-12)
    _, jacobian = arm().model.forward_and_jacobian(START)
    np.testing.assert_allclose(shuffled.forward_and_jacobian(START[order])[1], jacobian[:, order], atol=1e-12)


def test_continuous_joints_are_joints_like_others() -> None:
    plain, turning = arm(), arm(kind="continuous")
    assert_same(plain.forward(START), turning.forward(START), 1e-12, 1e-7)
    target = plain.forward(START + 0.05)
    np.testing.assert_allclose(turning.solve(target, START, DT).positions, START + 0.05, atol=1e-3)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-2.5, 2.5), min_size=6, max_size=6), st.lists(st.floats(-1.0, 1.0), min_size=6, max_size=6))
def test_solutions_keep_limits_and_say_what_is_left(start: list[float], move: list[float]) -> None:
    kinematics = arm()
    target = kinematics.forward(np.clip(np.array(start) + np.array(move), -2.5, 2.5))
    solution = kinematics.solve(target, np.array(start), DT)
    assert (np.abs(solution.positions) <= 2.5).all()
    assert (np.abs(solution.positions - start) <= 2.0 * DT + 1e-12).all()
    error = kinematics.forward(solution.positions).error_to(target)
    assert solution.position_error == pytest.approx(np.linalg.norm(error[:3]), abs=1e-12)
    near = solution.position_error <= 0.002 and solution.rotation_error <= np.radians(0.5)
    assert near == (solution.reach is Reach.REACHED)


def test_velocity_limit_is_named() -> None:
    kinematics = arm(velocity=0.1)
    solution = kinematics.solve(kinematics.forward(START + 0.5 * np.eye(6)[0]), START, DT)
    assert solution.reach is Reach.VELOCITY
    assert "j1" in solution.joints
    assert "velocity of" in solution.describe()


def test_position_limit_is_named() -> None:
    kinematics = arm(upper=1.25)
    target = kinematics.forward(START + 0.3 * np.eye(6)[2])
    at = START
    for _ in range(10):
        solution = kinematics.solve(target, at, DT)
        at = solution.positions
    assert solution.reach is Reach.JOINT_LIMIT
    assert solution.joints == ("j3",)
    assert at[2] == 1.25


def test_a_joint_outside_its_limits_is_led_back() -> None:
    kinematics = arm(upper=1.0)
    outside = START.copy()
    assert outside[2] == 1.2
    solution = kinematics.solve(kinematics.forward(outside), outside, 0.05)
    assert solution.positions[2] == pytest.approx(1.1)
    assert kinematics.solve(kinematics.forward(outside), outside, 0.5).positions[2] <= 1.0


def test_spare_joints_go_home() -> None:
    """Seven joints: the last two turn about one axis, so that they may share a turn in any way."""
    text = urdf().replace(
        '<child link="tool"/><origin xyz="0.1 0 0"/></joint>',
        '<child link="l7"/></joint><link name="l7"/><joint name="j7" type="revolute"><parent link="l7"/>'
        '<child link="tool"/><origin xyz="0.1 0 0"/><axis xyz="1 0 0"/>'
        '<limit lower="-2.5" upper="2.5" velocity="2" effort="9"/></joint>',
    )
    joints, seven = (*JOINTS, "j7"), np.ones(7)
    bounds = MotionLimits(joints, -2.5 * seven, 2.5 * seven, 2 * seven, 9 * seven, 99 * seven, seven)
    start = np.append(START, 0.0)
    start[5:] = 1.0, -1.0
    kinematics = Kinematics(ArmModel(text, joints, "base", "tool"), bounds, np.zeros(7))
    target, at = kinematics.forward(start), start
    for _ in range(200):
        at = kinematics.solve(target, at, DT).positions
    assert_same(kinematics.forward(at), target)
    assert abs(at[6]) < 0.1
    assert abs(at[5]) < 0.1


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


ENDLESS = np.array([False] * 5 + [True])


def endless_arm() -> Kinematics:
    """The last joint is continuous in the description and in the limits."""
    six = np.ones(6)
    bounds = [np.where(ENDLESS, UNLIMITED, 2.5 * six), 2.0 * six, 9 * six, 99 * six, six]
    return Kinematics(
        ArmModel(urdf("continuous"), JOINTS, "base", "tool"),
        MotionLimits(JOINTS, -bounds[0], *bounds, continuous=ENDLESS),
        np.zeros(6),
    )


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


@pytest.mark.parametrize("turns", [0, 1, -3])
def test_spare_joints_go_home_the_short_way(turns: int) -> None:
    """Seven joints. What is a turn further is the same, and home is never more than half a turn away."""
    profile = RobotProfile.load(ROBOTS / "franka_fr3.yaml")
    data = profile.model_dump(mode="json")
    data["joints"][6] |= {"position": None, "continuous": True, "home": -3.0}
    arm = load_kinematics(RobotProfile.model_validate(data))
    start = np.array([0.2, -0.5, 0.3, -2.0, 0.4, 1.6, 3.0])
    moved = start + 2.0 * np.pi * turns * np.eye(7)[6]
    way = arm.step(moved, np.zeros(6), 0.1) - moved
    np.testing.assert_allclose(way, arm.step(start, np.zeros(6), 0.1) - start, atol=1e-9)
    assert 0.0 < np.abs(way).max() < 0.1
    np.testing.assert_allclose(arm.forward(start).position, arm.forward(moved).position, atol=1e-9)
