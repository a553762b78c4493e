"""What the numbers of a state mean: units, signs, rotations, grippers, padding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from hume_core.kinematics.rotation import rotation_from_rpy, rotation_from_vector
from hume_core.state.kinds import Branch, ToolRotationFormat
from hume_core.state.parts import Reading, StatePart, state_parts
from hume_core.state.rotations import quaternion_xyzw, rotation_numbers
from hume_core.state.tool import Placement, ToolFrame

READING = Reading(
    ("a", "b", "c"),
    np.array([0.5, -1.0, 2.0]),
    np.array([0.1, 0.2, -0.3]),
    grippers=np.array([0.03]),
    closed=np.array([0.01]),
    open=np.array([0.05]),
)
TWO = replace(
    READING,
    grippers=np.array([0.03, 0.4]),
    closed=np.array([0.01, 0.8]),
    open=np.array([0.05, 0.0]),
    gripper_names=("g", "h"),
)


def numbers(part: dict[str, Any] | str, reading: Reading = READING) -> list[float]:
    found: StatePart = state_parts([part])[0]
    values = found.numbers(reading)
    assert len(values) == len(found.names(("a", "b", "c"), ("g",)))
    return [float(value) for value in values]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("joint_positions", [0.5, -1.0, 2.0]),
        ("joint_velocities", [0.1, 0.2, -0.3]),
        ({"field": "joint_positions", "unit": "deg"}, np.degrees([0.5, -1.0, 2.0])),
        ({"field": "joint_velocities", "unit": "deg", "sign": [-1, 1, 1]}, np.degrees([-0.1, 0.2, -0.3])),
        ({"field": "joint_positions", "joints": ["c", "a"], "sign": [-1, 1]}, [-2.0, 0.5]),
        (
            {"field": "joint_positions", "unit": "deg", "sign": [1, -1, -1], "offset": [0.0, 90.0, -7.5]},
            np.degrees([0.5, 1.0, -2.0]) + np.array([0.0, 90.0, -7.5]),
        ),
        ("gripper", [0.03]),
        ({"field": "gripper", "form": "opening"}, [0.5]),
        ({"field": "gripper", "form": "closedness"}, [0.5]),
        ({"field": "gripper", "form": "percent"}, [50.0]),
        ({"field": "gripper", "form": "fingers"}, [0.03, -0.03]),
        ("padding", [0.0]),
        ({"field": "padding", "value": -1.5, "size": 3}, [-1.5] * 3),
    ],
)
def test_numbers_of_each_part(part: dict[str, Any] | str, expected: Any) -> None:
    np.testing.assert_allclose(numbers(part), expected, atol=1e-12)


@pytest.mark.parametrize(("closed", "open_"), [(0.0, 0.04), (0.04, 0.0), (-0.17, 1.74)])
def test_openings_follow_the_gripper_s_own_ends(closed: float, open_: float) -> None:
    for opening in (0.0, 0.25, 1.0):
        positions, ends = np.array([closed + opening * (open_ - closed)]), (np.array([closed]), np.array([open_]))
        reading = Reading((), np.zeros(0), None, positions, *ends)
        assert numbers({"field": "gripper", "form": "opening"}, reading) == pytest.approx([opening])
        assert numbers({"field": "gripper", "form": "closedness"}, reading) == pytest.approx([1.0 - opening])
        assert numbers({"field": "gripper", "form": "percent"}, reading) == pytest.approx([100.0 * opening])


@pytest.mark.parametrize(
    ("part", "names", "expected"),
    [
        ("gripper", ("g", "h"), [0.03, 0.4]),
        ({"field": "gripper", "joints": ["h"]}, ("h",), [0.4]),
        ({"field": "gripper", "joints": ["h", "g"], "form": "opening"}, ("h", "g"), [0.5, 0.5]),
        ({"field": "gripper", "joints": ["h", "g"], "form": "percent"}, ("h", "g"), [50.0, 50.0]),
        (
            {"field": "gripper", "form": "fingers"},
            ("g_finger", "g_other_finger", "h_finger", "h_other_finger"),
            [0.03, -0.03, 0.4, -0.4],
        ),
    ],
)
def test_a_part_chooses_among_grippers(part: Any, names: tuple[str, ...], expected: list[float]) -> None:
    (found,) = state_parts([part])
    assert found.names((), ("g", "h")) == names
    np.testing.assert_allclose(found.numbers(TWO), expected, atol=1e-12)


def test_padding_is_exactly_its_value() -> None:
    assert np.array(numbers("padding"), np.float32).tobytes() == np.zeros(1, np.float32).tobytes()


@pytest.mark.parametrize("seed", range(40))
def test_formats_of_a_rotation_say_the_same(seed: int) -> None:
    vector = np.random.default_rng(seed).uniform(-1.0, 1.0, 3)
    vector *= np.random.default_rng(seed + 100).uniform(0.0, np.pi) / np.linalg.norm(vector)
    matrix = rotation_from_vector(vector)
    np.testing.assert_allclose(rotation_numbers(matrix, ToolRotationFormat.ROTATION_VECTOR), vector, atol=1e-9)
    rpy = rotation_numbers(matrix, ToolRotationFormat.ROLL_PITCH_YAW)
    np.testing.assert_allclose(rotation_from_rpy(rpy), matrix, atol=1e-9)
    x, y, z, w = rotation_numbers(matrix, ToolRotationFormat.QUATERNION_XYZW)
    assert w >= 0.0
    np.testing.assert_allclose([x, y, z], np.sin(0.5 * np.linalg.norm(vector)) * vector / np.linalg.norm(vector))
    np.testing.assert_array_equal(rotation_numbers(matrix, ToolRotationFormat.QUATERNION_WXYZ), [w, x, y, z])
    np.testing.assert_array_equal(rotation_numbers(matrix, ToolRotationFormat.ROTATION_6D), matrix.T[:2].ravel())
    np.testing.assert_array_equal(rotation_numbers(matrix, ToolRotationFormat.ROTATION_6D_ROWS), matrix[:2].ravel())


@pytest.mark.parametrize("seed", range(20))
def test_positive_qx_does_not_jump_where_the_tool_points_down(seed: int) -> None:
    random = np.random.default_rng(seed)
    down = np.array([np.pi, 0.0, 0.0]) + random.uniform(-0.2, 0.2, 3)
    for small in (random.uniform(-0.05, 0.05, 3), np.zeros(3)):
        matrix = rotation_from_vector(small) @ rotation_from_vector(down)
        found = rotation_numbers(matrix, ToolRotationFormat.ROTATION_VECTOR, Branch.POSITIVE_QX)
        assert abs(found[0] - np.pi) < 0.6
        np.testing.assert_allclose(rotation_from_vector(found), matrix, atol=1e-9)
        assert quaternion_xyzw(matrix, Branch.POSITIVE_QX)[0] > 0.0


def test_the_measured_rotation_of_libero_s_start() -> None:
    """w = -0.0007 is an angle beyond pi, which is not wrapped."""
    quaternion = np.array([0.9987, -0.0064, 0.0506, -0.0007])
    x, y, z, w = quaternion / np.linalg.norm(quaternion)
    matrix = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    found = rotation_numbers(matrix, ToolRotationFormat.ROTATION_VECTOR, Branch.POSITIVE_QX)
    np.testing.assert_allclose(found, [3.14, -0.02, 0.16], atol=0.01)
    assert np.linalg.norm(found) > np.pi
    shortest = rotation_numbers(matrix, ToolRotationFormat.ROTATION_VECTOR)
    assert shortest[0] < -3.0


@pytest.mark.parametrize("form", list(ToolRotationFormat))
@pytest.mark.parametrize("branch", list(Branch))
def test_no_turn_is_a_rotation_too(form: ToolRotationFormat, branch: Branch) -> None:
    assert np.isfinite(rotation_numbers(np.eye(3), form, branch)).all()
    if form is ToolRotationFormat.ROTATION_VECTOR:
        np.testing.assert_array_equal(rotation_numbers(np.eye(3), form, branch), np.zeros(3))


def test_the_tool_frame_puts_base_and_offset_around_the_tool() -> None:
    turn = ((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    base = Placement(translation=(1.0, 2.0, 3.0), rotation=turn)
    frame = ToolFrame(base=base, offset=Placement(translation=(0, 0, 0.1)))
    tool = Placement(translation=(0.5, 0.0, 0.0), rotation=((1, 0, 0), (0, 0, -1), (0, 1, 0))).pose()
    seen = frame.seen(tool)
    # The tool's z is the base's -y, which is the world's x.
    np.testing.assert_allclose(seen.position, [1.1, 2.5, 3.0], atol=1e-12)
    np.testing.assert_allclose(seen.rotation, np.array(turn) @ tool.rotation, atol=1e-12)


@pytest.mark.parametrize(
    ("part", "match"),
    [
        ("smell", "tag"),
        ({"field": "joint_positions", "unit": "grad"}, "unit"),
        ({"field": "joint_positions", "sign": [1, 2]}, "sign"),
        ({"field": "joint_positions", "joints": ["a", "b"], "offset": [0.1]}, "one number per joint"),
        ({"field": "joint_velocities", "offset": [0.1]}, "offset has no use"),
        ({"field": "tool_rotation", "reference": [[1, 0, 0], [0, 1, 0], [0, 0, -1]]}, "rotation matrix"),
        ({"field": "tool_position", "unit": "mm"}, "unit"),
        ({"field": "padding", "size": 0}, "size"),
    ],
)
def test_mistakes_are_named(part: Any, match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        state_parts([part])


def test_parts_come_back_and_defaults_are_left_out() -> None:
    given = ["joint_positions", {"field": "gripper", "form": "percent"}, {"field": "padding", "value": 2.0}]
    parts = state_parts(given)
    assert [part.model_dump(mode="json") for part in parts] == given
    assert state_parts([part.model_dump(mode="json") for part in parts]) == parts
