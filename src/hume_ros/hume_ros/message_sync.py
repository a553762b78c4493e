"""Matching of messages by their time stamps, live, in sessions that are stepped, and on bags.

`message_filters.ApproximateTimeSynchronizer` is not used. Its queues hold a number of messages and not a time: joint
states at 1 kHz push out the ones that belong to an image before the image arrives. It also gives each message to the
first match, so that after one dropped frame each later frame may be paired with its neighbour. It keeps messages of a
clock that has gone back.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import inf
from typing import Any

from hume_ros.conversions import stamp_nanoseconds

_GAIN = 0.2
"""Part of the slop by which a match must be closer to use a message again. Less is not worth another observation."""

_MOST = 4096
"""Messages kept per topic, whatever their stamps."""


class MessageSource:
    """Messages that go to the registered callbacks, wherever they come from."""

    def __init__(self) -> None:
        self._callbacks: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def registerCallback(self, callback: Callable[..., None], *args: Any) -> None:  # noqa: N802
        """Call `callback(message, *args)` for every message. The name is that of `message_filters`."""
        self._callbacks.append((callback, args))

    def deliver(self, message: Any) -> None:
        """Hand a message on."""
        for callback, args in self._callbacks:
            callback(message, *args)


class Subscriber(MessageSource):
    """One topic whose messages go to the registered callbacks."""

    def __init__(self, node: Any, msg_type: Any, topic: str, **options: Any) -> None:
        super().__init__()
        self.sub = node.create_subscription(msg_type, topic, self.deliver, **options)


class _Queue:
    """Messages of one topic in the order of their stamps.

    Attributes:
        stamps: ascending, ns.
        spans: stamp -> spread of the closest match that the message was part of, ns. Infinite before the first.
    """

    def __init__(self) -> None:
        self.stamps: list[int] = []
        self.messages: dict[int, Any] = {}
        self.spans: dict[int, float] = {}

    def add(self, stamp: int, message: Any) -> None:
        """Keep a message. One of the same stamp goes."""
        if stamp not in self.messages:
            insort(self.stamps, stamp)
        self.messages[stamp], self.spans[stamp] = message, inf

    def drop_before(self, stamp: float) -> None:
        """Drop what is older, and what is too much."""
        self._drop(0, max(bisect_left(self.stamps, stamp), len(self.stamps) - _MOST))

    def drop_after(self, stamp: float) -> None:
        """Drop what is newer."""
        self._drop(bisect_left(self.stamps, stamp + 1), len(self.stamps))

    def near(self, stamp: int, slop: int) -> list[int]:
        """Stamps within `slop`, the closest first. Of two as close the older one."""
        within = self.stamps[bisect_left(self.stamps, stamp - slop) : bisect_left(self.stamps, stamp + slop + 1)]
        return sorted(within, key=lambda at: abs(at - stamp))

    def _drop(self, first: int, end: int) -> None:
        for at in self.stamps[first:end]:
            del self.messages[at], self.spans[at]
        del self.stamps[first:end]


class ApproximateTimeSynchronizer:
    """Delivers one message per topic, all stamped within `slop` seconds.

    When a message arrives, the messages of every other topic within `slop` of it are tried from the closest on. The
    first combination is delivered that spans no more than `slop`, and clearly less than every match that one of its
    messages was part of before. So each message is used once, unless a later one fits better. What is older than a
    match can only make older matches, and is dropped.

    Args:
        sources: with `registerCallback`, such as `Subscriber`.
        keep: how long a message waits for those of other topics, by the stamps, s: at least the slop and the longest
            delay of a topic.
        slop: largest spread of the stamps, s.
    """

    def __init__(self, sources: Sequence[Any], keep: float, slop: float) -> None:
        self._queues = [_Queue() for _ in sources]
        self._keep, self._slop = round(keep * 1e9), round(slop * 1e9)
        self._callbacks: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self._lock = threading.Lock()
        for i, source in enumerate(sources):
            source.registerCallback(self._add, i)

    def registerCallback(self, callback: Callable[..., None], *args: Any) -> None:  # noqa: N802
        """Call `callback(message_0, ..., message_n, *args)` for every match."""
        self._callbacks.append((callback, args))

    def restart(self, source: int, before: float, now: float) -> None:
        """The stamps of a source went back: drop its messages, and others of the time before.

        Args:
            source: which, by its place.
            before: its newest stamp until then, s.
            now: its stamp after that, s.
        """
        # The other topics may be back already, ahead of this one by what it is late.
        between = round(0.5e9 * (before + now))
        with self._lock:
            for i, queue in enumerate(self._queues):
                queue.drop_after(-inf if i == source else between)

    def _add(self, message: Any, index: int) -> None:
        stamp = stamp_nanoseconds(message.header.stamp)
        with self._lock:
            own = self._queues[index]
            own.add(stamp, message)
            # What is older than the newest by more than `keep` has no partner to come: the slowest topic is not so
            # late.
            own.drop_before(own.stamps[-1] - self._keep)
            # A message that is older than all that may wait went out again at once.
            match = self._match(stamp, index) if stamp in own.messages else None
            if match is None:
                return
            matched = list(self._take(match))
        for callback, args in self._callbacks:
            callback(*matched, *args)

    def _match(self, stamp: int, index: int) -> tuple[int, ...] | None:
        """Stamps of the first combination around `stamp` that fits."""
        # The product goes through each topic's messages from the closest on. So the first combination that fits is made
        # of the messages nearest to `stamp`, and is taken without looking for the smallest span: with k messages within
        # the slop on each of m other topics there may be k^m.
        gain = _GAIN * self._slop
        near = [[stamp] if i == index else queue.near(stamp, self._slop) for i, queue in enumerate(self._queues)]
        for combination in product(*near):
            span = max(combination) - min(combination)
            if span <= self._slop and all(
                span + gain < queue.spans[at] for queue, at in zip(self._queues, combination, strict=True)
            ):
                return combination
        return None

    def _take(self, match: tuple[int, ...]) -> Iterator[Any]:
        span = max(match) - min(match)
        for queue, at in zip(self._queues, match, strict=True):
            # Matches go forward in time on every topic, so nothing older than this one is of use. The message itself
            # stays, in case a later one of another topic fits it clearly better.
            queue.drop_before(at)
            queue.spans[at] = span
            yield queue.messages[at]
