"""Approximate-time synchronisation without ROS: in sessions that are stepped, and where `message_filters` is missing.

Same call interface and same matching rule as `message_filters` of ROS 2. When a message arrives, the messages of every
other topic within `slop` of it are tried from the closest on. The first combination that spans no more than `slop` is
delivered and removed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

from hume_ros.conversions import stamp_nanoseconds


class MessageSource:
    """Messages that go to the registered callbacks, wherever they come from."""

    def __init__(self) -> None:
        self._callbacks: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def registerCallback(self, callback: Callable[..., None], *args: Any) -> None:  # noqa: N802
        """Call `callback(message, *args)` for every message."""
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


class ApproximateTimeSynchronizer:
    """Delivers one message per topic, all stamped within `slop` seconds.

    Args:
        fs: filters with `registerCallback`, such as `Subscriber`.
        queue_size: how many unmatched messages are kept per topic.
        slop: largest spread of the stamps, s.
    """

    def __init__(self, fs: Sequence[Any], queue_size: int, slop: float) -> None:
        self._queues: list[dict[int, Any]] = [{} for _ in fs]
        self._queue_size = queue_size
        self._slop = round(slop * 1e9)
        self._callbacks: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self._lock = threading.Lock()
        for i, source in enumerate(fs):
            source.registerCallback(self._add, i)

    def registerCallback(self, callback: Callable[..., None], *args: Any) -> None:  # noqa: N802
        """Call `callback(message_0, ..., message_n, *args)` for every match."""
        self._callbacks.append((callback, args))

    def _add(self, message: Any, index: int) -> None:
        stamp = stamp_nanoseconds(message.header.stamp)
        with self._lock:
            queue = self._queues[index]
            queue[stamp] = message
            while len(queue) > self._queue_size:
                del queue[min(queue)]
            # A message older than everything in a full queue went out again at once.
            stamps = self._match(stamp, index) if stamp in queue else None
            if stamps is None:
                return
            matched = [own.pop(at) for own, at in zip(self._queues, stamps, strict=True)]
        for callback, args in self._callbacks:
            callback(*matched, *args)

    def _match(self, stamp: int, index: int) -> tuple[int, ...] | None:
        """Stamps of the first combination around `stamp` that spans no more than the slop."""
        choices: list[list[int]] = []
        for i, queue in enumerate(self._queues):
            near = [stamp] if i == index else [at for at in queue if abs(at - stamp) <= self._slop]
            choices.append(sorted(near, key=lambda at: abs(at - stamp)))
        for combination in product(*choices):
            if max(combination) - min(combination) <= self._slop:
                return combination
        return None
