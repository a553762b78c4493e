"""Topics are found in whatever namespace and transport they were recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage

from hume_bags.errors import BagError
from hume_bags.inspection import inspect_bag
from hume_bags.message_types import message_class
from hume_bags.observations import BagObservations
from hume_bags.provenance import recording_provenance
from hume_bags.reader import BagReader
from hume_bags.recorded_robot import profile_for
from hume_bags.regress.session import SteppedSession
from hume_bags.replay import played_names, replayed_topics
from hume_bags.topics import recorded_image_topic, recorded_namespace
from hume_bags.writer import BagWriter
from hume_core.errors import ObservationError
from hume_core.robot import RobotProfile

START = 1000.0
SENSORS = ["joint_states", "camera/scene/image_raw", "camera/wrist/image_raw"]
Record = Callable[..., Any]


@pytest.mark.parametrize("namespace", ["", "left", "fleet/arm_2"])
def test_the_namespace_is_where_the_sensors_are(
    tmp_path: Path, record: Record, exported: Callable[..., Any], profile: RobotProfile, namespace: str
) -> None:
    session = record(tmp_path / "bag", namespace=namespace)
    session.sensors(2.0)
    session.goal(0.2, 1.8)
    session.writer.close()
    reader = BagReader(tmp_path / "bag")
    found = inspect_bag(reader)
    assert found.namespace.strip("/") == namespace
    assert found.sync is not None
    assert found.sync.sets > 30
    assert SteppedSession(reader, profile, list(profile.cameras)).check().shape == (7,)
    data, _ = exported(tmp_path / "bag", tmp_path / "data")
    assert len(data.action) > 20
    named, _ = exported(tmp_path / "bag", tmp_path / "named", namespace=namespace)
    np.testing.assert_array_equal(named.action, data.action)


def test_of_two_robots_one_has_to_be_chosen(profile: RobotProfile) -> None:
    topics = {f"/{space}/{name}" for space in ("left", "right") for name in SENSORS}
    with pytest.raises(BagError, match=r"several namespaces have .*: /left, /right\. Choose with --namespace"):
        recorded_namespace(topics, profile)
    assert recorded_namespace(topics, profile, "right") == "right"
    assert recorded_namespace(topics - {"/left/joint_states"}, profile) == "/right"
    assert recorded_namespace({*topics, *("/" + name for name in SENSORS)}, profile) == ""
    assert recorded_namespace({"/joint_states", *topics} - {f"/left/{SENSORS[1]}"}, profile) == "/right"
    assert recorded_namespace(set(), profile) == ""


@pytest.mark.parametrize("recorded", ["", "left", "fleet/arm_2"])
@pytest.mark.parametrize("listens", ["right", "/cell/left/"])
def test_a_replay_moves_the_robots_topics_to_its_stack(
    tmp_path: Path, record: Record, recorded: str, listens: str
) -> None:
    session = record(tmp_path / "bag", namespace=recorded)
    session.sensors(0.5)
    session.writer.close()
    reader = BagReader(tmp_path / "bag")
    topics = replayed_topics(reader)
    inside = f"/{recorded}/".replace("//", "/")
    assert len(topics) == len(SENSORS)
    assert played_names(reader, topics) == {topic: topic for topic in topics}
    space = listens.strip("/")
    assert played_names(reader, topics, listens) == {inside + name: f"/{space}/{name}" for name in SENSORS}
    assert played_names(reader, ["/tf"], listens) == {"/tf": "/tf"}


def test_a_recording_knows_the_prefix(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag", recording_provenance("wx250s_sim", "b_")) as writer:
        writer.add_topic("/joint_states", "sensor_msgs/msg/JointState")
    reader = BagReader(tmp_path / "bag")
    expected = RobotProfile.load("wx250s_sim", "b_")
    assert reader.provenance["prefix"] == "b_"
    assert reader.provenance["limits"]["names"] == list(expected.joint_names)
    assert profile_for(reader).joint_names == expected.joint_names
    assert profile_for(reader, "wx250s_sim") == expected
    assert not {"prefix", "prefix_controllers"} & set(recording_provenance("wx250s_sim"))


def test_a_recording_knows_that_the_controllers_have_no_prefix(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag", recording_provenance("ur5e", "b_", False)) as writer:
        writer.add_topic("/joint_states", "sensor_msgs/msg/JointState")
    expected = RobotProfile.load("ur5e", "b_", prefix_controllers=False)
    for found in (profile_for(BagReader(tmp_path / "bag")), profile_for(BagReader(tmp_path / "bag"), "ur5e")):
        assert found.controllers == expected.controllers == RobotProfile.load("ur5e").controllers
        assert found.joint_names == expected.joint_names


@pytest.mark.parametrize(
    ("recorded", "wanted", "found"),
    [
        ({"/c/image_raw"}, "/c/image_raw", "/c/image_raw"),
        ({"/c/image_raw/compressed"}, "/c/image_raw", "/c/image_raw/compressed"),
        ({"/c/image_raw"}, "/c/image_raw/compressed", "/c/image_raw"),
        ({"/c/image_raw", "/c/image_raw/compressed"}, "/c/image_raw/compressed", "/c/image_raw/compressed"),
        ({"/c/image_raw", "/c/image_raw/compressed"}, "/c/image_raw", "/c/image_raw"),
        ({"/d/image_raw"}, "/c/image_raw", "/c/image_raw"),
    ],
)
def test_a_camera_is_read_as_it_was_recorded(recorded: set[str], wanted: str, found: str) -> None:
    assert recorded_image_topic(recorded, wanted) == found


def test_compressed_images_need_no_word(tmp_path: Path, record: Record, exported: Callable[..., Any]) -> None:
    """The scene's camera raw, the wrist's compressed: PNG, so that the pixels are the same."""
    session = record(tmp_path / "bag")
    session.add("/camera/wrist/image_raw/compressed", "sensor_msgs/msg/CompressedImage")
    write = session.write

    def compressing(topic: str, message: Any, time: float) -> None:
        if "wrist" in topic:
            pixels = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)
            packed = cv2.imencode(".png", pixels)[1].tobytes()
            message = CompressedImage(header=message.header, format="bgr8; png compressed", data=packed)
            topic = f"{topic}/compressed"
        write(topic, message, time)

    session.write = compressing
    session.sensors(2.0)
    session.goal(0.2, 1.8)
    session.writer.close()
    assert "/camera/wrist/image_raw/compressed" in replayed_topics(BagReader(tmp_path / "bag"))
    data, _ = exported(tmp_path / "bag", tmp_path / "data")
    np.testing.assert_array_equal(data.images["wrist_image"], data.images["image"])
    assert len(np.unique(data.images["wrist_image"])) > 20


def test_messages_without_stamps_are_named(tmp_path: Path, record: Record, profile: RobotProfile) -> None:
    for unstamped in ("/joint_states", "/camera/wrist/image_raw"):
        folder = tmp_path / unstamped.split("/")[-1]
        session = record(folder)
        write = session.write

        def spoiling(topic: str, message: Any, time: float, write: Any = write, unstamped: str = unstamped) -> None:
            if topic == unstamped:
                message.header.stamp.sec = message.header.stamp.nanosec = 0
            write(topic, message, time)

        session.write = spoiling
        session.sensors(1.0)
        session.writer.close()
        found = inspect_bag(BagReader(folder))
        assert found.topics[unstamped].unstamped == found.topics[unstamped].count
        assert found.sync is None
        assert any(f"{unstamped}: messages carry no time stamp" in problem for problem in found.problems)
        observations = BagObservations(BagReader(folder), profile)
        assert list(observations.frames()) == []
        with pytest.raises(ObservationError, match=f"topic '{unstamped}': messages carry no time stamp"):
            SteppedSession(BagReader(folder), profile, list(profile.cameras)).check()


@pytest.mark.parametrize("times", [2, 3])
@pytest.mark.parametrize("robot", ["wx250s_sim", ""])
def test_joints_named_twice_are_named(tmp_path: Path, times: int, robot: str) -> None:
    from sensor_msgs.msg import JointState

    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic("/joint_states", "sensor_msgs/msg/JointState")
        for k in range(5):
            message = JointState(name=["a", *["elbow"] * times], position=[0.0] * (times + 1))
            writer.write_message("/joint_states", message, k)
    found = inspect_bag(BagReader(tmp_path / "bag"), robot)
    assert f"'/joint_states' names joint 'elbow' {times} times in one message" in found.problems


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("hume_msgs/action/ExecuteTask_SendGoal_Event", "request"),
        ("hume_msgs/action/ExecuteTask_GetResult_Event", "response"),
        ("std_srvs/srv/SetBool_Event", "info"),
    ],
)
def test_events_of_services_and_actions_are_messages(name: str, part: str) -> None:
    assert hasattr(message_class(name)(), part)
