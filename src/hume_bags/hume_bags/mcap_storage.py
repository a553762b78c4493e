"""One MCAP file: its index, from the summary or, where the end is missing, from reading it through."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Channel, Message, Metadata, Schema

from hume_bags.errors import BagError
from hume_bags.mcap_chunk import DAMAGE, RECORD_HEADER, chunk_records, message_record
from hume_core.texts import shortened

_MOST_PROBLEMS = 50
_MAGIC = b"\x89MCAP0\r\n"


@dataclass(frozen=True)
class Block:
    """A chunk, or messages between chunks: the unit that is read at once.

    Attributes:
        start, end: lowest and highest log time, ns.
        offsets: in the file: of the chunk, or of each message.
        channels: numbers of the channels that have messages in it.
        chunk: whether it is a chunk.
    """

    start: int
    end: int
    offsets: tuple[int, ...]
    channels: frozenset[int]
    chunk: bool = True


@dataclass
class McapFile:
    """What a file holds. Make it with `open_mcap`.

    Attributes:
        channels, schemas: by number.
        counts: messages by channel number.
        blocks: in file order.
        metadata: the metadata records in file order.
        problems: what could not be read. Grows while messages are read.
    """

    path: Path
    stream: IO[bytes]
    channels: dict[int, Channel] = field(default_factory=dict)
    schemas: dict[int, Schema] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    metadata: list[Metadata] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def messages(self, block: Block) -> list[Message]:
        """The messages of a block in file order. None, and a problem, where it is damaged."""
        try:
            if block.chunk:
                records = chunk_records(self._record(block.offsets[0])[1])
                return [record for record in records if isinstance(record, Message)]
            return [message_record(self._record(offset)[1]) for offset in block.offsets]
        except DAMAGE as error:
            place = f"{self.path.name}: the chunk at byte {block.offsets[0]}"
            self.note(f"{place} is damaged and was skipped ({_reason(error)})")
            return []

    def note(self, problem: str) -> None:
        """Report a problem once, and no more than `_MOST_PROBLEMS` of them."""
        if problem not in self.problems and len(self.problems) <= _MOST_PROBLEMS:
            full = len(self.problems) == _MOST_PROBLEMS
            self.problems.append(f"{self.path.name}: further problems are not listed" if full else problem)

    def _record(self, offset: int) -> tuple[int, bytes]:
        """Opcode and content of the record at an offset.

        Raises:
            EOFError: the file ends before the record does.
        """
        size = os.fstat(self.stream.fileno()).st_size
        if offset > size - RECORD_HEADER.size:
            raise EOFError("the file ends here")
        self.stream.seek(offset)
        opcode, length = RECORD_HEADER.unpack(self.stream.read(RECORD_HEADER.size))
        if length > size - self.stream.tell():
            raise EOFError("the file ends within the record")
        return opcode, self.stream.read(length)


def _reason(error: BaseException) -> str:
    return shortened(str(error) or type(error).__name__)


def open_mcap(path: Path) -> McapFile:
    """Open a file and index it.

    Raises:
        BagError: it cannot be opened or is no MCAP file.
    """
    if path.exists() and not path.is_file():
        raise BagError(f"'{path}' is no file")
    try:
        stream = path.open("rb")
    except OSError as error:
        raise BagError(f"'{path}' cannot be opened: {error.strerror}") from error
    if stream.read(len(_MAGIC)) != _MAGIC:
        stream.close()
        raise BagError(f"'{path}' is no MCAP file: it does not begin like one")
    file = McapFile(path, stream)
    if not _read_summary(file):
        _scan(file)
    return file


class _Bounded:
    """A file that is asked for no more than it has: Python makes room for what is asked before it looks."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._size = stream, os.fstat(stream.fileno()).st_size
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, length: int = -1) -> bytes:
        """Up to `length` bytes. All that are left where it is negative."""
        left = max(0, self._size - self._stream.tell())
        return self._stream.read(left if length < 0 else min(length, left))


def _read_summary(file: McapFile) -> bool:
    """Fill the index from the end of the file. False where that is missing or says too little."""
    file.stream.seek(0)
    try:
        reader = SeekingReader(cast("IO[bytes]", _Bounded(file.stream)))
        summary = reader.get_summary()
        if summary is None or summary.statistics is None or not summary.channels:
            return False
        statistics = summary.statistics
        if statistics.message_count and not summary.chunk_indexes:
            return False
        metadata = list(reader.iter_metadata())
    except (*DAMAGE, OSError, StopIteration):
        return False
    file.channels, file.schemas = dict(summary.channels), dict(summary.schemas)
    file.counts = dict(statistics.channel_message_counts)
    file.metadata = metadata
    everything = frozenset(file.channels)
    for index in sorted(summary.chunk_indexes, key=lambda index: index.chunk_start_offset):
        # Some recorders leave the message indexes out.
        channels = frozenset(index.message_index_offsets) or everything
        times = index.message_start_time, index.message_end_time
        file.blocks.append(Block(*times, (index.chunk_start_offset,), channels))
    return True


def _scan(file: McapFile) -> None:
    """Fill the index by reading every record, as far as the file goes."""
    size = file.path.stat().st_size
    offset = len(_MAGIC)
    while True:
        try:
            opcode, body = file._record(offset)
        except EOFError as error:
            file.note(
                f"{file.path.name}: cut off or damaged at byte {offset} of {size} ({error}); "
                f"read up to there, {size - offset} bytes were skipped"
            )
            return
        if opcode in (Opcode.DATA_END, Opcode.FOOTER):
            return
        _index_record(file, opcode, body, offset)
        offset += RECORD_HEADER.size + len(body)


def _index_record(file: McapFile, opcode: int, body: bytes, offset: int) -> None:
    stream = ReadDataStream(BytesIO(body))
    try:
        if opcode == Opcode.CHUNK:
            _index_messages(file, list(chunk_records(body)), (offset,), chunk=True)
        elif opcode == Opcode.MESSAGE:
            _index_messages(file, [message_record(body)], (offset,), chunk=False)
        elif opcode == Opcode.CHANNEL:
            _index_messages(file, [Channel.read(stream)], (), chunk=False)
        elif opcode == Opcode.SCHEMA:
            _index_messages(file, [Schema.read(stream)], (), chunk=False)
        elif opcode == Opcode.METADATA:
            file.metadata.append(Metadata.read(stream))
    except DAMAGE as error:
        place = f"{file.path.name}: the record at byte {offset}"
        file.note(f"{place} is damaged and was skipped, {len(body)} bytes ({_reason(error)})")


def _index_messages(file: McapFile, records: Iterable[Any], offsets: tuple[int, ...], *, chunk: bool) -> None:
    times, channels = [], set()
    for record in records:
        if isinstance(record, Channel):
            file.channels[record.id] = record
        elif isinstance(record, Schema):
            file.schemas[record.id] = record
        else:
            file.counts[record.channel_id] = file.counts.get(record.channel_id, 0) + 1
            times.append(record.log_time)
            channels.add(record.channel_id)
    if times:
        file.blocks.append(Block(min(times), max(times), offsets, frozenset(channels), chunk))
