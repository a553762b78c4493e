"""What is recorded, and that nothing is lost silently."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sensor_msgs.msg import JointState

from hume_bags import background
from hume_bags.background import BackgroundWriter
from hume_bags.provenance import checkpoint_provenance, recording_provenance
from hume_bags.reader import BagReader
from hume_bags.topics import camera_info_topic, command_topics, goal_topics, recorded_topics, sensor_topics
from hume_bags.writer import BagWriter
from hume_core.robot import RobotProfile

ROBOTS = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"


@pytest.fixture
def profile() -> RobotProfile:
    return RobotProfile.load(ROBOTS / "wx250s_sim.yaml")


def test_the_topics_of_the_profile_are_recorded(profile: RobotProfile) -> None:
    topics = recorded_topics(profile, "left")
    for topic in (
        "/left/joint_states", "/left/camera/wrist/image_raw", "/left/camera/wrist/camera_info",
        "/left/arm_controller/commands", "/left/gripper_controller/commands", "/left/hume/action_chunk",
        "/left/hume/segment", "/left/hume/epoch", "/left/hume/status", "/left/hume/thought", "/parameter_events",
    ):  # fmt: skip
        assert topic in topics
    assert len(set(topics)) == len(topics)
    assert "/hume/thought" not in recorded_topics(profile, thoughts=False)
    assert set(sensor_topics(profile)).isdisjoint(command_topics(profile))


def test_goals_and_states_of_controllers_are_recorded(profile: RobotProfile) -> None:
    assert goal_topics(profile) == []
    data = profile.model_dump(mode="json")
    data["controllers"]["arm"] = {"type": "joint_trajectory_controller", "topic": "arm/joint_trajectory"}
    data["controllers"]["gripper"] = {"type": "gripper_action", "topic": "hand/gripper_cmd"}
    topics = goal_topics(RobotProfile.model_validate(data), "left")
    assert topics == [
        "/left/arm/follow_joint_trajectory/_action/send_goal/_service_event",
        "/left/arm/follow_joint_trajectory/_action/status", "/left/arm/controller_state",
        "/left/hand/gripper_cmd/_action/send_goal/_service_event", "/left/hand/gripper_cmd/_action/status",
    ]  # fmt: skip
    assert set(topics) < set(recorded_topics(RobotProfile.model_validate(data), "left"))


def test_camera_info_lies_beside_the_image() -> None:
    assert camera_info_topic("camera/scene/image_raw") == "camera/scene/camera_info"
    assert camera_info_topic("camera/scene/image_raw/compressed") == "camera/scene/camera_info"


def test_the_background_writer_writes_everything_in_order(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as writer:
        queue = BackgroundWriter(writer)
        queue.add_topic("/j", "sensor_msgs/msg/JointState", [])
        for k in range(500):
            queue.write("/j", bytes([k % 256]), k)
        queue.add_provenance({"a": 1})
        queue.close()
        queue.check()
    reader = BagReader(tmp_path / "bag")
    assert [(item.log_time_ns, item.data[0]) for item in reader.messages()] == [(k, k % 256) for k in range(500)]
    assert reader.provenance == {"a": 1}


def test_what_the_disk_is_too_slow_for_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_CAPACITY", 10)
    go_on = threading.Event()
    whole = BagWriter.write
    monkeypatch.setattr(BagWriter, "write", lambda *arguments: go_on.wait(10.0) and whole(*arguments))
    with BagWriter(tmp_path / "bag") as writer:
        queue = BackgroundWriter(writer)
        queue.add_topic("/j", "sensor_msgs/msg/JointState", [])
        for k in range(100):
            queue.write("/j", b"", k)
        go_on.set()
        queue.close()
    written = BagReader(tmp_path / "bag").topics["/j"].count
    assert 10 <= written < 100
    assert queue.dropped["/j"] == 100 - written


def test_a_full_disk_ends_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with BagWriter(tmp_path / "bag") as writer:
        queue = BackgroundWriter(writer)
        queue.add_topic("/j", "sensor_msgs/msg/JointState", [])
        monkeypatch.setattr(BagWriter, "write", fail)
        queue.write("/j", b"", 1)
        queue.close()
        with pytest.raises(OSError, match="No space left"):
            queue.check()


def test_provenance_names_robot_limits_and_checkpoint(tmp_path: Path) -> None:
    found = recording_provenance(str(ROBOTS / "wx250s_sim.yaml"))
    assert found["robot"] == "wx250s_sim"
    assert found["profile"] == (ROBOTS / "wx250s_sim.yaml").read_text()
    assert found["limits"]["lower"][0] == -3.14158
    assert checkpoint_provenance(str(tmp_path))["checkpoint_id"]
    assert checkpoint_provenance(str(tmp_path / "nowhere")) == {
        "checkpoint": str(tmp_path / "nowhere"),
        "checkpoint_id": "",
    }


def test_later_provenance_wins_and_survives_without_a_proper_end(tmp_path: Path) -> None:
    writer = BagWriter(tmp_path / "bag", {"robot": "a", "x": 1})
    writer.add_topic("/j", "sensor_msgs/msg/JointState")
    writer.write_message("/j", JointState(), 1)
    writer.add_provenance({"robot": "b"})
    writer.flush()
    assert BagReader(tmp_path / "bag").provenance == {"robot": "b", "x": 1}
    writer.close()
