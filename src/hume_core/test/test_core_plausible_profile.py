"""A profile in other units than SI is refused when it is loaded, with the number that was probably meant."""

from __future__ import annotations

from collections.abc import Callable
from math import degrees
from pathlib import Path
from typing import Any

import pytest
import yaml

from hume_core.errors import RobotProfileError
from hume_core.robot import RobotProfile, find_profile, known_profiles

Change = Callable[[dict[str, Any]], None]


def problem_with(change: Change, folder: Path, robot: str = "ur5e") -> str:
    """What is said of a profile that was changed."""
    data = yaml.safe_load(find_profile(robot).read_text(encoding="utf-8"))
    change(data)
    path = folder / "robot.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(RobotProfileError) as caught:
        RobotProfile.load(path)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    return text


def set_joint(number: int, field: str, value: Any) -> Change:
    return lambda data: data["joints"][number].update({field: value})


@pytest.mark.parametrize("robot", known_profiles())
def test_no_profile_that_ships_is_refused(robot: str) -> None:
    RobotProfile.load(robot)


@pytest.mark.parametrize("number", [0, 3, 5])
@pytest.mark.parametrize(
    ("field", "value", "meant"),
    [
        ("position", [-360, 360], "-6.283 rad"),
        ("position", [0, 170], "2.967 rad"),
        ("velocity", 120, "2.094 rad/s"),
        ("velocity", 180.0, "3.142 rad/s"),
        ("acceleration", 800, "13.96 rad/s^2"),
        ("jerk", 400_000, "6981 rad/s^3"),
        ("tracking", 20, "0.3491 rad"),
        ("home", -90, "-1.571 rad"),
    ],
)
def test_degrees_are_named(tmp_path: Path, number: int, field: str, value: Any, meant: str) -> None:
    text = problem_with(set_joint(number, field, value), tmp_path)
    assert field in text
    assert "If it is in degrees, write" in text
    assert meant in text


@pytest.mark.parametrize("robot", ["wx250s_sim", "franka_fr3", "so101"])
def test_a_whole_profile_in_degrees_is_refused(tmp_path: Path, robot: str) -> None:
    def in_degrees(data: dict[str, Any]) -> None:
        for joint in data["joints"]:
            joint["position"] = [degrees(end) for end in joint["position"]]
            joint["velocity"] = degrees(joint["velocity"])
            joint["home"] = degrees(joint.get("home", 0.0))

    assert "in degrees, write" in problem_with(in_degrees, tmp_path, robot)


@pytest.mark.parametrize(("dt", "meant"), [(50, "0.05"), (20, "0.02"), (33.3, "0.0333")])
def test_milliseconds_between_two_rows_are_named(tmp_path: Path, dt: float, meant: str) -> None:
    text = problem_with(lambda data: data["action"].update(dt=dt), tmp_path)
    assert "action.dt" in text
    assert f"If it is in milliseconds, write {meant}" in text


def test_a_rate_in_place_of_a_period_is_named(tmp_path: Path) -> None:
    assert "If it is in Hz, write 0.05" in problem_with(lambda data: data["action"].update(dt=20), tmp_path)


@pytest.mark.parametrize("field", ["slop", "max_age"])
@pytest.mark.parametrize("value", [50, 250])
def test_ages_in_milliseconds_are_named(tmp_path: Path, field: str, value: int) -> None:
    text = problem_with(lambda data: data["observation"].update({field: value}), tmp_path)
    assert f"observation.{field}" in text
    assert f"If it is in milliseconds, write {value / 1000:g}" in text


@pytest.mark.parametrize("rate", ["stream", "system1", "system2"])
@pytest.mark.parametrize("value", [-1, 0, 1e5])
def test_rates_beyond_sense_are_refused(tmp_path: Path, rate: str, value: float) -> None:
    assert f"rates.{rate}" in problem_with(lambda data: data["rates"].update({rate: value}), tmp_path)


def test_a_profile_without_cameras_is_refused(tmp_path: Path) -> None:
    text = problem_with(lambda data: data.update(cameras={}), tmp_path)
    assert "'cameras' is empty" in text
