"""Rotations, and finding robot descriptions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hume_core.errors import KinematicsError
from hume_core.kinematics import read_urdf
from hume_core.kinematics.rotation import rotation_from_rpy, rotation_from_vector, rotation_to_vector

coordinate = st.floats(-1.0, 1.0)


@given(st.tuples(coordinate, coordinate, coordinate), st.floats(1e-7, np.pi - 1e-7))
def test_rotation_vectors_survive_the_round_trip(axis: tuple[float, ...], angle: float) -> None:
    direction = np.array(axis)
    if np.linalg.norm(direction) < 1e-3:
        return
    vector = direction / np.linalg.norm(direction) * angle
    rotation = rotation_from_vector(vector)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    back = rotation_to_vector(rotation)
    np.testing.assert_allclose(rotation_from_vector(back), rotation, atol=1e-6)


def test_half_a_turn_has_an_axis() -> None:
    for axis in np.eye(3):
        np.testing.assert_allclose(
            np.abs(rotation_to_vector(rotation_from_vector(np.pi * axis))), np.pi * axis, atol=1e-7
        )


def test_roll_pitch_yaw_turn_about_fixed_axes() -> None:
    rotation = rotation_from_rpy(np.array([np.pi / 2, 0.0, np.pi / 2]))
    # Roll takes y to z, yaw leaves z alone.
    np.testing.assert_allclose(rotation @ [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], atol=1e-12)


def test_pinocchio_is_imported_only_with_a_model() -> None:
    code = "import sys, hume_core.kinematics, hume_core.robot; sys.exit('pinocchio' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("package://no_such_package/arm.urdf", "package 'no_such_package' is not installed"),
        ("/nowhere/arm.urdf", "/nowhere/arm.urdf cannot be read"),
        ("/nowhere/arm.urdf.xacro", "Expand it first"),
    ],
)
def test_absent_descriptions_are_named(location: str, expected: str) -> None:
    with pytest.raises(KinematicsError, match=expected):
        read_urdf(location)


def test_description_is_found_in_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "share" / "six_description"
    folder.mkdir(parents=True)
    (folder / "six.urdf").write_text("<robot/>", encoding="utf-8")
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{tmp_path}")
    assert read_urdf("package://six_description/six.urdf") == "<robot/>"
