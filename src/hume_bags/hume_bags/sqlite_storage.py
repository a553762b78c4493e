"""One sqlite3 file of a bag, read only and as far as it can be read.

The tables are those of rosbag2_storage_sqlite3: `topics` and `messages`, with more columns in newer versions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import suppress
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
        condition = f"rowid BETWEEN ? AND ? AND {_USABLE}"
        if len(wanted) <= _MOST_FILTERED:
            condition += f" AND topic_id IN ({', '.join(map(str, wanted))})"
        try:
            return self._select(condition, block.place)
        except sqlite3.Error as error:
            first, last = block.place
            self.note(f"{self.path.name}: of messages {first} to {last} some are damaged and were skipped ({error})")
            return self._each(condition, block.place)

    def _select(self, condition: str, rows: tuple[int, ...]) -> list[Message]:
        question = f"SELECT topic_id, timestamp, data FROM messages WHERE {condition} ORDER BY rowid"
        return [Message(channel, time, data, time, 0) for channel, time, data in self.database.execute(question, rows)]

    def _each(self, condition: str, rows: tuple[int, ...]) -> list[Message]:
        """Those that can be read one by one."""
        found: list[Message] = []
        with suppress(sqlite3.Error):
            for (row,) in self.database.execute(f"SELECT rowid FROM messages WHERE {condition} ORDER BY rowid", rows):
                with suppress(sqlite3.Error):
                    found += self._select(condition, (row, row))
        return found

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
        database, problems = _connect(content)
        file = SqliteFile(path, database=database, problems=problems)
        _read_topics(file, _checked_columns(file)["topics"])
        _index(file)
    except (sqlite3.Error, BagError) as error:
        if database is not None:
            database.close()
        if isinstance(error, BagError):
            raise
        raise BagError(
            f"'{path}' is damaged: {reason(error)}. Save what is left with "
            f"'sqlite3 {path} .recover | sqlite3 saved.db3' and name saved.db3"
        ) from error
    return file


def _connect(path: Path) -> tuple[sqlite3.Connection, list[str]]:
    """The file, opened, and what of it cannot be read."""
    # Beside a recording that was killed lies what it had not put in its place yet. SQLite reads both.
    log = path.with_name(f"{path.name}-wal")
    if not (log.is_file() and log.stat().st_size):
        return _opened(path, "&immutable=1"), []
    try:
        return _opened(path, ""), []
    except sqlite3.OperationalError:  # it has to write a file beside them for that
        problem = f"{log.name} was not read, for its folder cannot be written to. Copy both files into another folder"
        return _opened(path, "&immutable=1"), [problem]


def _opened(path: Path, options: str) -> sqlite3.Connection:
    address = f"file:{quote(str(path.resolve()))}?mode=ro{options}"
    database = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    database.text_factory = lambda data: data.decode("utf-8", "replace")
    # A file from anybody may hold views and expressions that run when it is read.
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA query_only = ON")
    # Without it SQLite refuses a file that is cut off, whatever is asked of it. Nothing can be written.
    database.execute("PRAGMA writable_schema = ON")
    database.execute("SELECT count(*) FROM sqlite_master")
    return database


def _checked_columns(file: SqliteFile) -> dict[str, list[str]]:
    """Of the tables.

    Raises:
        BagError: one is missing that a bag has.
    """
    columns = {table: _columns(file.database, table) for table in _NEEDED}
    for table, needed in _NEEDED.items():
        missing = [name for name in needed if name not in columns[table]]
        if missing:
            raise BagError(f"'{file.path}' is a sqlite3 file but no bag: it has no table '{table}' with '{missing[0]}'")
    return columns


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
    """Blocks of rows, and what they hold. The messages themselves are not read.

    Raises:
        sqlite3.Error: not one row can be read.
    """
    blocks, last = _Blocks(file), 0
    try:
        for row in _rows(file, "ASC"):
            blocks.add(*row)
            last = row[0]
    except sqlite3.Error as error:
        behind = _behind(file, last)
        if not last and not behind:
            raise
        more = f", and again from message {behind[0][0]} on" if behind else ""
        file.note(f"{file.path.name}: damaged behind message {last} ({reason(error)}). Read up to there{more}")
        blocks.finish()
        for row in behind:
            blocks.add(*row)
    blocks.finish()


def _behind(file: SqliteFile, damage: int) -> list[tuple[int, int, int, int]]:
    """Rows behind a damage, read from the end of the file on."""
    found = []
    with suppress(sqlite3.Error):
        for row in _rows(file, "DESC"):
            if row[0] <= damage:
                break
            found.append(row)
    return found[::-1]


class _Blocks:
    """Puts rows together to the blocks of a file."""

    def __init__(self, file: SqliteFile) -> None:
        self._file, self._rows, self._bytes = file, list[tuple[int, int, int]](), 0

    def add(self, row: int, channel: int, time: int, size: int) -> None:
        """The next row."""
        self._rows.append((row, channel, time))
        self._bytes += size
        self._file.counts[channel] = self._file.counts.get(channel, 0) + 1
        if self._bytes >= _BLOCK_BYTES or len(self._rows) >= _BLOCK_MESSAGES:
            self.finish()

    def finish(self) -> None:
        """Rows that come now are of another block."""
        if self._rows:
            times = [time for _, _, time in self._rows]
            channels = frozenset(channel for _, channel, _ in self._rows)
            place = self._rows[0][0], self._rows[-1][0]
            self._file.blocks.append(Block(min(times), max(times), place, channels, chunk=False))
        self._rows, self._bytes = [], 0


def _rows(file: SqliteFile, order: str) -> Iterator[tuple[int, int, int, int]]:
    """Row, channel, time and size of each message that can be one."""
    unusable = 0
    question = f"SELECT rowid, topic_id, timestamp, length(data), {_USABLE} FROM messages ORDER BY rowid {order}"
    for row, channel, time, size, usable in file.database.execute(question):
        if usable:
            yield row, channel, time, size
        else:
            unusable += 1
    if unusable:
        file.note(
            f"{file.path.name}: {unusable} messages have no topic, time or content, or over {LARGEST_UNPACKED} bytes. "
            "They were skipped"
        )
