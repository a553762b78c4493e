"""Motion limits."""

from __future__ import annotations

import pytest

from hume_core.errors import RobotProfileError
from hume_core.limits import UNLIMITED, MotionLimits, scaled


def limits(**changes: object) -> MotionLimits:
    values: dict[str, object] = {
        "names": ("a", "b"), "lower": [-1, -1], "upper": [1, 1], "velocity": [1, 1], "acceleration": [1, 1],
        "jerk": [1, 1], "tracking": [0.1, 0.1],
    }  # fmt: skip
    return MotionLimits(**{**values, **changes})  # type: ignore[arg-type]


def test_limits_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        limits().velocity[0] = 9.0


def test_no_joint_is_continuous_unless_it_says_so() -> None:
    assert limits().continuous.tolist() == [False, False]
    endless = limits(continuous=[True, False], lower=[-UNLIMITED, -1], upper=[UNLIMITED, 1])
    assert scaled(endless, {"velocity": 0.5}).continuous.tolist() == [True, False]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"velocity": [1, 0]}, "joint 'b': limit 'velocity'"),
        ({"jerk": [float("inf"), 1]}, "joint 'a': limit 'jerk'"),
        ({"lower": [-1, 2]}, "joint 'b': lower position"),
        ({"upper": [1]}, "One number per joint"),
        ({"continuous": [True]}, "One flag per joint"),
        ({"continuous": [False, True]}, "joint 'b' is continuous and has limits -1.0 to 1.0"),
    ],
)
def test_wrong_limits_are_named(changes: dict[str, object], expected: str) -> None:
    with pytest.raises(RobotProfileError, match=expected):
        limits(**changes)
