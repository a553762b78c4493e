"""What the core knows: events sorted into admitted motion, measured joints, requests and counters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from hume_core.epochs import following, is_plausible_step
from hume_core.limits import MotionLimits
from hume_system1.control.admission import ChunkAdmission, Rejection
from hume_system1.control.command import ClockReading
from hume_system1.control.continuous import ContinuousJoints
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.delay import DelayEstimate
from hume_system1.control.events import (
    ActivateEvent,
    ChunkEvent,
    CommandersEvent,
    ControllersEvent,
    DeactivateEvent,
    DenoiserEvent,
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
from hume_system1.control.plausibility import Plausibility
from hume_system1.control.push import PushWatch
from hume_system1.control.reference_trajectory import ReferenceTrajectory
from hume_system1.control.resets import ResetRequest
from hume_system1.control.ros_clock import RosClock
from hume_system1.control.segment_admission import SegmentAdmission
from hume_system1.control.spline import Spline
from hume_system1.control.states import Reason
from hume_system1.control.watchdogs import View


class Intake:
    """Empties the inbox. Loop thread only. Its attributes are read from outside, never written.

    Args:
        limits: joints.
        settings: of the core.
        gripper_joints: per gripper, the joint that measures it, "" without one.
        place: tells where the command is, (n,) rad. Empty: not known.

    Attributes:
        view: when what was seen, for the watchdogs.
        epoch: epoch in force.
        epoch_changed: a new one began in this tick.
        active, enabled, taken: what was asked for.
        away: which controllers of the robot do not listen, for people. Empty: all do.
        denoiser: how the denoiser's process ended, for people. Empty: it runs.
        foreign: who else commands this robot, for people. Empty: nobody.
        reset: the reset that was asked for.
        rejected: counters by "kind: reason".
        detail: what more is known of the newest fault, for people.
    """

    def __init__(
        self,
        limits: MotionLimits,
        settings: ControlSettings,
        gripper_joints: Sequence[str] = (),
        place: Callable[[], Sequence[float]] = tuple,
    ) -> None:
        self._settings, self._place = settings, place
        self.inbox = Inbox()
        self.clock = RosClock(settings.clock_frozen, settings.clock_jump)
        self.chunks = ChunkAdmission(settings, limits.names)
        self.segments = SegmentAdmission(limits, settings, len(gripper_joints))
        self.plausibility = Plausibility(limits, settings)
        self.joint_states = JointStates(
            limits.names,
            gripper_joints,
            settings.future,
            self.plausibility,
            ContinuousJoints(limits),
            settings.joint_state_age,
        )
        self.timeline = ReferenceTrajectory(limits, settings.committed, settings.blend)
        self.view = View()
        self.reset = ResetRequest(settings.reset_timeout)
        self.delay = DelayEstimate()
        self.epoch = 0
        self.epoch_changed = False
        self.active = False
        self.enabled = True
        self.taken = False
        self.away = self.foreign = self.denoiser = self.detail = ""
        self.chunks_accepted = 0
        self.segments_accepted = 0
        self.rejected: dict[str, int] = {}
        self._ros = math.nan

    def begin_tick(self, now: ClockReading) -> None:
        """Read the clocks and take up to `max_events_per_tick` events. Nothing an event holds can raise from here."""
        self._read_clock(now)
        self.epoch_changed = False
        take = self.inbox.take
        for _ in range(self._settings.max_events_per_tick):
            event = take()
            if event is None:
                break
            try:
                self._handle(event, now)
            except Exception:  # whatever a malformed event provokes
                self._count(type(event).__name__, Rejection.MALFORMED)

    def _read_clock(self, now: ClockReading) -> None:
        beginnings = self.clock.beginnings
        self.clock.update(now.steady, now.ros)
        self._ros = self.clock.now(now.ros)
        if self.clock.beginnings != beginnings:
            self.joint_states.forget_stamp()

    def look(self, push: PushWatch, *, started: bool, outside_limits: bool, tracking_ratio: float) -> View:
        """What the watchdogs look at in this tick. See `View` for the arguments."""
        view = self.view
        view.clock = self.clock.fault
        view.covered = self.timeline.covers(self.clock.time)
        view.joint_states_fault = self.plausibility.fault
        view.pushed, view.push = push.pushed, push.fault
        view.foreign = bool(self.foreign)
        view.started, view.outside_limits, view.tracking_ratio = started, outside_limits, tracking_ratio
        return view

    def note_fault(self, fault: Reason, now: float) -> None:
        """Keep what more is known of a fault that has just come, at steady time `now`, s."""
        self.detail = ""
        if fault is Reason.JOINT_STATES_LOST:
            lost = self.joint_states.lost(now, self._settings.joint_state_age)
            if len(lost) < len(self.joint_states.position):
                self.detail = f"nothing of joint {', '.join(lost)}"
            elif self.joint_states.rejection is not None:
                self.detail = f"they are rejected: {self.joint_states.rejection.value}"
        elif fault is Reason.DENOISER_ENDED:
            self.detail = self.denoiser
        elif fault is Reason.CLOCK_FROZEN:
            self.detail = self.clock.described()

    def take_estop(self) -> bool:
        """Whether an emergency stop was asked for since the last call. It makes a pending reset void."""
        asked = self.inbox.take_estop()
        if asked:
            self.reset.cancel()
        return asked

    def begin_reset(self, now: ClockReading) -> None:
        """Begin again for a robot that was stopped: what came before does not count, and clocks may start over."""
        self.reset.begin(now.steady)
        self.advance_epoch()
        self.joint_states.forget_stamp()
        self.restart_clock(now)

    def resume(self, stall: float) -> None:
        """The loop itself was held up for so long, s: what it could not take meanwhile does not count as silence."""
        self.view.joint_states += stall
        self.view.heartbeat += stall

    def restart_clock(self, now: ClockReading) -> None:
        """The ROS clock is right as it is now, whatever it did before."""
        self.clock.restart()
        self.clock.update(now.steady, now.ros)

    def advance_epoch(self, epoch: int | None = None) -> None:
        """Begin a new epoch (the next one by default): all motion so far is void."""
        self.epoch = following(self.epoch) if epoch is None else epoch
        self.epoch_changed = True
        self._forget_motion()

    def _forget_motion(self) -> None:
        """Drop what was to be done: only what comes from now on counts."""
        self.timeline.clear()
        self.view.forget_motion()

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
        received = _not_after(event.received, now.steady)
        # A simulator that does not keep real time may report velocities by either clock.
        rejection = self.joint_states.take(event, received, self._ros, steady_speed=self.clock.rate == 1.0)
        self.view.joint_states = self.joint_states.received
        if rejection is not None:
            self._count("joint state", rejection)

    def _chunk(self, event: ChunkEvent, now: ClockReading) -> None:
        chunk = event.chunk
        rejection = self.chunks.check(chunk, self.epoch, self._ros)
        if rejection is not None:
            self._count("chunk", rejection)
            return
        if chunk.epoch != self.epoch:
            self.advance_epoch(chunk.epoch)
        self.chunks_accepted += 1
        self.view.chunk = now.steady - max(0.0, self._ros - chunk.stamp)
        self.reset.chunk_admitted()

    def _segment(self, event: SegmentEvent, now: ClockReading) -> None:
        segment = event.segment
        received = _not_after(event.received, now.steady)
        self._alive(received)
        rejection = self.segments.check(segment, self.epoch, self._ros, self.chunks, self._place())
        if rejection is not None:
            self._count("segment", rejection)
            return
        self.segments_accepted += 1
        self.delay.add(self._ros - segment.observation_stamp)
        self.view.segment = received
        self.view.observation = now.steady - max(0.0, self._ros - segment.observation_stamp)
        curve = Spline(segment.stamp, segment.dt, self.segments.positions)
        self.timeline.add(self.clock.time, curve, self.segments.grippers)

    def _alive(self, received: float) -> None:
        self.view.heartbeat = max(self.view.heartbeat, received)

    def _control(self, event: Event, now: ClockReading) -> None:
        if isinstance(event, EpochEvent):
            newer = event.epoch != self.epoch
            if newer and is_plausible_step(event.epoch, self.epoch, self._settings.max_epoch_step):
                self.advance_epoch(event.epoch)
        elif isinstance(event, ResetEvent):
            self.reset.ask()
        elif isinstance(event, EnableEvent):
            if event.enabled and not self.enabled:
                self._forget_motion()
            self.enabled = event.enabled
        elif isinstance(event, ActivateEvent | DeactivateEvent):
            if isinstance(event, ActivateEvent) and not self.active:
                self.view.since = now.steady
            self.active = isinstance(event, ActivateEvent)
            self._forget_motion()
            self.delay.restart()
        elif isinstance(event, ControllersEvent):
            self.away = event.away
        elif isinstance(event, CommandersEvent):
            self.foreign = event.foreign
        elif isinstance(event, DenoiserEvent):
            self.denoiser = event.ended
            self.view.denoiser_ended = bool(event.ended)
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
