"""Messages between the stack and the child process: a length, then msgpack. Numpy arrays keep type and shape.

Both environments import this file, so it needs numpy and msgpack alone.
"""

from __future__ import annotations

import os
import select
import struct
from typing import Any

import msgpack
import numpy as np

PROTOCOL = 1
"""Both sides have to have the same number."""

_ARRAY = 1
_TYPES = ("float64", "float32", "uint8", "bool", "int64")
_LENGTH = struct.Struct(">I")
_LONGEST = 64 * 2**20


class FramingError(Exception):
    """The other side ended, was silent for too long, or sent what is no message."""


class Channel:
    """Sends and receives messages over two file descriptors.

    Args:
        source: file descriptor to read from.
        sink: file descriptor to write to.
        timeout: how long to wait for each part of a message, s. None: for ever.
    """

    def __init__(self, source: int, sink: int, timeout: float | None = None) -> None:
        self._source, self._sink, self._timeout = source, sink, timeout

    def send(self, message: Any) -> None:
        """Send a message of numbers, texts, lists, mappings and arrays.

        Raises:
            FramingError: nobody reads any more.
        """
        body = packed(message)
        data = memoryview(_LENGTH.pack(len(body)) + body)
        try:
            while data:
                data = data[os.write(self._sink, data) :]
        except OSError as error:
            raise FramingError(f"the other side has ended ({error.strerror})") from error

    def receive(self) -> Any:
        """The next message.

        Raises:
            FramingError: there is none, or it is damaged.
        """
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        if length > _LONGEST:
            raise FramingError(f"a message of {length} bytes came, the longest is {_LONGEST}")
        return unpacked(self._read(length))

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            if self._timeout is not None and not select.select([self._source], [], [], self._timeout)[0]:
                raise FramingError(f"no answer for {self._timeout:g} s")
            part = os.read(self._source, size)
            if not part:
                raise FramingError("the other side has ended")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def packed(message: Any) -> bytes:
    """A message as bytes."""
    return bytes(msgpack.packb(message, default=_encoded))


def unpacked(body: bytes) -> Any:
    """A message from bytes.

    Raises:
        FramingError: they are none.
    """
    try:
        return msgpack.unpackb(body, ext_hook=_decoded)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise FramingError(f"a damaged message came ({error})") from error


def _encoded(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.name in _TYPES:
        return msgpack.ExtType(_ARRAY, msgpack.packb([value.dtype.name, value.shape, value.tobytes()]))
    raise TypeError(f"{type(value).__name__} cannot be sent")


def _decoded(code: int, data: bytes) -> Any:
    if code != _ARRAY:
        raise FramingError(f"an unknown kind of value came: {code}")
    name, shape, content = msgpack.unpackb(data)
    if name not in _TYPES:
        raise FramingError(f"an array of an unknown type came: {name}")
    return np.frombuffer(content, dtype=name).reshape(shape).copy()
