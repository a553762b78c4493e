"""The door of the control core: appended to by any thread, emptied by the loop thread."""

from __future__ import annotations

from collections import deque

from hume_system1.control.events import (
    ChunkEvent,
    DataEvent,
    EStopEvent,
    Event,
    HeartbeatEvent,
    JointStateEvent,
    SegmentEvent,
)

_DATA = (JointStateEvent, SegmentEvent, ChunkEvent, HeartbeatEvent)


class Inbox:
    """Two lock-free queues: a flood of data cannot push out or delay what controls the machine.

    `deque.append` and `popleft` are atomic in CPython, so no lock can hold up the loop.

    Args:
        capacity: data events kept; when full the oldest go (the newest wins).

    Attributes:
        dropped: data events that went unread.
        estop: set by an `EStopEvent` and cleared by the loop thread: it waits behind nothing and cannot be dropped.
    """

    def __init__(self, capacity: int = 256) -> None:
        self._data: deque[DataEvent] = deque(maxlen=capacity)
        self._control: deque[Event] = deque(maxlen=capacity)
        self._capacity = capacity
        self.dropped = 0
        self.estop = False

    def append(self, event: Event) -> None:
        """Leave an event; returns at once, from any thread."""
        if isinstance(event, _DATA):
            if len(self._data) >= self._capacity:
                self.dropped += 1
            self._data.append(event)
            return
        if isinstance(event, EStopEvent):
            self.estop = True
            return
        self._control.append(event)

    def take(self) -> Event | None:
        """The next event, those that control the machine first; None when empty. Loop thread only."""
        try:
            return self._control.popleft() if self._control else self._data.popleft()
        except IndexError:
            return None

    def __len__(self) -> int:
        """Events waiting."""
        return len(self._control) + len(self._data)
