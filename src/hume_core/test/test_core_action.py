"""Action spaces and motion limits."""

from __future__ import annotations

import numpy as np
import pytest

from hume_core.action import ActionSpace, joint_targets, parse_action_space
from hume_core.errors import ActionSpaceError, RobotProfileError
from hume_core.limits import MotionLimits

ROWS = np.array([[0.1, 0.2, 1.0], [0.3, 0.4, 0.0]])
ANCHOR = np.array([1.0, -1.0])


def test_joint_positions_are_taken_as_they_are() -> None:
    targets = joint_targets(ActionSpace.JOINT_POSITION, ROWS, ANCHOR)
    np.testing.assert_array_equal(targets, ROWS[:, :2])
    targets[0, 0] = 9.0
    assert ROWS[0, 0] == 0.1


def test_joint_deltas_start_at_the_anchor() -> None:
    np.testing.assert_allclose(joint_targets(ActionSpace.JOINT_DELTA, ROWS, ANCHOR), [[1.1, -0.8], [1.3, -0.6]])


def test_end_effector_spaces_need_kinematics() -> None:
    with pytest.raises(ActionSpaceError, match="inverse kinematics"):
        joint_targets(ActionSpace.EE_DELTA, ROWS, ANCHOR)


def test_rows_that_are_too_narrow_are_refused() -> None:
    with pytest.raises(ActionSpaceError, match=r"\(k, 2\)"):
        joint_targets(ActionSpace.JOINT_POSITION, ROWS[:, :1], ANCHOR)


def test_unknown_space_lists_the_valid_ones() -> None:
    assert parse_action_space("ee_pose") is ActionSpace.EE_POSE
    with pytest.raises(ActionSpaceError, match="joint_position, joint_delta, ee_delta, ee_pose"):
        parse_action_space("torque")


def limits(**changes: object) -> MotionLimits:
    values: dict[str, object] = {
        "names": ("a", "b"), "lower": [-1, -1], "upper": [1, 1], "velocity": [1, 1], "acceleration": [1, 1],
        "jerk": [1, 1], "tracking": [0.1, 0.1],
    }  # fmt: skip
    return MotionLimits(**{**values, **changes})  # type: ignore[arg-type]


def test_limits_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        limits().velocity[0] = 9.0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"velocity": [1, 0]}, "joint 'b': limit 'velocity'"),
        ({"jerk": [float("inf"), 1]}, "joint 'a': limit 'jerk'"),
        ({"lower": [-1, 2]}, "joint 'b': lower position"),
        ({"upper": [1]}, "one number per joint"),
    ],
)
def test_wrong_limits_are_named(changes: dict[str, object], expected: str) -> None:
    with pytest.raises(RobotProfileError, match=expected):
        limits(**changes)
