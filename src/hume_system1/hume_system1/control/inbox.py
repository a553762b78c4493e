"""The door of the control core: appended to by any thread, emptied by the loop thread."""

from __future__ import annotations

from collections import deque

from hume_system1.control.events import (
    ChunkEvent,
    EStopEvent,
    Event,
    HeartbeatEvent,
    JointStateEvent,
    SegmentEvent,
)


class Inbox:
    """One short lock-free queue per kind, so that a flood of one cannot push out or delay another.

    Only the newest heartbeat is kept, and of all else the newest few. `deque.append`,
    `popleft` and the setting of an attribute are atomic in CPython, so no lock can hold up the loop.

    Args:
        capacity: chunks and segments kept. When full the oldest go (the newest wins).
        joint_states: joint states kept. More, since each may hold other joints.
        control_capacity: requests kept.

    Attributes:
        dropped: chunks and segments that went unread.
        estop: set by an `EStopEvent` and cleared by the loop thread: it waits behind nothing and cannot be dropped.
    """

    def __init__(self, capacity: int = 8, joint_states: int = 24, control_capacity: int = 256) -> None:
        self._control: deque[Event] = deque(maxlen=control_capacity)
        self._chunks: deque[ChunkEvent] = deque(maxlen=capacity)
        self._segments: deque[SegmentEvent] = deque(maxlen=capacity)
        self._joint_states: deque[JointStateEvent] = deque(maxlen=joint_states)
        self._heartbeat: HeartbeatEvent | None = None
        self._seen_heartbeat: HeartbeatEvent | None = None
        self._capacity = capacity
        self.dropped = 0
        self.estop = False

    def append(self, event: Event) -> None:
        """Leave an event. Returns at once, from any thread."""
        if isinstance(event, JointStateEvent):
            self._joint_states.append(event)
        elif isinstance(event, HeartbeatEvent):
            self._heartbeat = event
        elif isinstance(event, SegmentEvent):
            self.dropped += len(self._segments) >= self._capacity
            self._segments.append(event)
        elif isinstance(event, ChunkEvent):
            self.dropped += len(self._chunks) >= self._capacity
            self._chunks.append(event)
        elif isinstance(event, EStopEvent):
            self.estop = True
        else:
            self._control.append(event)

    def take_estop(self) -> bool:
        """Whether an emergency stop was asked for since the last call. Loop thread only."""
        asked = self.estop
        if asked:
            self.estop = False
        return asked

    def take(self) -> Event | None:
        """The next event: requests first, segments last. None when empty. Loop thread only."""
        # What other threads append never makes a queue shorter: one that is not empty here stays so until `popleft`.
        if self._control:
            return self._control.popleft()
        if self._joint_states:
            return self._joint_states.popleft()
        heartbeat = self._heartbeat
        if heartbeat is not self._seen_heartbeat:
            self._seen_heartbeat = heartbeat
            return heartbeat
        if self._chunks:
            return self._chunks.popleft()
        return self._segments.popleft() if self._segments else None
