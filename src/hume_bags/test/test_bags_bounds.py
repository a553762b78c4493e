"""Bags from anybody: what unpacks to more than it says is not unpacked, and damage is reported in a line."""

from __future__ import annotations

import resource
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest
import zstandard
from mcap.writer import Writer
from sensor_msgs.msg import JointState

from hume_bags.errors import BagError
from hume_bags.mcap_chunk import MOST_RECORDS, chunk_records
from hume_bags.message_types import message_class
from hume_bags.packing import LARGEST_UNPACKED, unpacked_zstd
from hume_bags.quality import qos_from
from hume_bags.reader import BagReader
from hume_bags.writer import BagWriter

Pack = Callable[[bytes], bytes]
PACKS: dict[str, Pack] = {
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "lz4": lambda data: lz4.frame.compress(data),
    "": lambda data: data,
}
MESSAGE = struct.pack("<BQ", 5, 22) + bytes(22)


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode()


def chunk(data: bytes, compression: str = "zstd", size: int | None = None, crc: int = 0) -> bytes:
    """The content of a chunk record that may name a wrong size."""
    packed = PACKS[compression](data)
    said = len(data) if size is None else size
    head = struct.pack("<QQQI", 0, 1, said, crc) + text(compression)
    return head + struct.pack("<Q", len(packed)) + packed


def file_of(path: Path, body: bytes) -> Path:
    def record(opcode: int, content: bytes) -> bytes:
        return struct.pack("<BQ", opcode, len(content)) + content

    header, end = record(1, text("ros2") + text("x")), record(15, bytes(4)) + record(2, bytes(20))
    path.write_bytes(b"\x89MCAP0\r\n" + header + record(6, body) + end + b"\x89MCAP0\r\n")
    return path


@pytest.mark.parametrize("compression", PACKS)
@pytest.mark.parametrize("count", [0, 1, 1000])
def test_honest_chunks_are_read(compression: str, count: int) -> None:
    data = MESSAGE * count
    assert len(list(chunk_records(chunk(data, compression, crc=zlib.crc32(data))))) == count


@pytest.mark.parametrize("compression", PACKS)
@pytest.mark.parametrize("difference", [-22, -1, 1, 10**6])
def test_a_chunk_of_another_size_than_it_says_is_refused(compression: str, difference: int) -> None:
    data = MESSAGE * 50
    with pytest.raises((ValueError, zstandard.ZstdError)):
        list(chunk_records(chunk(data, compression, len(data) + difference)))


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
@pytest.mark.parametrize("size", [LARGEST_UNPACKED + 1, 2**40, 2**64 - 1])
def test_a_chunk_that_says_too_much_is_not_unpacked(compression: str, size: int) -> None:
    with pytest.raises(ValueError, match=f"it unpacks to {size} bytes"):
        list(chunk_records(chunk(MESSAGE, compression, size)))


def test_a_frame_without_a_size_is_unpacked_up_to_what_the_chunk_says() -> None:
    packer = zstandard.ZstdCompressor().compressobj()
    frame = packer.compress(MESSAGE * 50) + packer.flush()
    assert zstandard.frame_content_size(frame) == -1
    assert unpacked_zstd(frame, len(MESSAGE) * 50) == MESSAGE * 50
    with pytest.raises(zstandard.ZstdError):
        unpacked_zstd(frame, 100)


@pytest.mark.parametrize("compression", PACKS)
def test_a_small_file_that_unpacks_to_much_is_one_problem(tmp_path: Path, compression: str) -> None:
    """Zeros are records of kind 0, millions of them."""
    data = bytes(8 * 1024 * 1024)
    reader = BagReader(file_of(tmp_path / "bomb.mcap", chunk(data, compression)))
    assert len([problem for problem in reader.problems if "damaged and was skipped" in problem]) == 1
    assert list(reader.messages()) == []


def test_records_of_a_chunk_are_counted() -> None:
    others = struct.pack("<BQ", 0x80, 0) * (MOST_RECORDS + 1)
    with pytest.raises(ValueError, match=f"over {MOST_RECORDS} records"):
        list(chunk_records(chunk(others)))


def test_a_record_that_leaves_its_chunk_is_refused() -> None:
    with pytest.raises(ValueError, match="ends behind it"):
        list(chunk_records(chunk(struct.pack("<BQ", 5, 2**63) + bytes(22))))


def test_messages_that_are_packed_one_by_one_are_bounded(tmp_path: Path) -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(LARGEST_UNPACKED + 1))
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic("/joint_states", "sensor_msgs/msg/JointState")
        writer.write("/joint_states", bomb, 1)
        writer.write("/joint_states", b"no frame", 2)
    metadata = tmp_path / "bag" / "metadata.yaml"
    metadata.write_text(metadata.read_text().replace("compression_mode: ''", "compression_mode: MESSAGE"))
    assert "MESSAGE" in metadata.read_text()
    reader = BagReader(tmp_path / "bag")
    assert list(reader.messages()) == []
    assert sum("cannot be unpacked and was skipped" in problem for problem in reader.problems) == 2


def test_messages_that_are_packed_are_unpacked_one_at_a_time(tmp_path: Path) -> None:
    """A thousand bombs of 10 MB each in one block are not in memory together."""
    bomb = zstandard.ZstdCompressor().compress(bytes(10_000_000))
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic("/joint_states", "sensor_msgs/msg/JointState")
        for k in range(200):
            writer.write("/joint_states", bomb, k)
    reader = BagReader(tmp_path / "bag")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sum(len(item.data) for item in reader.messages()) == 2_000_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


@pytest.mark.parametrize("opcode", [9, 5, 0x90])
def test_a_record_of_an_absurd_size_is_not_loaded(tmp_path: Path, opcode: int) -> None:
    """Attachments are skipped. A message that large is damage. Most of the file is a hole."""
    path = file_of(tmp_path / "bag.mcap", chunk(MESSAGE))
    data = path.read_bytes()
    with path.open("wb") as file:
        file.write(data[:8] + struct.pack("<BQ", opcode, 2**32))
        file.seek(2**32, 1)
        file.write(data[8:])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reader = BagReader(path)
    assert sum("was skipped, 4294967296 bytes" in problem for problem in reader.problems) == (opcode == 5)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def foreign_bag(path: Path, encoding: str = "cdr", qos: str = "", data: bytes = bytes(8)) -> BagReader:
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        schema = writer.register_schema("sensor_msgs/msg/JointState", "ros2msg", b"")
        channel = writer.register_channel("/joint_states", encoding, schema, {"offered_qos_profiles": qos})
        for k in range(100):
            writer.add_message(channel, k, data, k)
        writer.finish()
    return BagReader(path)


@pytest.mark.parametrize("encoding", ["json", "", "protobuf", "x" * 10_000])
def test_another_encoding_is_reported_once(tmp_path: Path, encoding: str) -> None:
    reader = foreign_bag(tmp_path / "bag.mcap", encoding)
    (problem,) = reader.problems
    assert problem.startswith(
        f"topic '/joint_states' is skipped: not ROS messages encoded as 'cdr' but encoded as '{encoding[:30]}"
    )
    assert len(problem) < 250
    assert list(reader.messages()) == []


@pytest.mark.parametrize("header", [b"\0\0\0\0", b"{}", b""])
def test_messages_that_are_no_cdr_of_ours_say_so_all_alike(tmp_path: Path, header: bytes) -> None:
    reader = foreign_bag(tmp_path / "bag.mcap", data=header)
    texts = set()
    for item in reader.messages():
        with pytest.raises(BagError, match="no little-endian CDR") as caught:
            _ = item.message
        texts.add(str(caught.value))
    assert len(texts) == 1


@pytest.mark.parametrize(
    "qos", ["3", "text", "{a: [", "[1, 2]", "- depth: [", "2001-99-99", "[" * 5000, "{depth: 1}", "&a [*a]"]
)
def test_quality_of_service_that_is_none_is_one_problem(tmp_path: Path, qos: str) -> None:
    with pytest.raises(BagError):
        qos_from(qos)
    reader = foreign_bag(tmp_path / "bag.mcap", qos=qos)
    (problem,) = reader.problems
    assert problem.startswith("topic '/joint_states' has no quality of service")
    assert reader.topics["/joint_states"].qos == ()
    assert len(list(reader.messages())) == 100


@pytest.mark.parametrize("offered", ["- {depth: many}", "- {depth: -5, history: [1]}", "- {depth: 1e9}", "- {}"])
def test_odd_values_of_a_profile_become_defaults(offered: str) -> None:
    (profile,) = qos_from(offered)
    assert 1 <= profile.depth <= 10_000


@pytest.mark.parametrize("content", ["3", "[1]", "rosbag2_bagfile_information: 4", "{", "a: &a [*a]", "[" * 9999])
def test_metadata_that_are_none_are_one_problem(tmp_path: Path, content: str) -> None:
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic("/joint_states", "sensor_msgs/msg/JointState")
        writer.write_message("/joint_states", JointState(), 1)
    (tmp_path / "bag" / "metadata.yaml").write_text(content)
    reader = BagReader(tmp_path / "bag")
    (problem,) = reader.problems
    assert problem.startswith("metadata.yaml cannot be read")
    assert len(list(reader.messages())) == 1


@pytest.mark.parametrize(
    "name", ["this/s/x", "os/path/join", "../msg/X", "sensor_msgs/msg/__doc__", "a", "", "sensor_msgs/msg/Image/x"]
)
def test_only_message_types_are_imported(name: str) -> None:
    with pytest.raises(BagError, match="is no message type"):
        message_class(name)
