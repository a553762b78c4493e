"""One MCAP file: its index, from the summary or, where the end is missing, from reading it through."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Channel, Message, Metadata, Schema

from hume_bags.errors import BagError
from hume_bags.mcap_chunk import DAMAGE, RECORD_HEADER, chunk_records, message_record
from hume_bags.packing import LARGEST_UNPACKED
from hume_bags.storage import BagFile, Block, reason

MAGIC = b"\x89MCAP0\r\n"
_INDEXED = (Opcode.CHUNK, Opcode.MESSAGE, Opcode.CHANNEL, Opcode.SCHEMA, Opcode.METADATA)


@dataclass(kw_only=True)
class McapFile(BagFile):
    """An MCAP file. Make it with `open_mcap`. A block's place is the byte of the chunk, or of each message."""

    stream: IO[bytes]

    def messages(self, block: Block, channels: Collection[int]) -> list[Message]:
        """See `BagFile`."""
        try:
            if block.chunk:
                records = chunk_records(self._content_at(block.place[0]))
                return [record for record in records if isinstance(record, Message)]
            return [message_record(self._content_at(offset)) for offset in block.place]
        except DAMAGE as error:
            place = f"{self.path.name}: the chunk at byte {block.place[0]}"
            self.note(f"{place} is damaged and was skipped ({reason(error)})")
            return []

    def close(self) -> None:
        """See `BagFile`."""
        self.stream.close()

    @property
    def size(self) -> int:
        """Bytes."""
        return os.fstat(self.stream.fileno()).st_size

    def header(self, offset: int) -> tuple[int, int]:
        """Opcode and length of the record at an offset. The content is what is read next.

        Raises:
            EOFError: the file ends before the record does.
        """
        size = self.size
        if offset > size - RECORD_HEADER.size:
            raise EOFError("the file ends here")
        self.stream.seek(offset)
        opcode, length = RECORD_HEADER.unpack(self.stream.read(RECORD_HEADER.size))
        if length > size - self.stream.tell():
            raise EOFError("the file ends within the record")
        return opcode, length

    def content(self, length: int) -> bytes:
        """What follows a header.

        Raises:
            ValueError: it is too large.
        """
        if length > LARGEST_UNPACKED:
            raise ValueError(f"it has {length} bytes. Valid: at most {LARGEST_UNPACKED}")
        return self.stream.read(length)

    def _content_at(self, offset: int) -> bytes:
        return self.content(self.header(offset)[1])


def open_mcap(path: Path, content: Path) -> McapFile:
    """Open a file and index it.

    Args:
        path: what to call it.
        content: where it lies: there, or unpacked elsewhere.

    Raises:
        BagError: it cannot be opened.
    """
    try:
        stream = content.open("rb")
    except OSError as error:
        raise BagError(f"'{path}' cannot be opened: {error.strerror}") from error
    file = McapFile(path, stream=stream)
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
    size = file.size
    offset = len(MAGIC)
    while True:
        try:
            opcode, length = file.header(offset)
        except EOFError as error:
            file.note(
                f"{file.path.name}: cut off or damaged at byte {offset} of {size} ({error}). "
                f"Read up to there, {size - offset} bytes were skipped"
            )
            return
        if opcode in (Opcode.DATA_END, Opcode.FOOTER):
            return
        if opcode in _INDEXED:
            _index_record(file, opcode, length, offset)
        offset += RECORD_HEADER.size + length


def _index_record(file: McapFile, opcode: int, length: int, offset: int) -> None:
    try:
        body = file.content(length)
        stream = ReadDataStream(BytesIO(body))
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
        file.note(f"{place} is damaged and was skipped, {length} bytes ({reason(error)})")


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
