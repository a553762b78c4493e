"""Messages on the wire: msgpack with numpy arrays, as openpi's clients write them. Nothing is ever unpickled.

An array is a map with the keys ``b"__ndarray__"``, ``b"data"``, ``b"dtype"`` and ``b"shape"``. A single numpy number is
a map with ``b"__npgeneric__"``, ``b"data"`` and ``b"dtype"``.
"""

from __future__ import annotations

import math
import re
from typing import Any, NoReturn

import msgpack
import numpy as np
from numpy.typing import NDArray

from hume_core.errors import HumeError
from hume_core.texts import shown

_ARRAY, _NUMBER, _DATA, _DTYPE, _SHAPE = b"__ndarray__", b"__npgeneric__", b"data", b"dtype", b"shape"
# Numbers and truth values of fixed size. Texts, objects, structures and subarrays are no types of the protocol.
_TYPES = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])")
_MOST_AXES = 8
_MOST_ITEMS = 64
"""Entries of one map or list."""
_MOST_CONTAINERS = 256
"""Maps and lists of one message. More cost time and say nothing."""
_LONGEST_TEXT = 4096


class MessageError(HumeError):
    """A message is no msgpack, too large, or holds something that the protocol does not have."""


def pack(content: Any) -> bytes:
    """A message of maps, lists, texts, numbers and numpy arrays.

    Raises:
        TypeError: it holds something else.
    """
    return bytes(msgpack.packb(content, default=_packed))


def unpack(message: bytes) -> Any:
    """What a message holds. Arrays are copies that may be written, numpy numbers are Python's.

    The work is bounded by the size of the message: at most 256 maps and lists with at most 64 entries each.

    Raises:
        MessageError: says what is wrong.
    """
    reader = _Reader()
    try:
        return msgpack.unpackb(
            message,
            object_hook=reader.map,
            list_hook=reader.list,
            ext_hook=_refuse_extension,
            max_str_len=_LONGEST_TEXT,
            max_array_len=_MOST_ITEMS,
            max_map_len=_MOST_ITEMS,
        )
    except MessageError:
        raise
    except (ValueError, TypeError, RecursionError, msgpack.exceptions.UnpackException) as error:
        reason = f"{type(error).__name__} {error}".strip()
        raise MessageError(f"the message is no valid msgpack: {reason}. Send one map with numpy arrays") from error


def _packed(value: Any) -> Any:
    if isinstance(value, np.ndarray) and _TYPES.fullmatch(value.dtype.str):
        return {_ARRAY: True, _DATA: value.tobytes(), _DTYPE: value.dtype.str, _SHAPE: value.shape}
    if isinstance(value, np.generic) and _TYPES.fullmatch(value.dtype.str):
        return {_NUMBER: True, _DATA: value.item(), _DTYPE: value.dtype.str}
    raise TypeError(f"{type(value).__name__} cannot be sent")


class _Reader:
    """Counts the containers of one message, and makes arrays of those that stand for one."""

    def __init__(self) -> None:
        self._containers = 0

    def map(self, found: dict[Any, Any]) -> Any:
        self._count()
        if _ARRAY in found:
            return _array(found)
        return _number(found) if _NUMBER in found else found

    def list(self, found: list[Any]) -> list[Any]:
        self._count()
        return found

    def _count(self) -> None:
        self._containers += 1
        if self._containers > _MOST_CONTAINERS:
            raise MessageError(f"the message has more than {_MOST_CONTAINERS} maps and lists. Send arrays instead")


def _refuse_extension(code: int, data: bytes) -> NoReturn:
    raise MessageError(f"the message has an extension of type {code}. Valid: maps, lists, texts, numbers and arrays")


def _array(found: dict[Any, Any]) -> NDArray[Any]:
    dtype, shape, data = _dtype(found), _shape(found.get(_SHAPE)), found.get(_DATA)
    if not isinstance(data, bytes) or len(data) != math.prod(shape) * dtype.itemsize:
        size = f"{len(data)} bytes" if isinstance(data, bytes) else shown(data)
        raise MessageError(f"an array of type {dtype.str} and shape {list(shape)} cannot have {size} as data")
    native = dtype.newbyteorder("=")
    return np.array(np.frombuffer(data, dtype).reshape(shape), native) if data else np.zeros(shape, native)


def _number(found: dict[Any, Any]) -> bool | int | float:
    dtype, value = _dtype(found), found.get(_DATA)
    if not isinstance(value, (bool, int, float)):
        raise MessageError(f"a number of type {dtype.str} cannot be {shown(value)}")
    try:
        converted: bool | int | float = dtype.type(value).item()
    except (OverflowError, ValueError) as error:
        raise MessageError(f"a number of type {dtype.str} cannot be {shown(value)}") from error
    return converted


def _dtype(found: dict[Any, Any]) -> np.dtype[Any]:
    name = found.get(_DTYPE)
    if not isinstance(name, str) or not _TYPES.fullmatch(name):
        raise MessageError(f"an array has type {shown(name)}. Valid: bool, and integers and floats of 1 to 8 bytes")
    return np.dtype(name)


def _shape(shape: Any) -> tuple[int, ...]:
    sizes = shape if isinstance(shape, list) else [None]
    if len(sizes) > _MOST_AXES or not all(type(size) is int and 0 <= size < 2**31 for size in sizes):
        raise MessageError(f"an array has shape {shown(shape)}. Valid: up to {_MOST_AXES} whole numbers")
    return tuple(sizes)
