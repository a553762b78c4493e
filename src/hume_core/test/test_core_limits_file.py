"""Limits files only ever tighten, and say what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from hume_core.errors import ConfigError
from hume_core.limits_file import tightened
from hume_core.robot import RobotProfile

PROFILE = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots" / "wx250s_sim.yaml"


@pytest.fixture(scope="module")
def profile() -> RobotProfile:
    return RobotProfile.load(PROFILE)


def written(folder: Path, text: str) -> Path:
    path = folder / "limits.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_changes_nothing(profile: RobotProfile) -> None:
    assert tightened(profile, "") is profile


def test_an_empty_file_changes_nothing(profile: RobotProfile, tmp_path: Path) -> None:
    assert tightened(profile, written(tmp_path, "")) == profile


def test_scale_and_single_joints(profile: RobotProfile, tmp_path: Path) -> None:
    text = "scale: {velocity: 0.5}\njoints: {waist: {position: [-1, 1], velocity: 0.2}, elbow: {velocity: 3.0}}\n"
    limits = tightened(profile, written(tmp_path, text + "gripper: {speed: 0.02}")).motion_limits()
    assert limits.velocity[0] == 0.2
    assert np.all(limits.velocity[1:] == 0.5 * profile.motion_limits().velocity[1:])
    assert (limits.lower[0], limits.upper[0]) == (-1.0, 1.0)
    assert np.all(limits.jerk == profile.motion_limits().jerk)


def test_the_gripper_is_slowed(profile: RobotProfile, tmp_path: Path) -> None:
    gripper = tightened(profile, written(tmp_path, "gripper: {speed: 0.02}")).gripper
    assert gripper is not None
    assert gripper.speed == 0.02


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_ever_loosened(profile: RobotProfile, tmp_path: Path, seed: int) -> None:
    """Whatever numbers a file holds: it is refused, or every limit is at most what it was."""
    rng = np.random.default_rng(seed)
    joints = {
        str(name): {str(field): float(rng.uniform(0.0, 12.0)) for field in rng.choice(["velocity", "acceleration"], 1)}
        for name in rng.choice(profile.joint_names, 2)
    }
    data = {"scale": {"jerk": float(rng.uniform(0.0, 1.2))}, "joints": joints}
    before = profile.motion_limits()
    loosens = data["scale"]["jerk"] > 1.0 or any(
        value > getattr(before, field)[profile.joint_names.index(name)]
        for name, fields in joints.items()
        for field, value in fields.items()
    )
    path = written(tmp_path, yaml.safe_dump(data))
    if loosens:
        with pytest.raises(ConfigError, match="only tightens"):
            tightened(profile, path)
        return
    after = tightened(profile, path).motion_limits()
    for field in ("velocity", "acceleration", "jerk", "tracking", "upper"):
        assert np.all(getattr(after, field) <= getattr(before, field))
    assert np.all(after.lower >= before.lower)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("joints: {waist: {velocity: 3.2}}", "'joints.waist.velocity' is 3.2. Valid: above 0, at most 3.14"),
        ("joints: {waist: {velocity: -1}}", "'joints.waist.velocity' is -1"),
        ("joints: {waist: {velocity: .nan}}", "'joints.waist.velocity' is nan"),
        ("joints: {waist: {velocity: fast}}", "'joints.waist.velocity' is 'fast'"),
        ("joints: {waist: {position: [-4, 1]}}", r"'joints.waist.position' is \[-4, 1\]. Valid: \[lowest, highest\]"),
        ("joints: {wrist_angle: {position: [-1, 1]}}", "the home pose 1.5608 is outside"),
        ("joints: {waste: {velocity: 1}}", "'waste' in joints is unknown. Valid: waist, shoulder"),
        ("joints: {waist: {speed: 1}}", "'speed' in joints.waist is unknown. Valid: velocity"),
        ("scale: {velocity: 2}", "'scale.velocity' is 2. Valid: above 0, at most 1"),
        ("speed: 1", "'speed' in the file is unknown. Valid: scale, joints, gripper"),
        ("gripper: {speed: 1}", "'gripper.speed' is 1"),
        ("- 1", "the file must be a mapping"),
        ("{", "cannot be read as YAML"),
    ],
)
def test_mistakes_are_named(profile: RobotProfile, tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected) as caught:
        tightened(profile, written(tmp_path, text))
    assert "limits.yaml" in str(caught.value)


def test_a_missing_file_is_named(profile: RobotProfile) -> None:
    with pytest.raises(ConfigError, match=r"'/absent\.yaml' cannot be read"):
        tightened(profile, "/absent.yaml")


def test_a_continuous_joint_gets_no_position_limits(profile: RobotProfile, tmp_path: Path) -> None:
    data = profile.model_dump(mode="json")
    data["joints"][0] |= {"position": None, "continuous": True}
    endless = RobotProfile.model_validate(data)
    slower = tightened(endless, written(tmp_path, "joints: {waist: {velocity: 0.2}}")).motion_limits()
    assert (slower.velocity[0], slower.continuous[0]) == (0.2, True)
    with pytest.raises(ConfigError, match=r"'joints\.waist\.position': the joint is continuous. Leave position out"):
        tightened(endless, written(tmp_path, "joints: {waist: {position: [-1, 1]}}"))
