"""A prefix before the names of a robot: what gets it, what keeps its name, and that everything still fits."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from hume_core.errors import ConfigError, ContractError, KinematicsError, RobotProfileError
from hume_core.kinematics import read_urdf
from hume_core.limits_file import tightened
from hume_core.policy_contract import PolicyContract, fitted_robot, named_contract
from hume_core.robot import RobotProfile, find_profile, known_profiles
from hume_core.robot_kinematics import load_arm_model
from hume_core.robot_prefix import with_prefixed_names
from hume_core.state.kinds import StateField
from hume_core.state.parts import GripperPart, JointPart

ONE_ARM = [name for name in known_profiles() if len(RobotProfile.load(name).arms) == 1]
CHAIN = """<robot name="chain">
  <link name="floor"/><link name="slide"/><link name="hand"/>
  <joint name="rail" type="prismatic"><parent link="floor"/><child link="slide"/><axis xyz="1 0 0"/>
    <limit lower="-1" upper="1" effort="1" velocity="1"/></joint>
  <joint name="swing" type="revolute"><parent link="slide"/><child link="hand"/><axis xyz="0 0 1"/>
    <origin xyz="0 0 0.4"/>
    <limit lower="-1" upper="1" effort="1" velocity="1"/></joint>
  <transmission name="t"><joint name="rail"/></transmission>
</robot>"""


def data(robot: str = "ur5e") -> dict[str, Any]:
    """A profile's file, which can be written elsewhere."""
    found = dict(yaml.safe_load(find_profile(robot).read_text(encoding="utf-8")))
    found["kinematics"]["urdf"] = RobotProfile.load(robot).arm.kinematics.urdf  # type: ignore[union-attr]
    return found


def written(folder: Path, content: dict[str, Any]) -> Path:
    path = folder / f"{content['name']}.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("prefix", ["b2_", "LeftArm"])
@pytest.mark.parametrize("robot", ONE_ARM)
def test_joints_links_and_controllers_get_it_and_nothing_else_does(robot: str, prefix: str) -> None:
    plain, named = RobotProfile.load(robot), RobotProfile.load(robot, prefix)
    assert named.joint_names == tuple(prefix + name for name in plain.joint_names)
    assert named.gripper_names == tuple(prefix + name for name in plain.gripper_names)
    was, found = plain.arm.kinematics, named.arm.kinematics
    assert was is not None
    assert found is not None
    assert (found.base_link, found.tool_link) == (prefix + was.base_link, prefix + was.tool_link)
    assert found.urdf == was.urdf
    assert named.managed_controllers == tuple(prefix + name for name in plain.managed_controllers)
    assert [item.topic for item in named.controllers] == [prefix + item.topic for item in plain.controllers]
    for field in ("name", "joint_states", "cameras", "controller_manager", "rates", "stop_states", "action"):
        assert getattr(named, field) == getattr(plain, field)
    assert named.motion_limits().lower.tolist() == plain.motion_limits().lower.tolist()


def test_the_field_and_the_argument_say_the_same_and_the_argument_wins(tmp_path: Path) -> None:
    path = written(tmp_path, data() | {"prefix": "inner_"})
    assert RobotProfile.load(path) == RobotProfile.load(written(tmp_path, data()), "inner_")
    path = written(tmp_path, data() | {"prefix": "inner_"})
    assert RobotProfile.load(path, "outer_").joint_names[0] == "outer_shoulder_pan_joint"


@pytest.mark.parametrize(
    ("topic", "name", "expected"),
    [
        ("arm_controller/commands", None, ("b_arm_controller/commands", "b_arm_controller")),
        ("/cell/arm_controller/commands", None, ("/cell/b_arm_controller/commands", "b_arm_controller")),
        ("drive/commands", "servo", ("b_drive/commands", "b_servo")),
        ("positions", "", ("b_positions", "")),
        ("/positions", "", ("/b_positions", "")),
    ],
)
def test_a_controllers_topic_is_called_after_it(
    tmp_path: Path, topic: str, name: str | None, expected: tuple[str, str]
) -> None:
    content = data() | {"prefix": "b_"}
    content["controllers"]["arm"] |= {"topic": topic} | ({} if name is None else {"name": name})
    profile = RobotProfile.load(written(tmp_path, content))
    assert (profile.arm.controller.topic, profile.arm.controller.managed_name) == expected
    kept = RobotProfile.load(written(tmp_path, content | {"prefix_controllers": False}))
    assert kept.arm.controller.topic == topic
    assert kept.joint_names[0] == "b_shoulder_pan_joint"
    assert RobotProfile.load(written(tmp_path, content), prefix_controllers=False) == kept


@pytest.mark.parametrize("robot", ONE_ARM)
def test_what_is_written_back_is_a_file_again(robot: str) -> None:
    profile = RobotProfile.load(robot, "b_")
    content = profile.model_dump(mode="json")
    assert content["prefix"] == "b_"
    assert content["joints"][0]["name"] == RobotProfile.load(robot).joint_names[0]
    assert RobotProfile.model_validate(content) == profile
    assert profile.with_action(dt=0.5).joint_names == profile.joint_names
    assert profile.with_sections(observation={"slop": 0.01}).gripper_names == profile.gripper_names


def test_a_robot_without_a_prefix_is_written_as_before() -> None:
    assert not {"prefix", "prefix_controllers"} & set(RobotProfile.load("ur5e").model_dump())


def test_names_within_the_state_get_it_too(tmp_path: Path) -> None:
    content = data() | {"prefix": "b_"}
    gripper = content["gripper"]["joint"]
    content["state"] = [
        {"field": "joint_positions", "joints": ["elbow_joint"]},
        {"field": "gripper", "joints": [gripper]},
    ]
    profile = RobotProfile.load(written(tmp_path, content))
    assert profile.state_names == ("b_elbow_joint", f"b_{gripper}")
    assert RobotProfile.model_validate(profile.model_dump(mode="json")) == profile


@pytest.mark.parametrize("robot", ONE_ARM)
def test_the_shipped_description_and_the_drivers_both_fit(robot: str) -> None:
    plain, named = RobotProfile.load(robot), RobotProfile.load(robot, "b_")
    section = plain.arm.kinematics
    assert section is not None
    assert section.urdf is not None
    text = read_urdf(section.urdf)
    drivers = with_prefixed_names(text, "b_", named.joint_names)
    assert drivers != text
    assert with_prefixed_names(drivers, "b_", named.joint_names) == drivers
    home = np.array(plain.home)
    expected = load_arm_model(plain).forward(home)
    for urdf in ("", text, drivers):
        model = load_arm_model(named, urdf)
        assert model.joints == named.joint_names
        found = model.forward(home)
        np.testing.assert_allclose(found.position, expected.position, atol=1e-12)
        np.testing.assert_allclose(found.rotation, expected.rotation, atol=1e-12)


def test_of_two_arms_in_one_description_each_takes_its_own() -> None:
    """The second arm stands elsewhere, so the pose tells which was taken."""
    moved = CHAIN.replace('xyz="0 0 0.4"', 'xyz="0 0 0.9"')
    inner = [text.partition(">")[2].rpartition("</robot>")[0] for text in (CHAIN, moved)]
    both = "".join(
        with_prefixed_names(f"<robot name='c'>{part}</robot>", prefix, [f"{prefix}rail", f"{prefix}swing"])
        .partition(">")[2]
        .rpartition("</robot>")[0]
        for prefix, part in zip(("one_", "two_"), inner, strict=True)
    )
    # One tree needs one root.
    roots = "".join(
        f"<joint name='{p}foot' type='fixed'><parent link='room'/><child link='{p}floor'/></joint>"
        for p in ("one_", "two_")
    )
    urdf = f"<robot name='cell'><link name='room'/>{both}{roots}</robot>"
    for prefix, height in (("one_", 0.4), ("two_", 0.9)):
        pose = load_arm_model(chain_profile(prefix), urdf).forward(np.zeros(2))
        assert pose.position[2] == pytest.approx(height)


def chain_profile(prefix: str = "", **more: Any) -> RobotProfile:
    limits = {"position": [-1.0, 1.0], "velocity": 1.0, "acceleration": 2.0, "jerk": 40.0}
    content = {
        "name": "chain",
        "prefix": prefix,
        "joints": [{"name": name, **limits} for name in ("rail", "swing")],
        "kinematics": {"base_link": "floor", "tool_link": "hand"},
        "cameras": {"image": {"topic": "image_raw"}},
        "state": ["joint_positions"],
        "action": {"space": "joint_position", "dt": 0.1},
        "controllers": {"arm": {"type": "forward_command_controller", "topic": "arm_controller/commands"}},
    }
    return RobotProfile.model_validate({**content, **more})


def test_a_description_of_another_arm_is_refused_with_the_robots_names() -> None:
    other = CHAIN.replace("swing", "sway")
    with pytest.raises(KinematicsError, match=r"joint 'b_rail' is not in the URDF\. Its movable joints: rail, sway"):
        load_arm_model(chain_profile("b_"), other)
    with pytest.raises(KinematicsError, match="Pinocchio cannot read"):
        load_arm_model(chain_profile("b_"), "<robot name='torn'><link")


def test_names_prefixed_by_hand_are_told_of_the_field() -> None:
    profile = chain_profile(joints=[joint | {"name": "b_" + joint["name"]} for joint in joints_of(chain_profile())])
    with pytest.raises(KinematicsError, match=r"without 'b_', and add prefix: b_$"):
        load_arm_model(profile, CHAIN)
    with pytest.raises(KinematicsError, match=r"Its movable joints: one, two$"):
        load_arm_model(profile, CHAIN.replace("rail", "one").replace("swing", "two"))


def joints_of(profile: RobotProfile) -> list[dict[str, Any]]:
    return list(profile.model_dump(mode="json")["joints"])


@pytest.mark.parametrize("prefix", ["left-", "1st_", "arm/", "a b", "_x", "a\n", "ä_"])
def test_what_no_name_of_ros_begins_with_is_refused(prefix: str) -> None:
    with pytest.raises(RobotProfileError, match=r"ur5e\.yaml: field 'prefix': .*such as left_\. Found"):
        RobotProfile.load("ur5e", prefix)


def test_several_arms_are_refused() -> None:
    with pytest.raises(RobotProfileError, match=r"prefix 'b_' belongs to robots with one arm, and this robot has 2"):
        RobotProfile.load("aloha", "b_")


def test_names_that_have_it_already_are_refused(tmp_path: Path) -> None:
    content = data()
    content["joints"] = [joint | {"name": "b_" + joint["name"]} for joint in content["joints"]]
    with pytest.raises(RobotProfileError, match="prefix 'b_' is in the names of all joints already"):
        RobotProfile.load(written(tmp_path, content), "b_")


def test_a_name_that_happens_to_begin_like_it_gets_it_as_from_the_driver() -> None:
    assert RobotProfile.load("wx250s", "left_").gripper_names == ("left_left_finger",)


def test_a_limits_file_names_the_joints_of_the_robot(tmp_path: Path) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text("joints: {b_elbow_joint: {velocity: 0.5}}", encoding="utf-8")
    assert tightened(RobotProfile.load("ur5e", "b_"), path).joints[2].velocity == 0.5
    with pytest.raises(ConfigError, match="field 'b_elbow_joint' in joints is unknown"):
        tightened(RobotProfile.load("ur5e", "c_"), path)


@pytest.mark.parametrize("robot", ONE_ARM)
def test_a_checkpoint_of_the_plain_robot_fits(robot: str) -> None:
    plain, named = RobotProfile.load(robot), RobotProfile.load(robot, "b_")
    sizes: Any = SimpleNamespace(state_dim=plain.state_dim, action_dim=plain.action_dim)
    contract = PolicyContract.of(plain)
    assert fitted_robot(sizes, contract, named).state_names == named.state_names
    assert fitted_robot(sizes, PolicyContract.of(named), named) is named
    with pytest.raises(ContractError, match="joints"):
        fitted_robot(sizes, PolicyContract.of(named), RobotProfile.load(robot, "c_"))


def test_a_checkpoints_choice_of_joints_is_of_the_robots_names() -> None:
    plain, named = RobotProfile.load("ur5e"), RobotProfile.load("ur5e", "b_")
    state = (
        JointPart(field=StateField.JOINT_POSITIONS, joints=plain.joint_names[:2]),
        GripperPart(field=StateField.GRIPPER, joints=plain.gripper_names),
    )
    contract = PolicyContract.of(plain).model_copy(update={"state": state})
    assert contract.differences(named) == []
    seen = contract.seen_by(named)
    assert seen.state_names == (*named.joint_names[:2], *named.gripper_names)
    assert RobotProfile.model_validate(seen.model_dump(mode="json")) == seen


def test_a_released_policy_of_the_tool_fits() -> None:
    assert named_contract("libero_goal").differences(RobotProfile.load("franka_panda", "b_")) == []
