"""Robot profiles: what is valid loads, and every mistake gets one message that names file, field and fix."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from hume_core.errors import ActionSpaceError, RobotProfileError
from hume_core.limits import UNLIMITED
from hume_core.robot import ArmControllerType, RobotProfile, find_profile, known_profiles

VALID: dict[str, Any] = {
    "name": "two_joint",
    "joints": [
        {"name": "base", "position": [-1.0, 1.0], "velocity": 2.0, "acceleration": 5.0, "jerk": 50.0, "home": 0.25},
        {"name": "tip", "position": [-2.0, 0.5], "velocity": 3.0, "acceleration": 6.0, "jerk": 60.0},
    ],
    "gripper": {"joint": "finger", "closed": 0.0, "open": 0.04, "speed": 0.1},
    "cameras": {"image": {"topic": "camera/image_raw"}},
    "action": {"space": "joint_position", "dt": 0.05},
    "controllers": {
        "arm": {"type": "forward_command", "topic": "arm/commands"},
        "gripper": {"type": "position", "topic": "gripper/commands"},
    },
}

END_EFFECTOR: dict[str, Any] = {
    "action": {"space": "ee_delta", "dt": 0.05},
    "kinematics": {"base_link": "base", "tool_link": "tip"},
}


def write(folder: Path, change: Callable[[dict[str, Any]], object] = lambda data: None) -> Path:
    data = copy.deepcopy(VALID)
    change(data)
    path = folder / "robot.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def test_valid_profile_gives_joints_limits_and_sizes(tmp_path: Path) -> None:
    profile = RobotProfile.load(write(tmp_path))
    limits = profile.motion_limits()
    assert profile.joint_names == ("base", "tip")
    assert profile.home == (0.25, 0.0)
    assert (profile.state_dim, profile.action_dim) == (3, 3)
    np.testing.assert_array_equal(limits.upper, [1.0, 0.5])
    np.testing.assert_array_equal(limits.jerk, [50.0, 60.0])


def endless(data: dict[str, Any], **changes: Any) -> None:
    """Make the first joint continuous."""
    del data["joints"][0]["position"]
    data["joints"][0].update({"continuous": True, "home": 4.0, **changes})


def test_a_continuous_joint_has_no_limits_and_any_home(tmp_path: Path) -> None:
    profile = RobotProfile.load(write(tmp_path, endless))
    limits = profile.motion_limits()
    assert limits.continuous.tolist() == [True, False]
    np.testing.assert_array_equal(limits.lower, [-UNLIMITED, -2.0])
    np.testing.assert_array_equal(limits.upper, [UNLIMITED, 0.5])
    assert profile.home == (4.0, 0.0)
    assert RobotProfile.model_validate(profile.model_dump(mode="json")) == profile


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda d: endless(d, position=[-1.0, 1.0]), "a continuous joint has no position limits. Leave out position"),
        (lambda d: endless(d, continuous=False), "position is missing. Add position: [lowest, highest], or continuous"),
        (lambda d: d["joints"][0].pop("position"), "position is missing. Add position: [lowest, highest], or"),
        (
            lambda d: endless(d, tracking=3.2),
            "tracking of a continuous joint must be below pi (half a turn), found 3.2",
        ),
        (lambda d: endless(d, position=[-float("inf"), float("inf")]), "should be a finite number"),
    ],
)
def test_a_joint_has_limits_or_is_continuous(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], expected: str
) -> None:
    with pytest.raises(RobotProfileError) as caught:
        RobotProfile.load(write(tmp_path, change))
    assert "field 'joints.base" in str(caught.value)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_end_effector_action_has_six_numbers_and_the_gripper(tmp_path: Path) -> None:
    profile = RobotProfile.load(write(tmp_path, lambda d: d.update(**END_EFFECTOR)))
    assert profile.action_dim == 7


@pytest.mark.parametrize(
    ("given", "expected"),
    [("arm.urdf", "{folder}/arm.urdf"), ("/opt/arm.urdf", "/opt/arm.urdf"), ("package://arm/arm.urdf",) * 2],
)
def test_relative_urdf_starts_from_the_profile(tmp_path: Path, given: str, expected: str) -> None:
    kinematics = {**END_EFFECTOR["kinematics"], "urdf": given}
    profile = RobotProfile.load(write(tmp_path, lambda d: d.update(END_EFFECTOR, kinematics=kinematics)))
    assert profile.kinematics is not None
    assert profile.kinematics.urdf == expected.format(folder=tmp_path)


@pytest.mark.parametrize(
    ("controller", "expected"),
    [
        ({"topic": "arm_controller/commands"}, "arm_controller"),
        ({"topic": "/left/arm_controller/commands"}, "left/arm_controller"),
        ({"topic": "commands", "name": "arm"}, "arm"),
        ({"topic": "arm_controller/commands", "name": ""}, ""),
    ],
)
def test_controller_name_comes_from_the_topic(tmp_path: Path, controller: dict[str, str], expected: str) -> None:
    change = {"arm": {"type": "joint_trajectory_controller", **controller}}
    profile = RobotProfile.load(write(tmp_path, lambda d: d.update(controllers=change)))
    assert profile.arm.controller.controller_name == expected


def test_controller_types_may_be_shortened(tmp_path: Path) -> None:
    profile = RobotProfile.load(write(tmp_path, lambda d: d["controllers"]["arm"].update(type="joint_trajectory")))
    assert profile.arm.controller.type is ArmControllerType.JOINT_TRAJECTORY


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda d: d["joints"][1].update(velocty=3.0), "joints.tip.velocty' is unknown. Valid here: name, position"),
        (lambda d: d["joints"][1].update(velocity=-3.0), "joints.tip.velocity'"),
        (lambda d: d["joints"][0].update(jerk=float("nan")), "joints.base.jerk'"),
        (lambda d: d["joints"][0].update(home=9.0), "home 9.0 is outside position"),
        (lambda d: d["joints"][0].update(position=[1.0, -1.0]), "lowest < highest"),
        (lambda d: d["joints"].append(d["joints"][0]), "joints are listed twice: base"),
        (lambda d: d.pop("joints"), "'joints' is missing"),
        (lambda d: d.update(joints=[]), "joints"),
        (
            lambda d: d["controllers"]["arm"].update(type="velocity"),
            "'forward_command_controller' or 'joint_trajectory_controller'",
        ),
        (
            lambda d: d["controllers"]["gripper"].update(tpic="x"),
            "Valid here: topic, name, type. Did you mean 'topic'?",
        ),
        (
            lambda d: d["action"].update(space="torque"),
            "action.space': action space 'torque' is unknown. Valid: joint_position",
        ),
        (lambda d: d["action"].update(space="ee_delta"), "needs inverse kinematics. Add the section kinematics"),
        (lambda d: d["action"].update(scale=[1.0] * 6), "scale belongs to ee_delta and ee_pose"),
        (lambda d: d.update(END_EFFECTOR, kinematics={"tool_link": "tip"}), "'kinematics.base_link' is missing"),
        (lambda d: d.update(END_EFFECTOR, action={**END_EFFECTOR["action"], "frame": "world"}), "'base' or 'tool'"),
        (lambda d: d.update(END_EFFECTOR, action={**END_EFFECTOR["action"], "scale": [0.05]}), "action.scale"),
        (
            lambda d: d.update(joint=[]),
            "'joint' is unknown. Valid here: name, description, prefix, prefix_controllers, joints",
        ),
        (lambda d: d["cameras"]["image"].update(topc="x"), "topic, transport, policy. Did you mean 'topic'?"),
        (lambda d: d["joints"][1].update(velocity="fast"), "joints.tip.velocity': Input should be a valid number"),
        (lambda d: d["joints"][1].pop("jerk"), "'joints.tip.jerk' is missing. Add it"),
        (lambda d: d["controllers"]["gripper"].update(type="suction"), "'position', 'joint_trajectory_controller'"),
        (lambda d: d.pop("gripper"), "no gripper section"),
        (lambda d: d["gripper"].update(open=0.0), "closed and open must differ"),
        (lambda d: d["gripper"].update(force=0.0), "gripper.force': Input should be greater than 0. Found 0.0"),
        (lambda d: d["gripper"].update(force=-20.0), "gripper.force': Input should be greater than 0"),
        (lambda d: d["gripper"].update(force=float("inf")), "gripper.force': Input should be a finite number"),
        (lambda d: d["gripper"].update(force="strong"), "gripper.force': Input should be a valid number"),
        (lambda d: d["gripper"].update(force=20.0), "Leave it out with 'position'"),
        (
            lambda d: (
                d["gripper"].update(force=20.0),
                d["controllers"]["gripper"].update(type="joint_trajectory_controller"),
            ),
            "Leave it out with 'joint_trajectory_controller'",
        ),
        (lambda d: d.update(rates={"stream": 5000}), "rates.stream"),
        (lambda d: d.update(push={"settle": 2.0}), "settle must be below timeout"),
        (lambda d: d.update(push={"jump_speed": 0.5}), "push.jump_speed"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, change: Callable[[dict[str, Any]], object], expected: str) -> None:
    path = write(tmp_path, change)
    with pytest.raises(RobotProfileError) as caught:
        RobotProfile.load(path)
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["joints: [", "- a list", ""])
def test_files_that_are_no_mapping_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "robot.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RobotProfileError, match=str(path)):
        RobotProfile.load(path)


def test_another_action_keeps_the_rest_and_starts_from_plain_conventions(tmp_path: Path) -> None:
    profile = RobotProfile.load(write(tmp_path, lambda d: d.update(END_EFFECTOR)))
    scaled = profile.with_action(dt=0.1, scale=[0.5] * 6)
    assert (scaled.action.space, scaled.action.dt, scaled.action.scale) == ("ee_delta", 0.1, (0.5,) * 6)
    assert scaled.with_action(scaled.action.space).action == scaled.action
    joints = scaled.with_action("joint_delta")
    assert (joints.action.space, joints.action.dt, joints.action.scale) == ("joint_delta", 0.1, None)
    assert joints.model_copy(update={"action": profile.action}) == profile
    assert profile.needed_kinematics == (profile.kinematics,)
    assert joints.needed_kinematics == ()


def test_another_action_that_does_not_suit_the_robot_is_refused(tmp_path: Path) -> None:
    profile = RobotProfile.load(write(tmp_path))
    with pytest.raises(ActionSpaceError, match="Valid: joint_position, joint_delta, ee_delta, ee_pose"):
        profile.with_action("torque")
    with pytest.raises(RobotProfileError, match=r"'two_joint' with another action: .*needs inverse kinematics"):
        profile.with_action("ee_pose")
    with pytest.raises(RobotProfileError, match=r"field 'action\.dt'"):
        profile.with_action(dt=0.0)


def test_unknown_name_lists_the_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.setenv("HUME_ROBOTS", str(tmp_path))
    monkeypatch.setenv("AMENT_PREFIX_PATH", "")
    assert known_profiles() == ["robot"]
    assert find_profile("robot") == tmp_path / "robot.yaml"
    with pytest.raises(RobotProfileError, match=r"unknown robot 'rowbot'\. Known robots: robot"):
        RobotProfile.load("rowbot")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RobotProfileError, match="does not exist"):
        RobotProfile.load(tmp_path / "absent.yaml")


@pytest.mark.parametrize("force", [None, 0.5, 35])
def test_a_gripper_behind_an_action_may_have_a_force(tmp_path: Path, force: float | None) -> None:
    def change(data: dict[str, Any]) -> None:
        data["gripper"].update({} if force is None else {"force": force})
        data["controllers"]["gripper"].update(type="gripper_action")

    gripper = RobotProfile.load(write(tmp_path, change)).gripper
    assert gripper is not None
    assert gripper.force == force
