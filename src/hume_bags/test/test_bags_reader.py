"""Bags: what is written can be read, by others too, and damage is survived and reported."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hume_msgs.action import ExecuteTask
from mcap.writer import CompressionType, Writer
from mcap_ros2.reader import read_ros2_messages
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from rclpy.serialization import serialize_message
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import Reader
from sensor_msgs.msg import JointState

from hume_bags.errors import BagError
from hume_bags.mcap_storage import McapFile
from hume_bags.message_types import definition, message_class, type_hash
from hume_bags.reader import BagReader
from hume_bags.storage import Block
from hume_bags.writer import BagWriter
from hume_ros import qos

LIFT = Path(__file__).parents[3] / "test" / "fixtures" / "bags" / "lift"
SECOND = 1_000_000_000


def joint_state(k: int) -> JointState:
    message = JointState(name=["elbow"], position=[float(k)], velocity=[0.0], effort=[0.0])
    message.header.stamp.sec = k
    return message


def write_bag(folder: Path, count: int = 50, flush_every: int = 0) -> Path:
    with BagWriter(folder, {"robot": "test"}) as writer:
        writer.add_topic("/joint_states", "sensor_msgs/msg/JointState", [qos.SENSOR])
        writer.add_topic("/hume/epoch", "hume_msgs/msg/Epoch", [qos.LATCHED])
        for k in range(count):
            writer.write_message("/joint_states", joint_state(k), SECOND + k)
            if flush_every and k % flush_every == 0:
                writer.flush()
    return folder


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    return write_bag(tmp_path / "bag")


def mcap_of(folder: Path) -> Path:
    return next(folder.glob("*.mcap"))


def positions(reader: BagReader) -> list[float]:
    return [item.message.position[0] for item in reader.messages(["/joint_states"])]


def test_what_was_written_is_read_again(bag: Path) -> None:
    reader = BagReader(bag)
    assert reader.topics["/joint_states"].type == "sensor_msgs/msg/JointState"
    assert reader.topics["/joint_states"].count == 50
    assert reader.topics["/joint_states"].qos[0].reliability is ReliabilityPolicy.BEST_EFFORT
    assert reader.topics["/hume/epoch"].qos[0].durability is DurabilityPolicy.TRANSIENT_LOCAL
    assert reader.provenance == {"robot": "test"}
    assert positions(reader) == [float(k) for k in range(50)]
    assert reader.problems == []


def test_a_single_mcap_file_is_a_bag(bag: Path) -> None:
    reader = BagReader(mcap_of(bag))
    assert positions(reader) == [float(k) for k in range(50)]
    assert reader.provenance == {"robot": "test"}


def test_other_readers_take_the_bag() -> None:
    with Reader(LIFT) as reader:
        counts = {connection.topic: connection.msgcount for connection in reader.connections}
        digests = {connection.msgtype: connection.digest for connection in reader.connections}
        assert all(digest.startswith("RIHS01_") for name, digest in digests.items() if "/msg/" in name)
    assert counts == {topic: info.count for topic, info in BagReader(LIFT).topics.items()}
    with AnyReader([LIFT]) as reader:  # parses every definition and checks it against its hash
        connections = [c for c in reader.connections if c.topic in ("/hume/action_chunk", "/camera/scene/image_raw")]
        decoded = Counter(c.topic for c, _, data in reader.messages(connections) if reader.deserialize(data, c.msgtype))
    assert decoded["/camera/scene/image_raw"] == counts["/camera/scene/image_raw"]


def test_every_message_can_be_decoded_from_the_definitions_in_the_bag() -> None:
    reader = BagReader(LIFT)
    # mcap_ros2 takes no names with an underscore, which all parts of actions have.
    topics = [topic for topic, info in reader.topics.items() if "/action/" not in info.type]
    expected = [(item.topic, item.log_time_ns) for item in reader.messages(topics)]
    found = [(item.channel.topic, item.log_time_ns) for item in read_ros2_messages(mcap_of(LIFT), topics=topics)]
    assert Counter(found) == Counter(expected)


def test_chunks_without_the_wanted_topics_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = BagReader(LIFT)
    read: list[Block] = []
    whole = McapFile.messages
    monkeypatch.setattr(
        McapFile, "messages", lambda file, block, wanted: read.append(block) or whole(file, block, wanted)
    )
    assert len(list(reader.messages(["/hume/epoch"]))) == 2
    assert len(read) <= 2 < len(reader._files[0].blocks)


def test_the_recording_says_where_it_comes_from() -> None:
    provenance = BagReader(LIFT).provenance
    assert len(provenance["git_commit"].removesuffix("+changes")) == 40
    assert len(provenance["checkpoint_id"]) == len(provenance["profile_hash"]) == 64
    assert provenance["limits"]["velocity"] == [3.14] * 6
    for node in ("hume_system2", "hume_system1", "hume_system1_denoiser"):
        assert provenance[f"parameters {node}"]["checkpoint"] == provenance["checkpoint"]


def test_metadata_are_of_the_current_version(bag: Path) -> None:
    information = yaml.safe_load((bag / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    assert information["version"] == 9
    assert information["storage_identifier"] == "mcap"
    assert information["message_count"] == 50
    assert information["relative_file_paths"] == [mcap_of(bag).name]
    first = information["topics_with_message_count"][0]["topic_metadata"]
    assert first["offered_qos_profiles"][0]["reliability"] == "best_effort"
    assert first["type_description_hash"] == type_hash("sensor_msgs/msg/JointState")


def test_definitions_hold_everything_a_type_contains() -> None:
    text = definition("hume_msgs/msg/ActionChunk")
    assert text.startswith("# A chunk of future actions")
    for name in ("std_msgs/Header", "builtin_interfaces/Time", "builtin_interfaces/Duration"):
        assert f"\nMSG: {name}\n" in text
    assert message_class("hume_msgs/action/ExecuteTask_FeedbackMessage") is ExecuteTask.Impl.FeedbackMessage
    assert "uint8[16] uuid" in definition("hume_msgs/action/ExecuteTask_FeedbackMessage")


def test_messages_come_in_the_order_of_time_and_disorder_is_reported(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic("/joint_states", "sensor_msgs/msg/JointState")
        for k, time in enumerate([5, 3, 4, 9, 7]):
            writer.write_message("/joint_states", joint_state(k), time * SECOND)
            if k == 2:
                writer.flush()
    reader = BagReader(tmp_path / "bag")
    times = [item.log_time_ns // SECOND for item in reader.messages()]
    assert times == [3, 4, 5, 7, 9]
    assert any("messages lie out of order" in problem for problem in reader.problems)


@pytest.mark.parametrize("share", [0.15, 0.4, 0.6])
def test_a_cut_off_file_is_read_to_its_last_complete_chunk(tmp_path: Path, share: float) -> None:
    folder = write_bag(tmp_path / "bag", 200, flush_every=20)
    path = mcap_of(folder)
    data = path.read_bytes()
    whole = positions(BagReader(folder))
    path.write_bytes(data[: int(len(data) * share)])
    reader = BagReader(folder)
    found = positions(reader)
    assert found == whole[: len(found)]
    assert len(found) % 20 == 1  # chunks end behind messages 0, 20, 40, ...
    assert 0 < len(found) < 200
    assert any("cut off or damaged at byte" in problem for problem in reader.problems)
    assert any(f"tells of 200 messages. Found {len(found)}" in problem for problem in reader.problems)
    assert reader.provenance == {"robot": "test"}


@pytest.mark.parametrize("with_index", [True, False])
def test_a_damaged_chunk_is_skipped_and_reported(tmp_path: Path, with_index: bool) -> None:
    folder = write_bag(tmp_path / "bag", 200, flush_every=20)
    path = mcap_of(folder)
    data = bytearray(path.read_bytes())
    block = BagReader(folder)._files[0].blocks[3]
    data[block.place[0] + 80] ^= 0xFF
    path.write_bytes(data if with_index else data[:-200])
    reader = BagReader(folder)
    found = positions(reader)
    assert found == [*map(float, range(41)), *map(float, range(61, 200))]
    assert any("damaged and was skipped" in problem for problem in reader.problems)


def test_missing_and_broken_metadata_are_reported(bag: Path) -> None:
    (bag / "metadata.yaml").write_text("rosbag2_bagfile_information: [")
    reader = BagReader(bag)
    assert len(positions(reader)) == 50
    assert any("metadata.yaml cannot be read" in problem for problem in reader.problems)
    (bag / "metadata.yaml").unlink()
    reader = BagReader(bag)
    assert len(positions(reader)) == 50
    assert any("metadata.yaml is missing" in problem for problem in reader.problems)


def foreign_bag(path: Path, schema: str, described: dict[str, str]) -> Path:
    """A file of another recorder with one topic of a type of one's choice and one of joint states."""
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.LZ4)
        writer.start(profile="ros2")
        other = writer.register_schema(schema, "ros2msg", b"float64 x")
        known = writer.register_schema("sensor_msgs/msg/JointState", "ros2msg", b"")
        channels = [
            writer.register_channel("/other", "cdr", other, described),
            writer.register_channel("/joint_states", "cdr", known),
        ]
        for k in range(3):
            writer.add_message(channels[0], SECOND, b"\0\1\0\0" + bytes(8), SECOND)
            writer.add_message(channels[1], SECOND, serialize_message(joint_state(k)), SECOND)
        writer.finish()
    return path


@pytest.mark.parametrize(
    ("schema", "described", "message"),
    [
        ("nowhere_msgs/msg/Thing", {}, "'nowhere_msgs/msg/Thing' is not installed"),
        ("std_msgs/msg/Float64", {"topic_type_hash": "RIHS01_0"}, "another definition of std_msgs/msg/Float64"),
    ],
)
def test_unknown_types_are_skipped_and_reported(
    tmp_path: Path, schema: str, described: dict[str, str], message: str
) -> None:
    reader = BagReader(foreign_bag(tmp_path / "foreign.mcap", schema, described))
    assert [item.topic for item in reader.messages()] == ["/joint_states"] * 3
    assert reader.topics["/other"].count == 3
    assert any("topic '/other' is skipped" in problem and message in problem for problem in reader.problems)
    with pytest.raises(BagError, match=r"'/other' .* cannot be read"):
        list(reader.messages(["/other"]))


def test_a_message_that_does_not_fit_its_type_says_so(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic("/joint_states", "sensor_msgs/msg/JointState")
        writer.write("/joint_states", b"\0\1\0\0\xff\xff", SECOND)
    item = next(BagReader(tmp_path / "bag").messages())
    with pytest.raises(BagError, match=r"'/joint_states' does not fit sensor_msgs/msg/JointState"):
        _ = item.message


def test_what_is_no_bag_is_refused(tmp_path: Path, bag: Path) -> None:
    with pytest.raises(BagError, match="does not exist"):
        BagReader(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BagError, match=r"has no \.mcap or \.db3 file"):
        BagReader(tmp_path / "empty")
    (tmp_path / "text.mcap").write_text("hello")
    with pytest.raises(BagError, match="begins neither like MCAP nor like sqlite3"):
        BagReader(tmp_path / "text.mcap")
    with pytest.raises(BagError, match=r"has no topic '/tf'\. It has: /hume/epoch, /joint_states"):
        list(BagReader(mcap_of(bag)).messages(["/tf"]))


def test_the_writer_refuses_what_it_cannot_write(bag: Path, tmp_path: Path) -> None:
    with pytest.raises(BagError, match="cannot be created"):
        BagWriter(bag)
    with BagWriter(tmp_path / "new") as writer:
        writer.add_topic("/a", "std_msgs/msg/Float64")
        with pytest.raises(BagError, match="'/a' has type 'std_msgs/msg/Float64'"):
            writer.add_topic("/a", "std_msgs/msg/Bool")
        with pytest.raises(BagError, match="not installed"):
            writer.add_topic("/b", "nowhere_msgs/msg/Thing")


def test_bags_in_several_files_are_read_as_one(tmp_path: Path) -> None:
    folder = write_bag(tmp_path / "bag", 10)
    with BagWriter(tmp_path / "more") as writer:
        writer.add_topic("/joint_states", "sensor_msgs/msg/JointState")
        for k in range(10, 20):
            writer.write_message("/joint_states", joint_state(k), SECOND + k)
    shutil.copy(mcap_of(tmp_path / "more"), folder / "bag_1.mcap")
    (folder / "metadata.yaml").unlink()
    reader = BagReader(folder)
    assert reader.topics["/joint_states"].count == 20
    assert positions(reader) == [float(k) for k in range(20)]
