"""What is played when: recorded messages on a timeline that never goes back."""

from __future__ import annotations

import heapq
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from hume_bags.errors import BagError
from hume_bags.message_types import message_class
from hume_bags.reader import BagMessage, BagReader

_STAMP_END = 12
_GAP_NS = 100_000_000
"""Between the last message and the first of the next round."""


@dataclass(frozen=True)
class Playable:
    """A message and when it is due.

    Attributes:
        due_ns: on the replay's clock.
        topic: fully qualified name.
        data: CDR, its header's stamp moved along with `due_ns`.
    """

    due_ns: int
    topic: str
    data: bytes


def bag_timeline(
    reader: BagReader, topics: Sequence[str], start_ns: int, now_ns: int, loop: bool = False
) -> Iterator[Playable]:
    """The recorded messages, once or for ever.

    Args:
        reader: the bag.
        topics: what to play.
        start_ns: recorded messages before this time are left out.
        now_ns: what `start_ns` is on the replay's clock. The same number leaves stamps as they are.
        loop: begin again after the end, with stamps that go on.
    """
    offset = now_ns - start_ns
    while True:
        for message in reader.messages(topics):
            if message.log_time_ns >= start_ns:
                yield _moved(message, offset)
        if not loop:
            return
        offset += reader.end_ns - start_ns + _GAP_NS


def standstill_timeline(
    reader: BagReader, first: Mapping[str, BagMessage], now_ns: int, go_on: Callable[[], bool]
) -> Iterator[Playable]:
    """Each topic's first message again and again at its recorded rate, as long as `go_on` says so.

    Args:
        reader: the bag.
        first: see `first_messages`.
        now_ns: time on the replay's clock.
        go_on: asked before each message.
    """
    seconds = max(1e-9 * (reader.end_ns - reader.start_ns), 1e-3)
    periods = {topic: max(1, round(1e9 * seconds / reader.topics[topic].count)) for topic in first}
    events = [(now_ns, k, topic) for k, topic in enumerate(first)]
    while go_on():
        due, k, topic = events[0]
        yield _moved(first[topic], due - first[topic].log_time_ns)
        heapq.heapreplace(events, (due + periods[topic], k, topic))


def first_messages(reader: BagReader, topics: Sequence[str]) -> dict[str, BagMessage]:
    """The first message of each topic, in the order of their time.

    Raises:
        BagError: a topic has no message.
    """
    first: dict[str, BagMessage] = {}
    for message in reader.messages(topics):
        first.setdefault(message.topic, message)
        if len(first) == len(topics):
            return first
    silent = [topic for topic in topics if topic not in first]
    raise BagError(f"{reader.path} has no message of: {', '.join(silent)}")


def _moved(message: BagMessage, offset_ns: int) -> Playable:
    data = with_stamp_moved(message.data, offset_ns) if offset_ns and _has_header(message.type) else message.data
    return Playable(message.log_time_ns + offset_ns, message.topic, data)


def with_stamp_moved(data: bytes, offset_ns: int) -> bytes:
    """Serialized message that begins with a `std_msgs/Header`, its stamp later by `offset_ns`. No stamp stays none.

    CDR has a header of 4 bytes whose second tells the byte order. Seconds and nanoseconds follow.
    """
    if len(data) < _STAMP_END:
        return data
    layout = struct.Struct("<iI" if data[1] & 1 else ">iI")
    seconds, nanoseconds = layout.unpack_from(data, 4)
    if seconds == 0 and nanoseconds == 0:
        return data
    moved = seconds * 1_000_000_000 + nanoseconds + offset_ns
    return data[:4] + layout.pack(moved // 1_000_000_000, moved % 1_000_000_000) + data[_STAMP_END:]


@cache
def _has_header(type_name: str) -> bool:
    fields = message_class(type_name).get_fields_and_field_types()
    return next(iter(fields.values()), "") == "std_msgs/Header"
