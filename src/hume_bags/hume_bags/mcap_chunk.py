"""Chunks of MCAP files: unpacked only up to a size, and cut into records."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

import lz4.frame
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Message, Schema

from hume_bags.packing import LARGEST_UNPACKED, unpacked_zstd

MOST_RECORDS = 500_000
"""Of a chunk. A thousand messages a second fill one only after minutes."""

RECORD_HEADER = struct.Struct("<BQ")
_MESSAGE_HEADER = struct.Struct("<HIQQ")
_PRIVATE = 0x80

DAMAGE = (
    McapError, ValueError, EOFError, LookupError, OverflowError, struct.error, zstandard.ZstdError, RuntimeError,
)  # fmt: skip
"""What decoding damaged records raises. A wrong checksum is a ValueError."""


def chunk_records(body: bytes) -> Iterator[Schema | Channel | Message]:
    """The records of a chunk in their order.

    Args:
        body: content of the chunk's record.

    Raises:
        ValueError: it unpacks to more than it says or than `LARGEST_UNPACKED`, its checksum is wrong, or it holds what
            no chunk may hold.
        McapError, EOFError, LookupError, OverflowError, struct.error, zstandard.ZstdError, RuntimeError: it is
            damaged.
    """
    chunk = Chunk.read(ReadDataStream(BytesIO(body)))
    data = _unpacked(chunk)
    if chunk.uncompressed_crc not in (0, zlib.crc32(data)):
        raise ValueError("its checksum is wrong")
    place = count = 0
    while place < len(data):
        opcode, length = RECORD_HEADER.unpack_from(data, place)
        place += RECORD_HEADER.size
        count += 1
        if length > len(data) - place or count > MOST_RECORDS:
            raise ValueError("a record ends behind it" if count <= MOST_RECORDS else f"over {MOST_RECORDS} records")
        record = _record(opcode, data[place : place + length])
        place += length
        if record is not None:
            yield record


def message_record(body: bytes) -> Message:
    """A message from the content of its record.

    Raises:
        struct.error: it is too short.
    """
    channel, sequence, log_time, publish_time = _MESSAGE_HEADER.unpack_from(body)
    return Message(channel, log_time, body[_MESSAGE_HEADER.size :], publish_time, sequence)


def _unpacked(chunk: Chunk) -> bytes:
    size = chunk.uncompressed_size
    if size > LARGEST_UNPACKED:
        raise ValueError(f"it unpacks to {size} bytes. Valid: at most {LARGEST_UNPACKED}")
    if chunk.compression == "zstd":
        data = unpacked_zstd(chunk.data, size)
    elif chunk.compression == "lz4":
        data = lz4.frame.LZ4FrameDecompressor().decompress(chunk.data, max_length=size + 1)
    elif chunk.compression:
        raise ValueError(f"it is compressed with '{chunk.compression[:20]}'. Valid: zstd, lz4 or nothing")
    else:
        data = chunk.data
    if len(data) != size:
        raise ValueError(f"it says {size} bytes and has {'more' if len(data) > size else len(data)}")
    return data


def _record(opcode: int, body: bytes) -> Schema | Channel | Message | None:
    """One record. None where it belongs to somebody else."""
    if opcode == Opcode.MESSAGE:
        return message_record(body)
    if opcode == Opcode.CHANNEL:
        return Channel.read(ReadDataStream(BytesIO(body)))
    if opcode == Opcode.SCHEMA:
        return Schema.read(ReadDataStream(BytesIO(body)))
    if opcode < _PRIVATE:
        raise ValueError(f"it holds a record of kind {opcode}, which no chunk may")
    return None
