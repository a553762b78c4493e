"""What is no bag, or one of another kind, is named for what it is, with what to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from mcap.writer import Writer
from rosbags.convert.cli import PARSER
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.typesys import Stores, get_typestore

from hume_bags.errors import BagError
from hume_bags.reader import BagReader

LIFT = Path(__file__).parents[3] / "test" / "fixtures" / "bags" / "lift"
KINDS = LIFT.with_name("kinds")
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 7340032\n"


@pytest.mark.parametrize(
    "name", ["sqlite3_8", "sqlite3_9_file", "sqlite3_9_message", "mcap_9_file", "two_parts.mcap"]
)  # fmt: skip
def test_shipped_bags_of_every_kind_are_read(name: str) -> None:
    reader = BagReader(KINDS / name)
    assert [item.message.data for item in reader.messages(["/words"])] == [f"word {k}" for k in range(20)]
    assert reader.topics["/words"].type == "std_msgs/msg/String"
    assert reader.problems == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ros1.bag", "is a bag of ROS 1"), ("pointer.mcap", "is a pointer of Git LFS"), ("empty.db3", "is empty")],
)
def test_shipped_files_that_are_no_bags_are_named(name: str, expected: str) -> None:
    with pytest.raises(BagError, match=expected):
        BagReader(KINDS / name)


def test_a_shipped_bag_of_another_encoding_is_named() -> None:
    (problem,) = BagReader(KINDS / "foxglove_json.mcap").problems
    assert "but 'foxglove.Log' encoded as 'json'" in problem


@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        (b"", "is empty. Nothing was recorded"),
        (LFS % (b"4f" * 32), "is a pointer of Git LFS, not the file itself. Fetch it: git -C .* lfs pull"),
        (b"\x1f\x8b\x08" + bytes(50), "packed with gzip. Unpack it: gunzip "),
        (b"PK\x03\x04" + bytes(50), "a zip archive. Unpack it: unzip "),
        (b"\x04\x22\x4d\x18" + bytes(50), "packed with lz4. Unpack it: lz4 -d "),
        (b"<!DOCTYPE html><html>", "a page of the web"),
        (b"hello", "begins neither like MCAP nor like sqlite3"),
        (bytes(4096), "begins neither like MCAP nor like sqlite3"),
    ],
)
@pytest.mark.parametrize("name", ["session_0.mcap", "session_0.db3"])
@pytest.mark.parametrize("in_folder", [False, True])
def test_files_are_named_for_what_they_are(
    tmp_path: Path, begin: bytes, expected: str, name: str, in_folder: bool
) -> None:
    (tmp_path / name).write_bytes(begin)
    with pytest.raises(BagError, match=expected):
        BagReader(tmp_path if in_folder else tmp_path / name)


@pytest.mark.parametrize("name", ["drive.bag", "a walk.bag"])
@pytest.mark.parametrize("in_folder", [False, True])
def test_a_bag_of_ros_1_comes_with_the_command_that_converts_it(tmp_path: Path, name: str, in_folder: bool) -> None:
    types = get_typestore(Stores.ROS1_NOETIC)
    joints = types.types["sensor_msgs/msg/JointState"]
    header = types.types["std_msgs/msg/Header"](
        seq=1, stamp=types.types["builtin_interfaces/msg/Time"](sec=5, nanosec=6), frame_id="base"
    )
    with Ros1Writer(tmp_path / name) as writer:
        connection = writer.add_connection("/joint_states", "sensor_msgs/msg/JointState", typestore=types)
        import numpy as np

        message = joints(
            header=header, name=["a"], position=np.array([1.5]), velocity=np.array([]), effort=np.array([])
        )
        writer.write(connection, 7, types.serialize_ros1(message, "sensor_msgs/msg/JointState"))
    with pytest.raises(BagError, match=r"is a bag of ROS 1\. Convert it: rosbags-convert --src ") as caught:
        BagReader(tmp_path if in_folder else tmp_path / name)
    import shlex

    from rosbags.convert.commands import command

    words = shlex.split(str(caught.value).partition("Convert it: ")[2])
    arguments = vars(PARSER.parse_args(words[1:]))
    assert not command(**arguments)
    (item,) = BagReader(arguments["dst"]).messages()
    assert list(item.message.position) == [1.5]
    assert (item.message.header.stamp.sec, item.message.header.frame_id) == (5, "base")


def test_what_a_folder_holds_instead_is_named(tmp_path: Path) -> None:
    for name in ("monday", "tuesday"):
        shutil.copytree(LIFT, tmp_path / name)
    with pytest.raises(BagError, match=r"is a folder of bags\. Name one of them: monday, tuesday"):
        BagReader(tmp_path)


@pytest.fixture
def split(tmp_path: Path, as_sqlite: Callable[..., Path]) -> Path:
    return as_sqlite(LIFT, tmp_path / "split", files=2)


@pytest.mark.parametrize("damage", [b"", LFS % (b"0" * 64), b"noise"])
def test_of_a_split_bag_the_readable_files_are_read(split: Path, damage: bytes) -> None:
    (split / "split_1.db3").write_bytes(damage)
    reader = BagReader(split)
    assert len(list(reader.messages(["/joint_states"]))) > 100
    assert sum("split_1.db3'" in problem for problem in reader.problems) == 1


def test_a_file_that_is_missing_is_named(split: Path) -> None:
    (split / "split_0.db3").unlink()
    reader = BagReader(split)
    assert len(list(reader.messages())) > 100
    assert "split_0.db3 is missing" in reader.problems


@pytest.mark.parametrize("name", ["../outside_0.db3", "/etc/passwd", "../../../etc/passwd", "x/../../outside_0.db3"])
def test_names_in_the_metadata_do_not_lead_out_of_the_folder(split: Path, name: str) -> None:
    shutil.copy(split / "split_0.db3", split.parent / "outside_0.db3")
    path = split / "metadata.yaml"
    content = yaml.safe_load(path.read_text())
    content["rosbag2_bagfile_information"]["relative_file_paths"] = [name]
    path.write_text(yaml.safe_dump(content))
    for file in split.glob("*.db3"):
        file.unlink()
    with pytest.raises(BagError, match=r"has no \.mcap or \.db3 file"):
        BagReader(split)


@pytest.mark.parametrize("target", ["/etc/passwd", "/dev/zero", "loop_0.db3", "/nowhere"])
def test_links_to_something_else_are_one_error(tmp_path: Path, target: str) -> None:
    (tmp_path / "loop_0.db3").symlink_to(target)
    with pytest.raises(BagError):
        BagReader(tmp_path)
    with pytest.raises(BagError):
        BagReader(tmp_path / "loop_0.db3")


def test_a_pipe_is_no_bag(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe_0.mcap")
    with pytest.raises(BagError, match="is no file"):
        BagReader(tmp_path / "pipe_0.mcap")
    with pytest.raises(BagError, match=r"has no \.mcap or \.db3 file"):
        BagReader(tmp_path)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3", "rosbag_v2", "my_storage", "1"])
def test_the_content_decides_and_not_what_the_metadata_call_it(split: Path, storage: str) -> None:
    path = split / "metadata.yaml"
    path.write_text(path.read_text().replace("storage_identifier: sqlite3", f"storage_identifier: {storage}"))
    assert len(list(BagReader(split).messages(["/joint_states"]))) > 100


def test_a_packing_that_is_not_read_is_named(tmp_path: Path, as_sqlite: Callable[..., Path]) -> None:
    folder = as_sqlite(LIFT, tmp_path / "bag", packing="message")
    path = folder / "metadata.yaml"
    path.write_text(path.read_text().replace("compression_format: zstd", "compression_format: lz4"))
    with pytest.raises(BagError, match=r"packed with 'lz4'\. Only zstd is read"):
        BagReader(folder)


def foreign(path: Path, schema: str, encoding: str, messages: int = 40) -> BagReader:
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        number = writer.register_schema(schema, "x", b"")
        channel = writer.register_channel("/topic", encoding, number)
        for k in range(messages):
            writer.add_message(channel, k, b"{}", k)
        writer.finish()
    return BagReader(path)


@pytest.mark.parametrize("encoding", ["json", "protobuf", "ros1", "flatbuffer"])
@pytest.mark.parametrize("schema", ["foxglove.CompressedImage", "sensor_msgs/Imu", "x.y.Z"])
def test_another_encoding_is_named_once_with_its_type(tmp_path: Path, schema: str, encoding: str) -> None:
    reader = foreign(tmp_path / "bag.mcap", schema, encoding)
    (problem,) = reader.problems
    assert f"encoded as '{encoding}'" in problem
    assert (f"'{schema}'" in problem) == ("/" not in schema)
    assert list(reader.messages()) == []


def test_topics_with_the_same_reason_are_one_line(tmp_path: Path) -> None:
    with (tmp_path / "bag.mcap").open("wb") as file:
        writer = Writer(file)
        writer.start()
        for topic, kind, encoding in (("/a", "Imu", "json"), ("/b", "Image", "json"), ("/c", "Imu", "ros1")):
            number = writer.register_schema(f"sensor_msgs/msg/{kind}", "x", b"")
            writer.add_message(writer.register_channel(topic, encoding, number), 1, b"{}", 1)
        writer.finish()
    assert [problem.partition(":")[0] for problem in BagReader(tmp_path / "bag.mcap").problems] == [
        "topics '/a', '/b' are skipped",
        "topic '/c' is skipped",
    ]


@pytest.mark.parametrize("schema", ["foxglove.CompressedImage", "foxglove.FrameTransform"])
def test_types_of_foxglove_are_named(tmp_path: Path, schema: str) -> None:
    (problem,) = foreign(tmp_path / "bag.mcap", schema, "cdr").problems
    assert f"'{schema}' is a type of Foxglove" in problem


def test_a_bag_without_messages_says_so(tmp_path: Path) -> None:
    (problem,) = foreign(tmp_path / "bag.mcap", "sensor_msgs/Imu", "cdr", messages=0).problems
    assert problem.startswith("it holds no message")
