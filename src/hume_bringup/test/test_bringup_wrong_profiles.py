"""A wrong robot profile ends the start with one message that names file, field and fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from hume_bringup.description import graph
from hume_bringup.launch_options import LaunchOptions
from hume_core.errors import KinematicsError, RobotProfileError
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_kinematics

CONFIG = Path(__file__).parents[1]
UR5E = (CONFIG / "config" / "robots" / "ur5e.yaml").read_text(encoding="utf-8")


def write(folder: Path, text: str) -> Path:
    path = folder / "ur5e.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("velocity: 3.14159", "velocity: -1.0", "joints.shoulder_pan_joint.velocity': Input should be greater than 0"),
        ("jerk: 50.0", "jerk: .nan", "joints.shoulder_pan_joint.jerk': Input should be"),
        ("velocity: 3.14159", "velocty: 3.14159", "Did you mean 'velocity'?"),
        (
            "forward_command_controller",
            "velocity_controllers",
            "controllers.arm.type': Input should be 'forward_command",
        ),
        ("{name: elbow_joint, ", "{", "joints.2.name' is missing. Add it"),
        (
            "space: joint_position",
            "space: joint_torque",
            "'joint_torque' is unknown. Valid: joint_position, joint_delta, ee_delta, ee_pose",
        ),
        ("home: 1.571}", "home: 9.0}", "home 9.0 is outside position"),
        ("base_link: base_link", "base: base_link", "Did you mean 'base_link'?"),
        (
            "rates: {stream: 250.0",
            "rates: {stream: 5000.0",
            "rates.stream': Input should be less than or equal to 1000",
        ),
        (
            "rates: {stream: 250.0",
            "rates: {stream: 30.0",
            "rates.stream': Input should be greater than or equal to 50. Found 30.0",
        ),
    ],
)
def test_wrong_profiles_stop_the_launch(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in UR5E
    path = write(tmp_path, UR5E.replace(old, new, 1))
    with pytest.raises(RobotProfileError) as caught:
        graph("robot", LaunchOptions(robot=str(path), checkpoint="x"))
    message = str(caught.value)
    assert message.startswith(f"{path}: field '")
    assert says in message
    assert "\n" not in message


def test_end_effector_actions_without_kinematics_stop_the_launch(tmp_path: Path) -> None:
    start, end = UR5E.index("kinematics:\n"), UR5E.index("controllers:\n")
    text = UR5E[:start] + UR5E[end:]
    path = write(tmp_path, text.replace("space: joint_position", "space: ee_delta"))
    with pytest.raises(RobotProfileError, match=r"needs inverse kinematics\. Add the section kinematics"):
        graph("robot", LaunchOptions(robot=str(path), checkpoint="x"))


def test_a_joint_that_the_urdf_lacks_is_named(tmp_path: Path) -> None:
    text = UR5E.replace("../../urdf", str(CONFIG / "urdf")).replace("wrist_3_joint", "wrist_4_joint")
    profile = RobotProfile.load(write(tmp_path, text))
    with pytest.raises(KinematicsError, match="robot 'ur5e', section kinematics: joint 'wrist_4_joint' is not in the"):
        load_kinematics(profile)
