"""What the core knows: events sorted into admitted motion, measured joints, requests and counters."""

from __future__ import annotations

from hume_core.limits import MotionLimits
from hume_system1.control.admission import ChunkAdmission, Rejection, SegmentAdmission
from hume_system1.control.command import ClockReading
from hume_system1.control.delay import DelayEstimate
from hume_system1.control.events import (
    ActivateEvent,
    ChunkEvent,
    DeactivateEvent,
    EnableEvent,
    EpochEvent,
    Event,
    HandbackEvent,
    HeartbeatEvent,
    JointStateEvent,
    ResetEvent,
    SegmentEvent,
    TakeoverEvent,
)
from hume_system1.control.inbox import Inbox
from hume_system1.control.joint_states import JointStates
from hume_system1.control.ros_clock import RosClock
from hume_system1.control.settings import ControlSettings
from hume_system1.control.spline import Spline
from hume_system1.control.timeline import Timeline
from hume_system1.control.watchdogs import Watchdogs


class Intake:
    """Empties the inbox; loop thread only.

    Args:
        limits: joints.
        settings: of the core.
        gripper_joint: joint that measures the gripper, "" without one.

    Attributes:
        epoch: epoch in force.
        epoch_changed: set at a change; the core clears it every tick.
        active, enabled, taken: what was asked for.
        resetting: a reset was asked for and has not expired.
        reset_asked: a reset was asked for in this tick; the core clears it.
        fresh_chunk: a chunk was admitted since then.
        rejected: counters by "kind: reason".
    """

    def __init__(self, limits: MotionLimits, settings: ControlSettings, gripper_joint: str) -> None:
        self._settings = settings
        self.inbox = Inbox()
        self.clock = RosClock(settings.clock_frozen, settings.clock_jump)
        self.chunks = ChunkAdmission(settings)
        self.segments = SegmentAdmission(limits, settings)
        self.joint_states = JointStates(limits.names, gripper_joint, settings.future)
        self.timeline = Timeline(limits, settings.committed, settings.blend)
        self.watchdogs = Watchdogs(settings)
        self.delay = DelayEstimate()
        self.epoch = 0
        self.epoch_changed = False
        self.active = False
        self.enabled = True
        self.taken = False
        self.resetting = False
        self.reset_asked = False
        self.fresh_chunk = False
        self.chunks_accepted = 0
        self.segments_accepted = 0
        self.rejected: dict[str, int] = {}

    def drain(self, now: ClockReading) -> None:
        """Take up to `max_events_per_tick` events. Nothing an event holds can raise from here."""
        take = self.inbox.take
        for _ in range(self._settings.max_events_per_tick):
            event = take()
            if event is None:
                return
            try:
                self._handle(event, now)
            except Exception:  # whatever a malformed event provokes
                self._count(type(event).__name__, Rejection.MALFORMED)

    def advance_epoch(self, epoch: int | None = None) -> None:
        """Begin a new epoch (the next one by default): all motion so far is void."""
        self.epoch = self.epoch + 1 if epoch is None else epoch
        self.epoch_changed = True
        self.forget_motion()

    def forget_motion(self) -> None:
        """Drop what was to be done: only what comes from now on counts."""
        self.timeline.clear()
        self.watchdogs.forget_motion()

    def _handle(self, event: Event, now: ClockReading) -> None:
        if isinstance(event, JointStateEvent):
            self._joint_state(event, now)
        elif isinstance(event, SegmentEvent):
            self._segment(event, now)
        elif isinstance(event, HeartbeatEvent):
            self._alive(_not_after(event.received, now.steady))
        elif isinstance(event, ChunkEvent):
            self._chunk(event, now)
        else:
            self._control(event, now)

    def _joint_state(self, event: JointStateEvent, now: ClockReading) -> None:
        rejection = self.joint_states.take(event, _not_after(event.received, now.steady), now.ros)
        if rejection is not None:
            self._count("joint state", rejection)

    def _chunk(self, chunk: ChunkEvent, now: ClockReading) -> None:
        rejection = self.chunks.check(chunk, self.epoch, now.ros)
        if rejection is not None:
            self._count("chunk", rejection)
            return
        if chunk.epoch > self.epoch:
            self.advance_epoch(chunk.epoch)
        self.chunks_accepted += 1
        self.watchdogs.chunk = now.steady - max(0.0, now.ros - chunk.stamp)
        self.fresh_chunk = True

    def _segment(self, segment: SegmentEvent, now: ClockReading) -> None:
        received = _not_after(segment.received, now.steady)
        self._alive(received)
        rejection = self.segments.check(segment, self.epoch, now.ros, self.chunks)
        if rejection is not None:
            self._count("segment", rejection)
            return
        self.segments_accepted += 1
        self.delay.add(now.ros - segment.observation_stamp)
        self.watchdogs.segment = received
        self.watchdogs.observation = now.steady - max(0.0, now.ros - segment.observation_stamp)
        curve = Spline(segment.stamp, segment.dt, self.segments.positions)
        self.timeline.add(self.clock.time, curve, self.segments.gripper)

    def _alive(self, received: float) -> None:
        self.watchdogs.heartbeat = max(self.watchdogs.heartbeat, received)

    def _control(self, event: Event, now: ClockReading) -> None:
        if isinstance(event, EpochEvent):
            if event.epoch > self.epoch:
                self.advance_epoch(event.epoch)
        elif isinstance(event, ResetEvent):
            self.reset_asked = True
        elif isinstance(event, EnableEvent):
            if event.enabled and not self.enabled:
                self.forget_motion()
            self.enabled = event.enabled
        elif isinstance(event, ActivateEvent | DeactivateEvent):
            if isinstance(event, ActivateEvent) and not self.active:
                self.watchdogs.begin(now.steady)
            self.active = isinstance(event, ActivateEvent)
            self.forget_motion()
            self.delay.restart()
        elif isinstance(event, TakeoverEvent | HandbackEvent):
            taken = isinstance(event, TakeoverEvent)
            if taken != self.taken:
                self.taken = taken
                self.advance_epoch()

    def _count(self, kind: str, rejection: Rejection) -> None:
        key = f"{kind}: {rejection.value}"
        self.rejected[key] = self.rejected.get(key, 0) + 1


def _not_after(received: float, now: float) -> float:
    """A time of arrival that lies in the future (or is nan) is now."""
    return received if received <= now else now
