"""One sqlite3 file of a bag, read only and as far as it can be read.

The tables are those of rosbag2_storage_sqlite3: `topics` and `messages`, with more columns in newer versions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from mcap.records import Channel, Message, Schema

from hume_bags.errors import BagError
from hume_bags.packing import LARGEST_UNPACKED
from hume_bags.storage import BagFile, Block, reason

MAGIC = b"SQLite format 3\0"

_BLOCK_BYTES = 4 * 1024 * 1024
_BLOCK_MESSAGES = 1000
_LONGEST_TEXT = 100_000
_NEEDED = {"topics": ("id", "name", "type", "serialization_format"), "messages": ("topic_id", "timestamp", "data")}
_MOST_FILTERED = 500
"""SQLite takes questions of a limited length."""
_USABLE = (
    "(typeof(topic_id) = 'integer' AND typeof(timestamp) = 'integer' AND timestamp >= 0 "
    f"AND typeof(data) = 'blob' AND length(data) <= {LARGEST_UNPACKED})"
)


@dataclass(kw_only=True)
class SqliteFile(BagFile):
    """A sqlite3 file. Make it with `open_sqlite`. A block's place is the first and the last row of `messages`."""

    database: sqlite3.Connection

    def messages(self, block: Block, channels: Collection[int]) -> list[Message]:
        """See `BagFile`."""
        wanted = sorted(set(channels) & block.channels)
        question = f"SELECT topic_id, timestamp, data FROM messages WHERE rowid BETWEEN ? AND ? AND {_USABLE}"
        if len(wanted) <= _MOST_FILTERED:
            question += f" AND topic_id IN ({', '.join(map(str, wanted))})"
        try:
            rows = self.database.execute(f"{question} ORDER BY rowid", block.place)
            return [Message(channel, time, data, time, 0) for channel, time, data in rows]
        except sqlite3.Error as error:
            first, last = block.place
            self.note(f"{self.path.name}: messages {first} to {last} are damaged and were skipped ({reason(error)})")
            return []

    def close(self) -> None:
        """See `BagFile`."""
        self.database.close()


def open_sqlite(path: Path, content: Path) -> SqliteFile:
    """Open a file and index it. It is never written to.

    Args:
        path: what to call it.
        content: where it lies: there, or unpacked elsewhere.

    Raises:
        BagError: it cannot be opened, or has no tables of a bag.
    """
    database = None
    try:
        database = _connect(content)
        file = SqliteFile(path, database=database)
        columns = {table: _columns(database, table) for table in _NEEDED}
        for table, needed in _NEEDED.items():
            missing = [name for name in needed if name not in columns[table]]
            if missing:
                raise BagError(f"'{path}' is a sqlite3 file but no bag: it has no table '{table}' with '{missing[0]}'")
        _read_topics(file, columns["topics"])
        _index(file)
    except sqlite3.Error as error:
        if database is not None:
            database.close()
        raise BagError(
            f"'{path}' is damaged: {reason(error)}. Save what is left with "
            f"'sqlite3 {path} .recover | sqlite3 saved.db3' and name saved.db3"
        ) from error
    except BagError:
        if database is not None:
            database.close()
        raise
    return file


def _connect(path: Path) -> sqlite3.Connection:
    # Beside a recording that was killed lies what it had not put in its place yet. SQLite reads both.
    log = path.with_name(f"{path.name}-wal")
    settled = "" if log.is_file() and log.stat().st_size else "&immutable=1"
    database = sqlite3.connect(
        f"file:{quote(str(path.resolve()))}?mode=ro{settled}", uri=True, isolation_level=None, check_same_thread=False
    )
    database.text_factory = lambda data: data.decode("utf-8", "replace")
    # A file from anybody may hold views and expressions that run when it is read.
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA query_only = ON")
    return database


def _columns(database: sqlite3.Connection, table: str) -> list[str]:
    """Of a table. None where there is no such table, or it is a view or computed."""
    stored = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ? AND rootpage > 0"
    if not database.execute(stored, [table]).fetchone()[0]:
        return []
    return [str(row[1]) for row in database.execute(f"PRAGMA table_info({table})")]


def _read_topics(file: SqliteFile, columns: Collection[str]) -> None:
    names = ("name", "type", "serialization_format", "offered_qos_profiles", "type_description_hash")
    cut = [f"substr({name}, 1, {_LONGEST_TEXT})" if name in columns else "''" for name in names]
    for number, *texts in file.database.execute(f"SELECT id, {', '.join(cut)} FROM topics ORDER BY id"):
        topic, kind, encoding, qos, type_hash = (text if isinstance(text, str) else "" for text in texts)
        if not isinstance(number, int):
            continue
        described = {"offered_qos_profiles": qos, "topic_type_hash": type_hash}
        file.schemas[number] = Schema(number, b"", "", kind)
        file.channels[number] = Channel(number, topic, encoding, described, number)


def _index(file: SqliteFile) -> None:
    """Blocks of rows, and what they hold. The messages themselves are not read."""
    rows: list[tuple[int, int, int]] = []
    size = last = 0
    try:
        for row, channel, time, length in _rows(file):
            rows.append((row, channel, time))
            file.counts[channel] = file.counts.get(channel, 0) + 1
            size, last = size + length, row
            if size >= _BLOCK_BYTES or len(rows) >= _BLOCK_MESSAGES:
                file.blocks.append(_block(rows))
                rows, size = [], 0
    except sqlite3.Error as error:
        file.note(f"{file.path.name}: damaged behind message {last} ({reason(error)}); read up to there")
    if rows:
        file.blocks.append(_block(rows))


def _rows(file: SqliteFile) -> Iterator[tuple[int, int, int, int]]:
    """Row, channel, time and size of each message that can be one."""
    unusable = 0
    question = f"SELECT rowid, topic_id, timestamp, length(data), {_USABLE} FROM messages ORDER BY rowid"
    for row, channel, time, size, usable in file.database.execute(question):
        if usable:
            yield row, channel, time, size
        else:
            unusable += 1
    if unusable:
        file.note(
            f"{file.path.name}: {unusable} messages have no topic, time or content, or over {LARGEST_UNPACKED} bytes; "
            "they were skipped"
        )


def _block(rows: list[tuple[int, int, int]]) -> Block:
    times = [time for _, _, time in rows]
    channels = frozenset(channel for _, channel, _ in rows)
    return Block(min(times), max(times), (rows[0][0], rows[-1][0]), channels, chunk=False)
