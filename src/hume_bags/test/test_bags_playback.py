"""Time in a replay never goes back, and stamps move along with it."""

from itertools import islice
from pathlib import Path

import pytest
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray

from hume_bags.errors import BagError
from hume_bags.playback import bag_timeline, first_messages, standstill_timeline, with_stamp_moved
from hume_bags.quality import matching_quality, qos_from, qos_to_text
from hume_bags.reader import BagReader
from hume_bags.replay import replayed_topics
from hume_bags.writer import BagWriter
from hume_ros import qos

LIFT = Path(__file__).parents[3] / "test" / "fixtures" / "bags" / "lift"
SECOND = 1_000_000_000


def joint_state(seconds: int, nanoseconds: int = 0) -> JointState:
    message = JointState(name=["a"], position=[1.5])
    message.header.stamp.sec, message.header.stamp.nanosec = seconds, nanoseconds
    message.header.frame_id = "base"
    return message


@pytest.fixture
def reader(tmp_path: Path) -> BagReader:
    """Joint states at 10 .. 14 s, commands at 12 .. 14 s."""
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic("/joint_states", "sensor_msgs/msg/JointState")
        writer.add_topic("/commands", "std_msgs/msg/Float64MultiArray")
        for k in range(5):
            writer.write_message("/joint_states", joint_state(9 + k, 5), (10 + k) * SECOND)
            if k >= 2:
                writer.write_message("/commands", Float64MultiArray(data=[float(k)]), (10 + k) * SECOND)
    return BagReader(tmp_path / "bag")


def stamps(data: bytes) -> tuple[int, int]:
    stamp = deserialize_message(data, JointState).header.stamp
    return stamp.sec, stamp.nanosec


def test_only_the_stamp_of_a_message_moves() -> None:
    moved = with_stamp_moved(serialize_message(joint_state(7, 900_000_000)), 200_000_001)
    assert deserialize_message(moved, JointState) == joint_state(8, 100_000_001)
    unset = serialize_message(joint_state(0))
    assert with_stamp_moved(unset, SECOND) == unset
    assert with_stamp_moved(b"\0\1\0\0cut", SECOND) == b"\0\1\0\0cut"


def test_a_single_round_is_as_recorded(reader: BagReader) -> None:
    items = list(bag_timeline(reader, ["/joint_states"], 10 * SECOND, 10 * SECOND))
    assert [item.due_ns // SECOND for item in items] == [10, 11, 12, 13, 14]
    assert [stamps(item.data) for item in items] == [(9 + k, 5) for k in range(5)]


def test_rounds_go_on_in_time(reader: BagReader) -> None:
    items = list(islice(bag_timeline(reader, ["/joint_states", "/commands"], 12 * SECOND, 20 * SECOND, loop=True), 18))
    due = [item.due_ns for item in items]
    assert due == sorted(due)
    assert due[0] == 20 * SECOND
    assert due[6] == 22 * SECOND + 100_000_000
    ages = {
        item.due_ns - (1e9 * s + ns) for item in items if item.topic == "/joint_states" for s, ns in [stamps(item.data)]
    }
    assert ages == {SECOND - 5}


def test_standstill_repeats_first_messages_at_their_rates(reader: BagReader) -> None:
    first = first_messages(reader, ["/joint_states", "/commands"])
    calls = iter([True] * 12)
    items = list(standstill_timeline(reader, first, 50 * SECOND, lambda: next(calls, False)))
    due = [item.due_ns for item in items]
    assert due == sorted(due)
    counts = {topic: sum(item.topic == topic for item in items) for topic in first}
    assert counts["/joint_states"] > counts["/commands"] > 2  # 5 and 3 messages in 4 s
    assert all(stamps(item.data)[0] == (item.due_ns - SECOND) // SECOND for item in items if item.topic != "/commands")


def test_the_sensors_of_the_recorded_robot_are_played() -> None:
    reader = BagReader(LIFT)
    cameras = [f"/camera/{name}/{what}" for name in ("scene", "wrist") for what in ("camera_info", "image_raw")]
    assert replayed_topics(reader) == [*cameras, "/joint_states"]
    assert replayed_topics(reader, ["hume/status"]) == ["/hume/status"]
    with pytest.raises(BagError, match="has no messages of '/tf'"):
        replayed_topics(reader, ["/tf"])


def test_bags_of_other_recorders_are_searched_by_type(reader: BagReader) -> None:
    assert replayed_topics(reader) == ["/joint_states"]


def test_quality_of_service_survives_the_bag() -> None:
    for profile in (qos.SENSOR, qos.LATCHED, qos.STATUS):
        [found] = qos_from(qos_to_text([profile]))
        assert (found.reliability, found.durability, found.depth) == (
            profile.reliability, profile.durability, profile.depth,
        )  # fmt: skip
    [old] = qos_from([{"history": 3, "depth": 0, "reliability": 2, "durability": 1}])
    assert old.reliability is ReliabilityPolicy.BEST_EFFORT
    assert old.durability is DurabilityPolicy.TRANSIENT_LOCAL


def test_one_weak_publisher_weakens_the_subscription() -> None:
    assert matching_quality([qos.LATCHED, qos.LATCHED], 5).durability is DurabilityPolicy.TRANSIENT_LOCAL
    mixed = matching_quality([qos.LATCHED, qos.SENSOR], 5)
    assert mixed.durability is DurabilityPolicy.VOLATILE
    assert mixed.reliability is ReliabilityPolicy.BEST_EFFORT
