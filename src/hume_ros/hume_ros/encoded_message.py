"""Messages that stay as they came until somebody wants more of them than their stamp.

Cameras send more pictures than a policy looks at. To decode one of 1280x720 pixels takes a millisecond, and to read its
stamp a microsecond.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from rclpy.serialization import deserialize_message

from hume_core.errors import ObservationError

# What a serialized message with a header begins with (OMG DDS-XTypes, 7.6.3.1): a byte, one whose lowest bit says that
# the least significant byte comes first, two bytes of options. Then the stamp: int32 s, uint32 ns.
_ORDER_AT, _STAMP_AT = 1, 4
_STAMP = {0: struct.Struct(">iI"), 1: struct.Struct("<iI")}


@dataclass(frozen=True, slots=True)
class Stamp:
    """Reads like `builtin_interfaces/Time`."""

    sec: int
    nanosec: int


@dataclass(frozen=True, slots=True)
class StampedHeader:
    """The stamp of a `std_msgs/Header`."""

    stamp: Stamp


class EncodedMessage:
    """A message that begins with a header. Reads like it: the first other field that is asked for decodes it.

    Args:
        data: serialized message, as a subscription with `raw=True` gives it.
        kind: its type.

    Attributes:
        header: its stamp.

    Raises:
        ObservationError: it is too short. Later, from any field: it is no message of this type.
    """

    def __init__(self, data: bytes, kind: type) -> None:
        if len(data) < _STAMP_AT + _STAMP[0].size:
            raise ObservationError(f"a message of {len(data)} bytes is no {kind.__name__}")
        sec, nanosec = _STAMP[data[_ORDER_AT] & 1].unpack_from(data, _STAMP_AT)
        self.header = StampedHeader(Stamp(sec, nanosec))
        self._data, self._kind = data, kind
        self._message: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._message is None:
            try:
                self._message = deserialize_message(self._data, self._kind)
            except Exception as error:  # the middleware has errors of its own
                raise ObservationError(f"a message cannot be decoded as {self._kind.__name__}: {error}") from error
            self._data = b""
        return getattr(self._message, name)
