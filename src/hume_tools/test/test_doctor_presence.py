"""The doctor says where it looked, what it found instead, and what the robot has that the profile lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from hume_core.robot import RobotProfile
from hume_tools.doctor.graph import Graph, Source
from hume_tools.doctor.installation import Finding
from hume_tools.doctor.sources import judge_sources

PROFILES = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"
UR5E = RobotProfile.load(PROFILES / "ur5e.yaml")
JOINT_STATE, IMAGE = "sensor_msgs/msg/JointState", "sensor_msgs/msg/Image"
WHERE = "domain 7 (discovery range LOCALHOST), namespace '/left'"


def source(topic: str, kind: str, rate: float = 100.0, publishers: tuple[str, ...] = ("driver",)) -> Source:
    return Source(topic, kind, {kind}, [k / rate for k in range(9)], [0.003] * 9, publishers=list(publishers))


def seen() -> Graph:
    assert UR5E.gripper is not None
    positions = dict(zip(UR5E.joint_names, UR5E.home, strict=True)) | {UR5E.gripper.joint: 0.1}
    cameras = {key: source(camera.topic, IMAGE) for key, camera in UR5E.cameras.items()}
    return Graph(source("joint_states", JOINT_STATE), cameras, joint_positions=positions, where=WHERE)


def wrong(graph: Graph) -> dict[str, Finding]:
    return {finding.what: finding for finding in judge_sources(UR5E, graph) if not finding.good}


def test_a_healthy_robot_has_nothing_wrong() -> None:
    assert wrong(seen()) == {}


def test_where_there_is_nothing_domain_range_and_namespace_are_named_first() -> None:
    graph = Graph(
        Source("joint_states", JOINT_STATE),
        {key: Source(camera.topic, IMAGE) for key, camera in UR5E.cameras.items()},
        where=WHERE,
    )
    found = wrong(graph)
    assert next(iter(found)) == "robot"
    assert WHERE in found["robot"].found
    assert "ROS_DOMAIN_ID" in found["robot"].fix


def test_one_thing_that_is_there_is_enough() -> None:
    graph = seen()
    graph.joint_states.published_types.clear()
    assert "robot" not in wrong(graph)


@pytest.mark.parametrize("others", [("/joint_states",), ("/left/joint_states", "/right/joint_states")])
def test_the_same_topic_elsewhere_is_named(others: tuple[str, ...]) -> None:
    graph = seen()
    graph.joint_states.published_types.clear()
    graph.joint_states.elsewhere = others
    assert ", ".join(others) in wrong(graph)["joint states: topic"].fix


@pytest.mark.parametrize("extra", [("wrist_4_joint",), ("rail", "lift")])
def test_joints_that_the_profile_lacks_are_named(extra: tuple[str, ...]) -> None:
    graph = seen()
    graph.joint_positions.update(dict.fromkeys(extra, 0.0))
    finding = wrong(graph)["joints left out"]
    assert ", ".join(extra) in finding.found
    assert finding.optional


@pytest.mark.parametrize("key", UR5E.cameras)
@pytest.mark.parametrize("names", [("camera", "camera"), ("a", "b", "c")])
def test_several_publishers_of_one_camera_are_named(key: str, names: tuple[str, ...]) -> None:
    graph = seen()
    graph.cameras[key].publishers = list(names)
    finding = wrong(graph)[f"camera {key}: publishers"]
    assert ", ".join(names) in finding.found
    assert "namespace" in finding.fix
