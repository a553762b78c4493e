"""Watchdogs, all on the steady clock: a frozen /clock cannot keep them from firing.

A new one is a class here, an entry in `fault_watchdogs` or `hold_watchdogs`, and its `Reason`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.states import Reason

_FORGIVEN = 0.02
# Looked up in every watchdog of every tick, and a name costs a tenth of what a member of an enumeration does.
_NONE = Reason.NONE


@dataclass(slots=True)
class View:
    """What the watchdogs look at. Times are steady, s. -inf: never.

    Attributes:
        since: of activation: silence before it, while the node was starting up, does not count.
        heartbeat: of the denoiser's last heartbeat.
        denoiser_ended: its process has ended, or was stopped by a signal.
        segment: when the last admitted segment arrived.
        chunk: of the observation behind the newest admitted chunk.
        observation: of the newest observation behind an admitted segment.
        joint_states: when the newest joint state arrived.
        clock: what is wrong with the ROS clock, or NONE.
        started: the stream has begun.
        outside_limits: the arm is measured outside its position limits before the stream begins.
        tracking_ratio: largest |command - measured| as a multiple of its limit. 0 while it does not matter.
        pushed: the arm was pushed away and has not come back yet.
        push: why that is no transient push, or NONE.
        joint_states_fault: what is wrong with the joint states themselves, or NONE.
        covered: the timeline has motion for the present.
        foreign: another node commands this robot.
    """

    since: float = -math.inf
    heartbeat: float = -math.inf
    denoiser_ended: bool = False
    segment: float = -math.inf
    chunk: float = -math.inf
    observation: float = -math.inf
    joint_states: float = -math.inf
    clock: Reason = Reason.NONE
    started: bool = False
    outside_limits: bool = False
    tracking_ratio: float = 0.0
    pushed: bool = False
    push: Reason = Reason.NONE
    joint_states_fault: Reason = Reason.NONE
    covered: bool = False
    foreign: bool = False

    def without_joint_states(self, now: float) -> float:
        """For how long none has come, s. The loop's own delays do not count."""
        last, since = self.joint_states, self.since
        return now - (last if last > since else since)

    def without_heartbeat(self, now: float) -> float:
        """For how long none has come, s. 0 before the first."""
        last, since = self.heartbeat, self.since
        if last == -math.inf:
            return 0.0
        return now - (last if last > since else since)

    def forget_motion(self) -> None:
        """A new epoch: what was seen of the old one does not count."""
        self.segment = self.chunk = self.observation = -math.inf


class Watchdog(ABC):
    """Fires when one thing is wrong."""

    @abstractmethod
    def check(self, now: float, view: View) -> Reason:
        """Look once per tick.

        Args:
            now: steady clock, s.
            view: of this tick.

        Returns:
            NONE, or what is wrong.
        """


class ForeignCommander(Watchdog):
    """Two nodes command one arm: it would be torn between them."""

    def check(self, now: float, view: View) -> Reason:
        """See `Watchdog.check`."""
        return Reason.FOREIGN_COMMANDER if view.foreign else _NONE


class OutsideLimits(Watchdog):
    """The arm stands where no stream may begin."""

    def check(self, now: float, view: View) -> Reason:
        """See `Watchdog.check`."""
        return Reason.LIMITS if view.outside_limits else _NONE


class Clock(Watchdog):
    """The ROS clock, by which motion is sampled, stands still or jumps."""

    def check(self, now: float, view: View) -> Reason:
        """See `Watchdog.check`."""
        return view.clock if view.started else _NONE


@dataclass
class JointStatesLost(Watchdog):
    """No joint state for `age` s."""

    age: float

    def check(self, now: float, view: View) -> Reason:
        """See `Watchdog.check`."""
        return Reason.JOINT_STATES_LOST if view.without_joint_states(now) > self.age else _NONE


class JointStatesWrong(Watchdog):
    """The joint states are impossible for an arm."""

    def check(self, now: float, view: View) -> Reason:
        """See `Watchdog.check`."""
        return view.joint_states_fault


class PushWatchdog(Watchdog):
    """A push does not end, or is none."""

    def check(self, now: float, view: View) -> Reason:
        """See `Watchdog.check`."""
        return view.push


@dataclass
class Tracking(Watchdog):
    """A blocked arm: |command - measured| above `ratio` of its limit for `grace` s, and no push.

    Shorter times add up if they come again and again: only 2 % of the time between them is subtracted.
    """

    ratio: float
    grace: float
    _blocked: float = 0.0
    _above: bool = False
    _last: float = math.inf

    def check(self, now: float, view: View) -> Reason:
        """See `Watchdog.check`."""
        above = view.tracking_ratio > self.ratio and not view.pushed
        if above and self._above:
            self._blocked += now - self._last
        elif self._blocked > 0.0:
            self._blocked = max(self._blocked - _FORGIVEN * (now - self._last), 0.0)
        self._above, self._last = above, now
        return Reason.TRACKING_ERROR if above and self._blocked >= self.grace else _NONE


class DenoiserEnded(Watchdog):
    """The kernel says that the denoiser's process has ended or was stopped."""

    def check(self, now: float, view: View) -> Reason:
        """See `Watchdog.check`."""
        return Reason.DENOISER_ENDED if view.denoiser_ended else _NONE


@dataclass
class DenoiserLost(Watchdog):
    """No heartbeat for so long, `timeout` s, that the process hangs. On a busy computer one is merely late."""

    timeout: float

    def check(self, now: float, view: View) -> Reason:
        """See `Watchdog.check`."""
        return Reason.DENOISER_LOST if view.without_heartbeat(now) > self.timeout else _NONE


@dataclass
class DenoiserLate(Watchdog):
    """No heartbeat for `age` s."""

    age: float

    def check(self, now: float, view: View) -> Reason:
        """See `Watchdog.check`."""
        return Reason.DENOISER_LATE if view.without_heartbeat(now) > self.age else _NONE


@dataclass
class ChunkStale(Watchdog):
    """The newest chunk rests on an observation older than `age` s."""

    age: float

    def check(self, now: float, view: View) -> Reason:
        """See `Watchdog.check`."""
        return Reason.CHUNK_STALE if now - view.chunk > self.age else _NONE


@dataclass
class ObservationStale(Watchdog):
    """The segments rest on observations older than `age` s."""

    age: float

    def check(self, now: float, view: View) -> Reason:
        """See `Watchdog.check`."""
        return Reason.OBSERVATION_STALE if now - view.observation > self.age else _NONE


@dataclass
class SegmentStale(Watchdog):
    """No segment for `age` s."""

    age: float

    def check(self, now: float, view: View) -> Reason:
        """See `Watchdog.check`."""
        return Reason.SEGMENT_STALE if now - view.segment > self.age else _NONE


class Pushed(Watchdog):
    """The arm was pushed away."""

    def check(self, now: float, view: View) -> Reason:
        """See `Watchdog.check`."""
        return Reason.PUSHED if view.pushed else _NONE


class NoSegment(Watchdog):
    """No segment says where the arm should be now."""

    def check(self, now: float, view: View) -> Reason:
        """See `Watchdog.check`."""
        return _NONE if view.covered else Reason.NO_SEGMENT


def fault_watchdogs(settings: ControlSettings) -> list[Watchdog]:
    """What demands a reset. The first that fires is the reason."""
    s = settings
    return [
        ForeignCommander(),
        OutsideLimits(),
        Clock(),
        JointStatesLost(s.joint_state_age),
        JointStatesWrong(),
        PushWatchdog(),
        Tracking(s.tracking_ratio, s.tracking_grace),
        *([DenoiserEnded(), DenoiserLost(s.denoiser_timeout)] if s.require_heartbeat else []),
    ]


def hold_watchdogs(settings: ControlSettings) -> list[Watchdog]:
    """What motion has to wait for. The first that fires is the reason."""
    s = settings
    return [
        Pushed(),
        *([DenoiserLate(s.heartbeat_age)] if s.require_heartbeat else []),
        *([ChunkStale(s.chunk_age)] if s.require_chunk else []),
        ObservationStale(s.observation_age),
        SegmentStale(s.segment_age),
        NoSegment(),
    ]


def first_reason(watchdogs: Sequence[Watchdog], now: float, view: View) -> Reason:
    """The reason of the first watchdog that fires. NONE if none does."""
    none = _NONE
    for watchdog in watchdogs:
        reason = watchdog.check(now, view)
        if reason is not none:
            return reason
    return none
