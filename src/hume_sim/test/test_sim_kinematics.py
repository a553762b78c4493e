"""Kinematics against the published robot and against themselves."""

import numpy as np
import pytest

from hume_sim.arm import HOME
from hume_sim.kinematics import ArmKinematics, SitePose, downward
from hume_sim.scene import load_model


@pytest.fixture(scope="module")
def kinematics() -> ArmKinematics:
    return ArmKinematics(load_model())


def test_zero_pose_is_the_published_home_matrix(kinematics: ArmKinematics) -> None:
    pose = kinematics.forward(np.zeros(6))
    np.testing.assert_allclose(pose.position, [0.458325, 0.0, 0.36065], atol=1e-9)
    np.testing.assert_allclose(pose.rotation, np.eye(3), atol=1e-9)


def test_published_screw_axes(kinematics: ArmKinematics) -> None:
    """Space Jacobian at zero: Interbotix's wx250s screw axes, rows angular then -axis x point."""
    axes = np.array([[0, 0, 1], [0, 1, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0]])
    points = np.array([[0, 0, 0], [0, 0, 0.11065], [0.04975, 0, 0.36065], [0, 0, 0.36065]])
    points = np.vstack([points, [0.29975, 0, 0.36065], [0, 0, 0.36065]])
    tip = np.array([0.458325, 0.0, 0.36065])
    expected = np.vstack([np.cross(axes, tip - points).T, axes.T])
    np.testing.assert_allclose(kinematics.jacobian(np.zeros(6)), expected, atol=1e-9)


def test_published_joint_limits(kinematics: ArmKinematics) -> None:
    np.testing.assert_allclose(np.degrees(kinematics.lower), [-180, -108, -123, -180, -100, -180], atol=1e-3)
    np.testing.assert_allclose(np.degrees(kinematics.upper), [180, 114, 92, 180, 123, 180], atol=1e-3)


def test_jacobian_matches_differences(kinematics: ArmKinematics) -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        joints, step = rng.uniform(-1, 1, 6), rng.normal(size=6) * 1e-6
        moved = kinematics.forward(joints + step).position - kinematics.forward(joints - step).position
        np.testing.assert_allclose(kinematics.jacobian(joints)[:3] @ (2 * step), moved, atol=1e-11)


def test_inverse_reaches_random_reachable_poses(kinematics: ArmKinematics) -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        joints = HOME + rng.uniform(-0.6, 0.6, 6)
        target = kinematics.forward(np.clip(joints, kinematics.lower, kinematics.upper))
        result = kinematics.inverse(target, HOME)
        reached = kinematics.forward(result.joints)
        assert result.converged
        np.testing.assert_allclose(reached.position, target.position, atol=2e-4)
        np.testing.assert_allclose(reached.rotation, target.rotation, atol=2e-3)
        assert (kinematics.lower <= result.joints).all()
        assert (result.joints <= kinematics.upper).all()


def test_unreachable_pose_is_reported_inside_limits(kinematics: ArmKinematics) -> None:
    result = kinematics.inverse(SitePose(np.array([1.5, 0.0, 0.1]), downward(0.0)), HOME)
    assert not result.converged
    assert result.position_error > 0.3
    assert (kinematics.lower <= result.joints).all()
    assert (result.joints <= kinematics.upper).all()


def test_home_points_straight_down(kinematics: ArmKinematics) -> None:
    np.testing.assert_allclose(kinematics.forward(HOME).rotation, downward(0.0), atol=1e-4)
