"""Writing a bag from a thread of its own, so that compression delays no arrival."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

from rclpy.qos import QoSProfile

from hume_bags.writer import BagWriter

_CAPACITY = 20_000
_PERIOD = 0.05
"""A thread that woke for every message would cost several times as much."""


class BackgroundWriter:
    """Queues messages for a `BagWriter`. Its methods may be called from any thread. `write` never waits.

    Args:
        writer: used by nothing else until `close`.

    Attributes:
        dropped: messages by topic that came while the queue was full.
    """

    def __init__(self, writer: BagWriter) -> None:
        self._writer = writer
        self._queue: deque[tuple[str, bytes, int]] = deque()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._error: Exception | None = None
        self.dropped: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, name="bag writer", daemon=True)
        self._thread.start()

    def add_topic(self, topic: str, type_name: str, qos: Sequence[QoSProfile]) -> None:
        """As `BagWriter.add_topic`."""
        with self._lock:
            self._writer.add_topic(topic, type_name, qos)

    def add_provenance(self, values: Mapping[str, Any]) -> None:
        """As `BagWriter.add_provenance`."""
        with self._lock:
            self._writer.add_provenance(values)

    def write(self, topic: str, data: bytes, log_time_ns: int) -> None:
        """Queue a message."""
        if len(self._queue) >= _CAPACITY:
            self.dropped[topic] += 1
        else:
            self._queue.append((topic, data, log_time_ns))

    def check(self) -> None:
        """Raise what ended the thread, such as a full disk."""
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Write what is queued and end the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.wait(_PERIOD):
                self._write_queued()
            self._write_queued()
        except Exception as error:  # for `check`. A thread that ends unnoticed would lose everything after
            self._error = error

    def _write_queued(self) -> None:
        while self._queue:
            with self._lock:
                self._writer.write(*self._queue.popleft())
        with self._lock:
            self._writer.flush_if_due()
