"""Joint rows in degrees, counted the other way round, or from another zero."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hume_core.action_spaces import AngleUnit, Conventions, JointDelta, JointPosition, JointUnits
from hume_core.errors import ActionSpaceError, RobotProfileError
from hume_core.policy_contract import ContractArm, PolicyContract
from hume_core.robot import RobotProfile

ROBOTS = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"
DEGREES = JointUnits(AngleUnit.DEG, (1, -1, 1), (10.0, -20.0, 0.0))


@pytest.fixture
def so101() -> RobotProfile:
    return RobotProfile.load(ROBOTS / "so101.yaml")


def test_a_joint_is_sign_times_number_minus_offset() -> None:
    space = JointPosition(Conventions(joint_units=DEGREES))
    rows = np.array([[10.0, -20.0, 0.0], [100.0, 70.0, -45.0]])
    joints = space.to_joints(rows, np.zeros(3), 0.05)
    np.testing.assert_allclose(np.degrees(joints), [[0.0, 0.0, 0.0], [90.0, -90.0, -45.0]])
    np.testing.assert_allclose(space.from_joints(joints, np.zeros(3)), rows)


def test_of_a_displacement_only_unit_and_sign_count() -> None:
    space = JointDelta(Conventions(joint_units=DEGREES))
    anchor = np.array([0.5, -0.5, 1.0])
    rows = np.array([[0.0, 0.0, 0.0], [9.0, 18.0, -27.0]])
    joints = space.to_joints(rows, anchor, 0.05)
    np.testing.assert_allclose(np.degrees(joints - anchor), [[0.0, 0.0, 0.0], [9.0, -18.0, -27.0]], atol=1e-12)
    np.testing.assert_allclose(space.from_joints(joints, anchor), rows, atol=1e-12)
    np.testing.assert_allclose(space.in_rows(np.radians([1.0, 2.0, 3.0])), [1.0, -2.0, 3.0])


@pytest.mark.parametrize("space", [JointPosition, JointDelta])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_radians_stay_as_they_are_to_the_bit(space: Any, kind: Any) -> None:
    rows = np.random.default_rng(3).normal(size=(5, 4)).astype(kind)
    anchor = np.zeros(4, kind)
    assert space().to_joints(rows, anchor, 0.05).tobytes() == rows.tobytes()
    assert space().from_joints(rows, anchor).tobytes() == rows.tobytes()


def test_numbers_keep_their_type() -> None:
    joints = np.zeros((2, 3), np.float32)
    assert JointPosition(Conventions(joint_units=DEGREES)).from_joints(joints, joints[0]).dtype == np.float32


def test_the_spread_of_rows_is_in_the_policy_s_unit() -> None:
    spread = JointPosition(Conventions(joint_units=DEGREES)).row_spread(3, np.radians(5.0), np.zeros(6))
    np.testing.assert_allclose(spread, 5.0)


@pytest.mark.parametrize("space", ["joint_position", "joint_delta"])
@pytest.mark.parametrize("offset", [0.0, 5.0])
def test_a_profile_takes_lerobot_s_degrees_and_percent(so101: RobotProfile, space: str, offset: float) -> None:
    """One degree asked for is one degree moved, and 100 percent is an open gripper."""
    profile = so101.with_action(space, unit="deg", sign=[1, 1, -1, 1, 1], offset=[offset] * 5)
    row = np.array([[1.0, 0.0, 3.0, 0.0, 0.0, 100.0]]) + np.array(
        [offset if space == "joint_position" else 0.0] * 5 + [0.0]
    )
    positions, grippers = profile.action_layout().to_joints(row, np.zeros(5), 0.05)
    np.testing.assert_allclose(np.degrees(positions), [[1.0, 0.0, -3.0, 0.0, 0.0]], atol=1e-9)
    np.testing.assert_array_equal(grippers, [[100.0]])
    back = profile.action_layout().from_joints(positions, grippers, np.zeros(5))
    np.testing.assert_allclose(back, row, atol=1e-9)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"sign": [1, -1]}, "sign has 2 numbers. The arm has 5 joints"),
        ({"offset": [0.0] * 6}, "offset has 6 numbers. The arm has 5 joints"),
        ({"sign": [1, 1, 2, 1, 1]}, "Input should be 1 or -1"),
        ({"unit": "grad"}, "'rad' or 'deg'"),
    ],
)
def test_a_wrong_writing_is_refused_by_name(so101: RobotProfile, given: dict[str, Any], problem: str) -> None:
    with pytest.raises(RobotProfileError, match=problem):
        so101.with_action("joint_position", **given)


def test_units_have_no_use_for_rows_about_the_tool(so101: RobotProfile) -> None:
    with pytest.raises(RobotProfileError, match="unit belongs to joint_position and joint_delta"):
        so101.with_action("ee_delta", unit="deg")
    with pytest.raises(ValueError, match="unit has no use in space 'ee_pose'"):
        ContractArm(name="arm", joints=("a",), space="ee_pose", unit=AngleUnit.DEG)


def test_signs_and_offsets_are_numbers_of_joints() -> None:
    with pytest.raises(ActionSpaceError, match="every joint has 1 or -1"):
        JointUnits(sign=(1, 0))
    with pytest.raises(ActionSpaceError, match="every joint has a finite number"):
        JointUnits(offset=(float("nan"),))


def test_a_robot_takes_over_how_a_checkpoint_writes_joints(so101: RobotProfile) -> None:
    degrees = so101.with_action("joint_position", unit="deg", sign=[1, -1, 1, 1, -1])
    contract = PolicyContract.of(degrees)
    assert contract.arms[0].unit is AngleUnit.DEG
    plain = so101.with_action("joint_position")
    assert contract.differences(plain) == []
    assert contract.adapt(plain).action_space == degrees.action_space
    assert contract.seen_by(plain).action_space == degrees.action_space


def test_a_contract_of_a_plain_robot_says_nothing_new(so101: RobotProfile) -> None:
    said = PolicyContract.of(so101).arms[0].model_dump(exclude_none=True)
    assert set(said) <= {"name", "joints", "space", "frame", "rotation", "scale"}
