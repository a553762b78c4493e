"""The stand-in robot follows commands within the profile's velocities and refuses malformed ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hume_core.errors import ActionSpaceError
from hume_core.robot import RobotProfile
from hume_sim.mock_arm import MockArm, Servos, moving_picture
from hume_sim.trajectory import JointTrajectory

PROFILE = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots" / "wx250s_sim.yaml"


@pytest.fixture
def profile() -> RobotProfile:
    return RobotProfile.load(PROFILE)


def test_it_starts_at_home_with_the_gripper_open(profile: RobotProfile) -> None:
    arm = MockArm(profile)
    assert arm.names == (*profile.joint_names, "left_finger")
    np.testing.assert_array_equal(arm.position, [*profile.home, 0.037])


def test_it_reaches_its_target_within_the_velocity_limits(profile: RobotProfile) -> None:
    arm = MockArm(profile)
    target = np.array(profile.home) + 0.5
    arm.arms[0].command(list(target))
    arm.grippers[0].command([0.02])
    for _ in range(100):
        arm.step(0.01)
        assert np.all(np.abs(arm.velocity[:-1]) <= profile.motion_limits().velocity + 1e-9)
    np.testing.assert_allclose(arm.position, [*target, 0.02])
    assert not arm.velocity.any()


def test_named_joints_may_come_in_any_order(profile: RobotProfile) -> None:
    arm = MockArm(profile)
    names = profile.joint_names[::-1]
    arm.arms[0].command([0.1 * k for k in range(6)], names)
    arm.step(1.0)
    assert dict(zip(arm.names, arm.position.round(6).tolist(), strict=True))["waist"] == 0.5


@pytest.mark.parametrize("values", [[0.0] * 5, [float("nan")] * 6])
def test_malformed_commands_are_refused(profile: RobotProfile, values: list[float]) -> None:
    arm = MockArm(profile)
    with pytest.raises(ActionSpaceError, match="one finite number for each of: waist"):
        arm.arms[0].command(values)
    arm.step(1.0)
    np.testing.assert_array_equal(arm.position[:6], profile.home)


def test_foreign_joint_names_are_refused(profile: RobotProfile) -> None:
    with pytest.raises(ActionSpaceError, match="needs each of: waist"):
        MockArm(profile).arms[0].command([0.0] * 6, ["a", "b", "c", "d", "e", "f"])


@pytest.mark.parametrize(("start", "target", "way"), [(3.0, -3.0, 0.2832), (-2.9, 3.1, -0.2832), (0.5, 2.0, 1.5)])
@pytest.mark.parametrize("wraps", [False, True])
def test_continuous_joints_count_turns_or_wrap(
    profile: RobotProfile, wraps: bool, start: float, target: float, way: float
) -> None:
    """Wrapped, a target is reached the short way and angles stay within pi. Otherwise it is taken as it is."""
    data = profile.model_dump(mode="json")
    data["joints"][0] |= {"position": None, "continuous": True, "home": start}
    arm = MockArm(RobotProfile.model_validate(data), Servos(wrap_continuous=wraps))
    arm.arms[0].command([target, *profile.home[1:]])
    turned = 0.0
    for _ in range(800):
        arm.step(0.01)
        turned += 0.01 * arm.velocity[0]
        assert not wraps or abs(arm.position[0]) <= np.pi
    assert arm.position[0] == pytest.approx(target)
    assert turned == pytest.approx(way if wraps else target - start, abs=1e-3)
    arm.arms[0].command([target + 9.0, *profile.home[1:]])
    for _ in range(800):
        arm.step(0.01)
    assert arm.position[0] == pytest.approx((target + 9.0 + np.pi) % (2 * np.pi) - np.pi if wraps else target + 9.0)


def test_a_robot_without_gripper(profile: RobotProfile) -> None:
    bare = profile.model_copy(update={"grippers": (), "state": profile.state[:1]})
    assert MockArm(bare).names == profile.joint_names


def test_pictures_move() -> None:
    first, second = moving_picture(20, 30, 0), moving_picture(20, 30, 1)
    assert first.shape == (20, 30, 3)
    assert (first != second).any()


@pytest.mark.parametrize("lag", [0.02, 0.06, 0.3])
def test_servos_lag_by_their_time_constant(profile: RobotProfile, lag: float) -> None:
    arm = MockArm(profile, Servos(lag, enforce_command_limits=False))
    arm.arms[0].command([angle + 0.4 for angle in profile.home])
    for _ in range(round(lag / 0.001)):
        arm.step(0.001)
    np.testing.assert_allclose(arm.position[:6], np.array(profile.home) + 0.4 * (1.0 - np.exp(-1.0)), atol=1e-6)


@pytest.mark.parametrize("limited", [False, True])
def test_a_command_far_away_is_followed_at_once_or_at_the_velocity_limit(profile: RobotProfile, limited: bool) -> None:
    arm = MockArm(profile, Servos(enforce_command_limits=limited))
    arm.arms[0].command([angle + 0.4 for angle in profile.home])
    arm.step(0.002)
    moved = arm.position[:6] - profile.home
    np.testing.assert_allclose(moved, profile.motion_limits().velocity * 0.002 if limited else 0.4)


def test_a_trajectory_is_played_by_its_stamps(profile: RobotProfile) -> None:
    arm = MockArm(profile)
    there = np.array(profile.home) + 0.1
    arm.arms[0].follow(JointTrajectory(np.array([0.0, 1.0]), np.stack([profile.home, there])), 5.0, 5.0)
    for k in range(50):
        arm.step(0.01, 5.0 + 0.01 * k)
    np.testing.assert_allclose(arm.position[:6], np.array(profile.home) + 0.05, atol=1e-9)
    arm.arms[0].hold(arm.measured(arm.arms[0]))
    arm.step(0.01, 5.6)
    np.testing.assert_allclose(arm.position[:6], np.array(profile.home) + 0.05, atol=1e-9)
