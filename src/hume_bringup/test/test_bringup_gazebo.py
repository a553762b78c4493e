"""The Gazebo files fit together, and the arm in them is the arm of the MuJoCo simulator."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest
import yaml

from hume_bringup.gazebo import CONTROLLERS, ROBOT
from hume_bringup.robot_description import expand
from hume_core.kinematics.model import ArmModel
from hume_core.robot import RobotProfile
from hume_sim.arm import ARM_JOINTS, FINGER_JOINT, FINGER_VELOCITY, GRIPPER_OPEN, HOME
from hume_sim.scene import CUBE_SIZE, CUBES, load_model

FOLDER = Path(__file__).parents[1]
PROFILE = RobotProfile.load(ROBOT)
ROUNDING = 1e-4
"""The profile gives four digits, rad."""
CAMERA_TOPICS = {f"camera/{name}/{kind}" for name in ("scene", "wrist") for kind in ("image_raw", "camera_info")}


@pytest.fixture(scope="module")
def text() -> str:
    return expand("wx250s.urdf.xacro", gazebo="true", controllers="/controllers.yaml")


@pytest.fixture(scope="module")
def urdf(text: str) -> ET.Element:
    return ET.fromstring(text)


@pytest.fixture(scope="module")
def world() -> ET.Element:
    found = ET.parse(FOLDER / "worlds" / "tabletop.sdf").getroot().find("world")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def from_urdf(text: str) -> mujoco.MjModel:
    """The description as MuJoCo reads it, links kept apart."""
    extension = '<mujoco><compiler fusestatic="false"/></mujoco>'
    return mujoco.MjModel.from_xml_string(text.replace("<link name=", f"{extension}<link name=", 1))


@pytest.fixture(scope="module")
def simulated() -> mujoco.MjModel:
    return load_model()


def controllers() -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / "config" / "gazebo" / "controllers.yaml").read_text()))


def bridge() -> list[dict[str, str]]:
    return list(yaml.safe_load((FOLDER / "config" / "gazebo" / "bridge.yaml").read_text()))


def positions(model: mujoco.MjModel, values: dict[str, float]) -> mujoco.MjData:
    data = mujoco.MjData(model)
    for name, value in values.items():
        data.qpos[model.joint(name).qposadr[0]] = value
    mujoco.mj_forward(model, data)
    return data


def pose(data: mujoco.MjData, link: str) -> tuple[np.ndarray, np.ndarray]:
    return data.body(link).xpos, data.body(link).xmat.reshape(3, 3)


@pytest.mark.parametrize("seed", range(50))
def test_forward_kinematics_equal_the_simulators(
    from_urdf: mujoco.MjModel, simulated: mujoco.MjModel, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    limits = PROFILE.motion_limits()
    joints = dict(zip(ARM_JOINTS, rng.uniform(limits.lower, limits.upper).tolist(), strict=True))
    joints |= {"left_finger": 0.02, "right_finger": -0.02}
    ours, theirs = positions(from_urdf, joints), positions(simulated, joints)
    site = theirs.site("gripper_tip")
    np.testing.assert_allclose(pose(ours, "ee_gripper_link")[0], site.xpos, atol=1e-7)
    np.testing.assert_allclose(pose(ours, "ee_gripper_link")[1], site.xmat.reshape(3, 3), atol=1e-7)
    for link in ("upper_forearm_link", "gripper_bar_link", "left_finger_link", "right_finger_link"):
        np.testing.assert_allclose(pose(ours, link)[0], pose(theirs, link)[0], atol=1e-7)


def test_the_stacks_own_kinematics_read_the_description(text: str, simulated: mujoco.MjModel) -> None:
    arm = ArmModel(text, ARM_JOINTS, "base_link", "ee_gripper_link")
    rng = np.random.default_rng(0)
    limits = PROFILE.motion_limits()
    for _ in range(50):
        joints = rng.uniform(limits.lower, limits.upper)
        site = positions(simulated, dict(zip(ARM_JOINTS, joints.tolist(), strict=True))).site("gripper_tip")
        np.testing.assert_allclose(arm.forward(joints).position, site.xpos, atol=1e-7)
        np.testing.assert_allclose(arm.forward(joints).rotation, site.xmat.reshape(3, 3), atol=1e-7)


@pytest.mark.parametrize("camera", ["scene", "wrist"])
def test_cameras_see_what_the_simulators_see(
    from_urdf: mujoco.MjModel, simulated: mujoco.MjModel, urdf: ET.Element, camera: str
) -> None:
    joints = dict(zip(ARM_JOINTS, HOME.tolist(), strict=True))
    ours, theirs = positions(from_urdf, joints), positions(simulated, joints)
    place, axes = pose(ours, f"{camera}_camera_optical_frame")
    right, up, back = theirs.camera(camera).xmat.reshape(3, 3).T
    np.testing.assert_allclose(place, theirs.camera(camera).xpos, atol=1e-6)
    np.testing.assert_allclose(axes, np.stack([right, -up, -back], axis=1), atol=1e-6)
    sensor = next(item for item in urdf.iter("sensor") if item.get("name") == f"{camera}_camera")
    assert np.rad2deg(float(sensor.findtext("camera/horizontal_fov", ""))) == pytest.approx(
        simulated.camera(camera).fovy[0]
    )
    assert sensor.findtext("gz_frame_id") == f"{camera}_camera_optical_frame"


def test_limits_efforts_and_masses_equal_the_simulators(
    from_urdf: mujoco.MjModel, simulated: mujoco.MjModel, urdf: ET.Element
) -> None:
    for name in (*ARM_JOINTS, FINGER_JOINT, "right_finger"):
        np.testing.assert_allclose(from_urdf.joint(name).range, simulated.joint(name).range, atol=1e-8)
    for i in range(simulated.nbody):
        body = simulated.body(i)
        if body.name.endswith("_link"):
            np.testing.assert_allclose(from_urdf.body(body.name).mass, body.mass, rtol=1e-6)
            np.testing.assert_allclose(from_urdf.body(body.name).inertia, body.inertia, rtol=1e-3, atol=1e-9)
    for name in ARM_JOINTS:
        limit = urdf.find(f"joint[@name='{name}']/limit")
        assert limit is not None
        assert float(limit.attrib["effort"]) == simulated.actuator(name).forcerange[1]


def test_the_profiles_limits_lie_within_the_descriptions(urdf: ET.Element) -> None:
    for joint in PROFILE.joints:
        limit = urdf.find(f"joint[@name='{joint.name}']/limit")
        assert limit is not None
        assert joint.position[0] >= float(limit.attrib["lower"]) - ROUNDING
        assert joint.position[1] <= float(limit.attrib["upper"]) + ROUNDING
        assert joint.velocity <= float(limit.attrib["velocity"])
    finger = urdf.find(f"joint[@name='{FINGER_JOINT}']/limit")
    assert finger is not None
    assert float(finger.attrib["velocity"]) == FINGER_VELOCITY


def test_every_joint_is_under_control_and_starts_at_home(urdf: ET.Element) -> None:
    controlled = {str(joint.get("name")): joint for joint in urdf.findall("ros2_control/joint")}
    commanded = [name for name, joint in controlled.items() if joint.find("command_interface") is not None]
    assert commanded == [*ARM_JOINTS, FINGER_JOINT]
    moving = {str(j.get("name")) for j in urdf.findall("joint") if j.get("type") != "fixed"}
    assert set(controlled) == moving
    starts = [float(controlled[name].findtext("state_interface/param", "")) for name in commanded]
    np.testing.assert_allclose(starts, [*HOME, GRIPPER_OPEN])
    mimic = urdf.find("joint[@name='right_finger']/mimic")
    assert mimic is not None
    assert mimic.get("joint") == FINGER_JOINT


def test_controllers_take_the_profiles_joints_and_topics() -> None:
    file = controllers()
    manager = file["controller_manager"]["ros__parameters"]
    assert tuple(name for name in manager if name != "update_rate") == CONTROLLERS
    assert manager["update_rate"] >= PROFILE.rates.stream
    for name, joints, topic in (
        ("arm_controller", list(PROFILE.joint_names), PROFILE.arm.controller.topic),
        ("gripper_controller", [PROFILE.gripper and PROFILE.gripper.joint], "gripper_controller/commands"),
    ):
        assert manager[name]["type"] == "forward_command_controller/ForwardCommandController"
        assert file[name]["ros__parameters"] == {"joints": joints, "interface_name": "position"}
        assert topic == f"{name}/commands"
    assert PROFILE.gripper is not None
    assert PROFILE.gripper.controller is not None
    assert PROFILE.gripper.controller.topic == "gripper_controller/commands"
    assert PROFILE.joint_states == "joint_states"


def test_the_bridge_carries_every_camera_and_the_clock(urdf: ET.Element) -> None:
    topics = {entry["ros_topic_name"] for entry in bridge()}
    assert topics == {"/clock", *CAMERA_TOPICS}
    assert {camera.topic for camera in PROFILE.cameras.values()} < topics
    sensors = {str(sensor.findtext("topic")) for sensor in urdf.iter("sensor")}
    infos = {topic.rpartition("/")[0] + "/camera_info" for topic in sensors}
    assert {entry["gz_topic_name"] for entry in bridge()} == {"/clock", *sensors, *infos}
    kinds = {"Clock": "rosgraph_msgs", "Image": "sensor_msgs", "CameraInfo": "sensor_msgs"}
    for entry in bridge():
        kind = entry["gz_type_name"].removeprefix("gz.msgs.")
        assert entry["ros_type_name"] == f"{kinds[kind]}/msg/{kind}"
        assert entry["direction"] == "GZ_TO_ROS"
        assert entry["ros_topic_name"] == entry["gz_topic_name"]


def test_the_world_holds_the_simulators_table_and_cubes(world: ET.Element, simulated: mujoco.MjModel) -> None:
    models = {str(model.get("name")): model for model in world.findall("model")}
    assert set(models) == {"floor", "table", *(f"{cube}_cube" for cube in CUBES)}
    sizes = [float(v) for v in models["table"].findtext("link/collision/geometry/box/size", "").split()]
    np.testing.assert_allclose(sizes, 2 * simulated.geom("table").size)
    place = [float(v) for v in models["table"].findtext("pose", "").split()]
    np.testing.assert_allclose(place[:3], simulated.geom("table").pos)
    for cube in CUBES:
        model, body = models[f"{cube}_cube"], simulated.body(f"{cube}_cube")
        place = [float(v) for v in model.findtext("pose", "").split()]
        np.testing.assert_allclose(place[:3], body.pos)
        assert model.findtext("link/collision/geometry/box/size") == " ".join([str(CUBE_SIZE)] * 3)
        assert float(model.findtext("link/inertial/mass", "")) == pytest.approx(float(body.mass[0]))
        assert float(model.findtext("link/inertial/inertia/ixx", "")) == pytest.approx(float(body.inertia[0]), rel=1e-2)


def test_the_world_loads_the_systems_that_arm_and_cameras_need(world: ET.Element) -> None:
    systems = {str(plugin.get("name")).rpartition("::")[2] for plugin in world.findall("plugin")}
    assert systems == {"Physics", "UserCommands", "SceneBroadcaster", "Sensors"}


def test_the_plain_description_needs_no_gazebo() -> None:
    plain = ET.fromstring(expand("wx250s.urdf.xacro"))
    assert plain.find("ros2_control") is None
    assert list(plain.iter("gazebo")) == []


def test_the_controllers_file_reaches_the_plugin(urdf: ET.Element) -> None:
    assert urdf.findtext("gazebo/plugin/parameters") == "/controllers.yaml"
