"""sqlite3 bags: the same messages as from MCAP, in every version and packing, and damage is survived and reported."""

from __future__ import annotations

import resource
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from hume_bags import sqlite_storage
from hume_bags.errors import BagError
from hume_bags.inspection import inspect_bag
from hume_bags.packing import LARGEST_UNPACKED
from hume_bags.playback import bag_timeline
from hume_bags.reader import BagReader
from hume_bags.regress.regress_settings import RegressOptions
from hume_bags.regress.run import regress
from hume_bags.replay import replayed_topics

LIFT = Path(__file__).parents[3] / "test" / "fixtures" / "bags" / "lift"
TOPICS = ["/joint_states", "/hume/epoch", "/hume/action_chunk"]
AsSqlite = Callable[..., Path]


def content(reader: BagReader, topics: list[str] | None = None) -> list[tuple[str, str, int, bytes]]:
    return [(item.topic, item.type, item.log_time_ns, item.data) for item in reader.messages(topics)]


@pytest.fixture(scope="module")
def whole() -> list[tuple[str, str, int, bytes]]:
    return content(BagReader(LIFT))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, as_sqlite: AsSqlite) -> Path:
    return as_sqlite(LIFT, tmp_path_factory.mktemp("sqlite") / "lift")


@pytest.mark.parametrize("packing", ["", "file", "message"])
@pytest.mark.parametrize("version", [2, 4, 6, 8, 9])
def test_every_version_and_packing_gives_the_same_messages(
    tmp_path: Path, as_sqlite: AsSqlite, whole: list[tuple[str, str, int, bytes]], version: int, packing: str
) -> None:
    reader = BagReader(as_sqlite(LIFT, tmp_path / "lift", version, packing))
    assert content(reader) == whole
    assert reader.problems == []
    topic = "/camera/scene/image_raw"
    assert len(reader.topics[topic].qos) == (len(BagReader(LIFT).topics[topic].qos) if version >= 4 else 0)
    assert [path.name for path in Path(reader.path).iterdir() if path.name.endswith(("-shm", "-wal", "-journal"))] == []


@pytest.mark.parametrize("packing", ["", "file"])
@pytest.mark.parametrize("metadata", ["none", "broken", "whole"])
def test_split_bags_are_one_with_and_without_metadata(
    tmp_path: Path, as_sqlite: AsSqlite, whole: list[tuple[str, str, int, bytes]], metadata: str, packing: str
) -> None:
    folder = as_sqlite(LIFT, tmp_path / "lift", packing=packing, files=3)
    if metadata == "none":
        (folder / "metadata.yaml").unlink()
    elif metadata == "broken":
        (folder / "metadata.yaml").write_text("rosbag2_bagfile_information: [")
    reader = BagReader(folder)
    assert content(reader) == whole
    assert len(reader.problems) == (metadata != "whole")


def test_one_file_is_a_bag_and_wanted_topics_alone_are_read(
    plain: Path, whole: list[tuple[str, str, int, bytes]]
) -> None:
    reader = BagReader(plain / "lift_0.db3")
    assert content(reader, TOPICS) == [item for item in whole if item[0] in TOPICS]
    assert (reader.start_ns, reader.end_ns) == (whole[0][2], whole[-1][2])


@pytest.mark.parametrize("mode", [None, CompressionMode.FILE, CompressionMode.MESSAGE])
@pytest.mark.parametrize("version", [8, 9])
def test_bags_of_another_writer_are_read(tmp_path: Path, version: int, mode: CompressionMode | None) -> None:
    types = get_typestore(Stores.ROS2_JAZZY)
    string = types.types["std_msgs/msg/String"]
    writer = Writer(tmp_path / "bag", version=version, storage_plugin=StoragePlugin.SQLITE3)
    if mode is not None:
        writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        connection = writer.add_connection("/words", "std_msgs/msg/String", typestore=types)
        for k in range(2500):
            writer.write(connection, 10**9 + k, types.serialize_cdr(string(data=f"word {k}"), "std_msgs/msg/String"))
    reader = BagReader(tmp_path / "bag")
    assert [item.message.data for item in reader.messages()] == [f"word {k}" for k in range(2500)]
    assert reader.problems == []


def test_messages_are_read_a_few_at_a_time(tmp_path: Path) -> None:
    database = sqlite3.connect(new_bag(tmp_path / "bag.db3"))
    for k in range(64):
        database.execute("INSERT INTO messages(topic_id, timestamp, data) VALUES (1, ?, zeroblob(1000000))", [k])
    database.commit()
    database.close()
    blocks = BagReader(tmp_path / "bag.db3")._files[0].blocks
    assert len(blocks) == pytest.approx(64 / 5, abs=1)  # of 4 MiB
    assert sorted(block.place for block in blocks) == [block.place for block in blocks]


def new_bag(path: Path, kind: str = "std_msgs/msg/String") -> Path:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE topics(id INTEGER PRIMARY KEY, name, type, serialization_format)")
    database.execute("CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id, timestamp, data)")
    database.execute("INSERT INTO topics VALUES (1, '/words', ?, 'cdr')", [kind])
    database.commit()
    database.close()
    return path


WORD = b"\0\1\0\0\5\0\0\0word\0"


@pytest.mark.parametrize("writable", [True, False])
def test_a_recording_that_was_killed_is_read_with_what_lay_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writable: bool
) -> None:
    path = new_bag(tmp_path / "live.db3")
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("INSERT INTO messages(topic_id, timestamp, data) VALUES (1, 7, ?)", [WORD])
    database.commit()
    killed = tmp_path / "killed"
    killed.mkdir()
    for name in ("live.db3", "live.db3-wal"):
        shutil.copy(tmp_path / name, killed / name)
    database.close()
    if not writable:  # for root every folder is
        opened = sqlite_storage._opened

        def refused(path: Path, options: str) -> sqlite3.Connection:
            if not options:
                raise sqlite3.OperationalError("unable to open database file")
            return opened(path, options)

        monkeypatch.setattr(sqlite_storage, "_opened", refused)
    reader = BagReader(killed / "live.db3")
    assert [item.message.data for item in reader.messages()] == (["word"] if writable else [])
    assert ["live.db3-wal was not read" in problem for problem in reader.problems] == ([] if writable else [True])


@pytest.mark.parametrize(
    "row",
    [
        (1, "now", WORD), (1, None, WORD), (1, 2.5, WORD), (1, -4, WORD), ("one", 3, WORD), (None, 3, WORD),
        (1, 3, "text"), (1, 3, None), (1, 3, 12),
    ],
)  # fmt: skip
def test_rows_that_are_no_messages_are_counted(tmp_path: Path, row: tuple[object, ...]) -> None:
    database = sqlite3.connect(new_bag(tmp_path / "bag.db3"))
    for values in ((1, 1, WORD), row, (1, 9, WORD), row):
        database.execute("INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)", values)
    database.commit()
    database.close()
    reader = BagReader(tmp_path / "bag.db3")
    assert [item.log_time_ns for item in reader.messages()] == [1, 9]
    assert [problem for problem in reader.problems if "2 messages have no topic, time or content" in problem]


def test_messages_of_a_topic_that_is_not_described_are_named(tmp_path: Path) -> None:
    database = sqlite3.connect(new_bag(tmp_path / "bag.db3"))
    for channel in (1, 5):
        database.execute("INSERT INTO messages(topic_id, timestamp, data) VALUES (?, 1, ?)", [channel, WORD])
    database.commit()
    database.close()
    reader = BagReader(tmp_path / "bag.db3")
    assert len(list(reader.messages())) == 1
    assert any("undescribed channel 5" in problem for problem in reader.problems)


def test_a_message_of_an_absurd_size_is_skipped(tmp_path: Path) -> None:
    database = sqlite3.connect(new_bag(tmp_path / "bag.db3"))
    size = LARGEST_UNPACKED + 1
    database.execute("INSERT INTO messages(topic_id, timestamp, data) VALUES (1, 1, zeroblob(?))", [size])
    database.commit()
    database.close()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reader = BagReader(tmp_path / "bag.db3")
    assert list(reader.messages()) == []
    assert any("or over 134217728 bytes. They were skipped" in problem for problem in reader.problems)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        (f"CREATE VIEW messages AS {ENDLESS} SELECT 1 AS topic_id, x AS timestamp, x'00' AS data FROM n", "topic_id"),
        ("CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id, timestamp, data AS (zeroblob(900000000)))", "data"),
        ("CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id, data)", "timestamp"),
        ("SELECT 1", "topic_id"),
    ],
)  # fmt: skip
def test_what_would_run_when_it_is_read_is_no_table(tmp_path: Path, statement: str, missing: str) -> None:
    database = sqlite3.connect(new_bag(tmp_path / "bag.db3"))
    database.execute("DROP TABLE messages")
    database.execute(statement)
    database.commit()
    database.close()
    with pytest.raises(BagError, match=f"is a sqlite3 file but no bag: it has no table 'messages' with '{missing}'"):
        BagReader(tmp_path / "bag.db3")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes_or_named(
    tmp_path: Path, plain: Path, whole: list[tuple[str, str, int, bytes]], share: float
) -> None:
    data = (plain / "lift_0.db3").read_bytes()
    path = tmp_path / "cut.db3"
    path.write_bytes(data[: int(len(data) * share)])
    try:
        reader = BagReader(path)
    except BagError as error:
        said = [str(error)]
    else:
        assert set(content(reader)) < set(whole)
        said = reader.problems
    assert any("damaged" in problem for problem in said)


@pytest.mark.parametrize("share", [0.4, 0.6, 0.8])
def test_only_what_lies_in_a_damaged_page_is_lost(
    tmp_path: Path, plain: Path, whole: list[tuple[str, str, int, bytes]], share: float
) -> None:
    data = bytearray((plain / "lift_0.db3").read_bytes())
    page = int(len(data) * share) // 4096 * 4096
    data[page : page + 4096] = bytes(range(256)) * 16
    path = tmp_path / "damaged.db3"
    path.write_bytes(data)
    reader = BagReader(path)
    found = content(reader)
    # Of the middle of a picture nobody can tell.
    spoilt = [item for item in found if item not in whole]
    assert len(spoilt) <= 1
    assert len(whole) - 200 < len(found) <= len(whole)
    assert spoilt or any("damaged" in problem for problem in reader.problems)


@pytest.mark.parametrize("seed", range(12))
def test_damage_anywhere_is_a_typed_error_or_a_problem(tmp_path: Path, plain: Path, seed: int) -> None:
    import random

    random_ = random.Random(seed)
    data = bytearray((plain / "lift_0.db3").read_bytes())
    for _ in range(20):
        begin = random_.randrange(16, len(data) - 512)
        data[begin : begin + 512] = random_.randbytes(512)
    path = tmp_path / "damaged.db3"
    path.write_bytes(data)
    try:
        reader = BagReader(path)
        list(reader.messages())
    except BagError:
        return
    assert len(reader.problems) < 100


@pytest.mark.parametrize("packing", ["", "message"])
def test_every_consumer_takes_them(
    tmp_path: Path, as_sqlite: AsSqlite, exported: Callable[..., Any], packing: str
) -> None:
    folder = as_sqlite(LIFT, tmp_path / "lift", packing=packing)
    first, second = BagReader(LIFT), BagReader(folder)
    assert second.provenance == first.provenance
    found, expected = asdict(inspect_bag(second)), asdict(inspect_bag(first))
    assert {**found, "bag": ""} == {**expected, "bag": ""}
    topics = replayed_topics(second)
    assert topics == replayed_topics(first)
    assert list(bag_timeline(second, topics, 0, 5)) == list(bag_timeline(first, topics, 0, 5))
    data, _ = exported(folder, tmp_path / "data")
    same, _ = exported(LIFT, tmp_path / "same")
    np.testing.assert_array_equal(data.action, same.action)
    np.testing.assert_array_equal(data.images["image"], same.images["image"])


def test_regress_gives_the_same_bytes(
    tmp_path: Path, as_sqlite: AsSqlite, options: RegressOptions, golden: Path, bag: Path
) -> None:
    result = regress(replace(options, bag=as_sqlite(bag, tmp_path / "session", packing="file"), golden=golden))
    assert result.stream.to_bytes() == golden.read_bytes()
