"""Names of numbers in every form that datasets write them."""

from __future__ import annotations

from typing import Any

import pytest

from hume_training.data.columns import Kind, flat_names, read_columns


@pytest.mark.parametrize(
    "listed",
    [
        ["a", "b", "c"],
        {"motors": ["a", "b", "c"]},
        [["a", "b"], ["c"]],
        [["a", "b", "c"]],
        {"arm": ["a", "b"], "hand": ["c"]},
        {"axes": [["a"], ["b", "c"]]},
    ],
)
def test_names_in_every_form(listed: Any) -> None:
    assert flat_names(listed, 3) == ("a", "b", "c")
    assert flat_names(listed, 4) == ()


@pytest.mark.parametrize("listed", [None, 3, "abc", [1, 2, 3], {"motors": 3}, [[[[[["a"]]]]]], ["a", None, "b"]])
def test_what_is_no_list_of_names(listed: Any) -> None:
    assert flat_names(listed, 3) == ()


@pytest.mark.parametrize(
    ("names", "kinds"),
    [
        (("x", "y", "z", "roll", "pitch", "yaw"), [Kind.POSITION] * 3 + [Kind.RPY] * 3),
        (("x", "z", "axis_angle1", "axis_angle2"), [Kind.POSITION] * 2 + [Kind.ROTATION_VECTOR] * 2),
        (("x", "y", "z", "rx", "ry", "rz", "rw"), [Kind.POSITION] * 3 + [Kind.QUATERNION] * 4),
        (("ee_pos_x", "ee_quat_w", "tcp_rx"), [Kind.POSITION, Kind.QUATERNION, Kind.QUATERNION]),
        (("delta_x", "d_roll", "left_x"), [Kind.POSITION, Kind.JOINT, Kind.POSITION]),
        (("forearm_roll", "wrist_yaw", "head_pitch"), [Kind.JOINT] * 3),
        (("elbow.vel", "elbow_velocity", "pad"), [Kind.VELOCITY, Kind.VELOCITY, Kind.PADDING]),
    ],
)  # fmt: skip
def test_what_names_say(names: tuple[str, ...], kinds: list[Kind]) -> None:
    assert [column.kind for column in read_columns(names)] == kinds


@pytest.mark.parametrize(
    ("name", "plain", "unit", "form"),
    [
        ("elbow_deg", "elbow", "deg", ""),
        ("elbow.pos [rad]", "elbow", "rad", ""),
        ("wrist (degrees)", "wrist", "deg", ""),
        ("left_finger_opening", "left_finger", "", "opening"),
        ("gripper.percent", "gripper", "", "percent"),
        ("gripper.pos", "gripper", "", ""),
    ],
)
def test_what_endings_say(name: str, plain: str, unit: str, form: str) -> None:
    (column,) = read_columns([name])
    assert (column.name, column.unit, column.form) == (plain, unit, form)
