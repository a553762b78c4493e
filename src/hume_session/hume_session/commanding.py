"""The command process in a session: `ControlCore` at the rate of the stream."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np

from hume_core.chunk import Chunk
from hume_core.limits import scaled
from hume_core.robot import RobotProfile
from hume_session.listener import Listener
from hume_session.schedule import NS, Schedule, Waits, done
from hume_system1 import inputs
from hume_system1.control.command import ClockReading, Command
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.core import ControlCore
from hume_system1.control.events import (
    ActivateEvent,
    ChunkEvent,
    EpochEvent,
    EStopEvent,
    Event,
    HeartbeatEvent,
    ResetEvent,
)
from hume_system1.control.report import described
from hume_system1.control.states import Mode
from hume_system1.robot_settings import control_settings, gripper_settings

UNBOUNDED = 1e3
"""Bound on |command - measured| where the measured arm does not follow these commands, rad."""

_RESET_AFTER = NS
_BEHIND = NS // 2
"""How far the core may be stepped behind. Less than `_RESET_AFTER`."""
_STOPPED = (Mode.FAULT, Mode.ESTOP)


class CommandStage:
    """Ticks the control core.

    The core gets everything at its time, but it may be stepped later, so that segments can be computed ahead of it.
    When it is stepped changes nothing. Only an epoch that the core itself begins acts on the rest. For that an
    emergency stop is needed, or a reset a second after a fault.

    Args:
        profile: robot.
        settings: of the core. Rate and action space come from the profile.
        limit_scales: kind of limit -> share of the profile's.
        follows: whether the measured arm follows these commands. It does not in a replay. Then |command - measured|
            is not bounded, since the bound would bend a stream that is right. A fault is then reset after a second,
            so that one does not hide the rest.
        schedule: time.
        listener: called for every tick.
    """

    def __init__(
        self,
        profile: RobotProfile,
        settings: ControlSettings,
        limit_scales: Mapping[str, float],
        follows: bool,
        schedule: Schedule,
        listener: Listener,
    ) -> None:
        limits = scaled(profile.motion_limits(), limit_scales)
        if not follows:
            limits = replace(limits, tracking=np.full(limits.size, UNBOUNDED))
        # A session has one source of joint states, which no second one can contradict.
        settings = replace(settings, start_states=1)
        self.core = ControlCore(limits, control_settings(profile, settings), gripper_settings(profile))
        self._follows = follows
        self._period = round(NS / profile.rates.stream)
        self._schedule, self._listener = schedule, listener
        self._waiting: deque[tuple[int, Future[Any] | None, Callable[[], Event | None]]] = deque()
        self._tick = 0
        self._newest_chunk = 0
        self._in_step = False
        self._mode = Mode.UNCONFIGURED
        self._stopped_at: int | None = None
        self.command = Command(limits.size)

    def fork(self, listener: Listener) -> CommandStage:
        """A copy that is stepped by itself from here on, on a schedule of its own. All that was due must have been
        done.

        Events that the core has not reached yet are copied too. Segments do not: their denoiser stays behind.
        """
        schedule = Schedule()
        schedule.start, schedule.now = self._schedule.start, self._schedule.now
        twin = copy.copy(self)
        twin.core = copy.deepcopy(self.core)
        twin.command = copy.deepcopy(self.command)
        twin._schedule, twin._listener = schedule, listener
        twin._waiting = deque(entry for entry in self._waiting if entry[1] is None)
        return twin

    @property
    def next_tick(self) -> int:
        """When the core is stepped next, ns."""
        return self._tick

    @property
    def schedule(self) -> Schedule:
        """Time."""
        return self._schedule

    def begin(self) -> None:
        """Activate and begin to tick."""
        self._tick = self._schedule.now + self._period
        self.append(ActivateEvent())

    def later(self, future: Future[Any] | None, make: Callable[[], Event | None]) -> None:
        """Queue a function that makes an event of now. It is called once the core is here and the future is done."""
        self._waiting.append((self._schedule.now, future, make))

    def append(self, event: Event) -> None:
        """Put an event into the core's inbox."""
        self.later(None, lambda: event)

    def offer(self, chunk: Chunk) -> None:
        """A chunk."""
        self._newest_chunk = max(self._newest_chunk, chunk.seq)
        self.append(ChunkEvent(chunk, self._schedule.steady))

    def receive(self, message: Any) -> None:
        """A joint state."""
        self.append(replace(inputs.joint_state_event(message), received=self._schedule.steady))

    def beat(self) -> None:
        """The denoiser is alive."""
        self.append(HeartbeatEvent(received=self._schedule.steady))

    def begin_epoch(self, epoch: int) -> None:
        """Somebody else began an epoch."""
        self.append(EpochEvent(epoch))

    def estop(self) -> None:
        """Emergency stop."""
        self._in_step = True
        self.append(EStopEvent())

    def epoch(self) -> Generator[Future[Any], None, int]:
        """In force in the core now, as far as it may have begun one itself."""
        if not self._in_step:
            yield from self.advance(self._schedule.now - _BEHIND)
            self._in_step = self.core.state.mode in _STOPPED
        if self._in_step:
            yield from self.advance(self._schedule.now)
            self._in_step = self.core.state.mode in _STOPPED
        return self.core.intake.epoch

    def newest_numbers(self) -> tuple[int, int]:
        """Highest sequence numbers of the chunks that came and the segments that were let in. 0 before the first."""
        return self._newest_chunk, max(self.core.intake.segments.seq, 0)

    @property
    def state(self) -> str:
        """Mode and reason."""
        return described(self.core)

    def advance(self, time: int) -> Waits:
        """Run the ticks before `time`, ns."""
        while self._tick < time:
            while self._waiting and self._waiting[0][0] <= self._tick:
                _, future, make = self._waiting.popleft()
                if future is not None:
                    yield from done(future)
                event = make()
                if event is not None:
                    self.core.inbox.append(event)
            self._step(self._tick)
            self._tick += self._period

    def _step(self, now: int) -> None:
        elapsed = now - self._schedule.start
        if not self._follows:
            self._reset_when_stopped(now)
        self.command = self.core.step(ClockReading(elapsed / NS, now * 1e-9))
        self._listener.command(elapsed, self.command, self.core)
        if self.command.mode is not self._mode:
            self._mode = self.command.mode
            self._listener.event(elapsed, "mode", self.state)

    def _reset_when_stopped(self, now: int) -> None:
        if self.core.state.mode not in _STOPPED:
            self._stopped_at = None
        elif self._stopped_at is None:
            self._stopped_at = now
        elif now - self._stopped_at >= _RESET_AFTER:
            self._stopped_at = now
            self._listener.event(now - self._schedule.start, "reset", f"asked for, out of {self.core.state}")
            self.core.inbox.append(ResetEvent())
