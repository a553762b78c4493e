"""Kinematics: rotations, reading descriptions, and solving within limits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from six_joint_arm import JOINTS, START, arm, assert_same, limits, urdf

from hume_core.errors import KinematicsError
from hume_core.kinematics import ArmModel, Kinematics, Reach
from hume_core.limits import MotionLimits
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_kinematics

ROBOTS = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"
DT = 0.1


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (
            lambda: ArmModel(urdf(), ("j1", "elbow"), "base", "tool"),
            "joint 'elbow' is not in the URDF. Its movable joints",
        ),
        (lambda: ArmModel(urdf(), JOINTS, "base", "hand"), "tool_link 'hand' is not in the URDF. Its links: base, l1"),
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
