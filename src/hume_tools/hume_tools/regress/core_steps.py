"""The control core in a replay."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hume_core.robot import RobotProfile
from hume_system1 import inputs
from hume_system1.control.command import ClockReading, Command
from hume_system1.control.core import ControlCore
from hume_system1.control.events import ActivateEvent, EpochEvent, EStopEvent, Event, ResetEvent
from hume_system1.control.settings import ControlSettings
from hume_system1.control.states import Mode
from hume_system1.live_limits import scaled
from hume_system1.settings import control_settings, gripper_settings
from hume_tools.regress.journal import Journal
from hume_tools.regress.schedule import NS, Schedule

UNBOUNDED = 1e3
"""Bound on |command - measured| in a replay, rad: the recorded arm does not follow these commands."""

_RESET_AFTER = NS
_BEHIND = NS // 2
"""How far the core may be stepped behind; less than `_RESET_AFTER`."""
_STOPPED = (Mode.FAULT, Mode.ESTOP)


class CoreSteps:
    """Ticks the control core at the rate of the stream.

    The core is told everything at its time, but it is stepped later, so that segments can be computed ahead of it.
    Nothing depends on when: only an epoch that the core itself begins acts on the rest, and that takes an emergency
    stop, or a reset a second after a fault.

    |command - measured| is not bounded here, only noted: the recorded arm does not follow these commands, so the
    bound would bend or stop a stream that is right. A fault or emergency stop is reset after a second, so that one
    does not hide the rest of the session.

    Args:
        profile: robot.
        settings: of the core; rate and action space come from the profile.
        limit_scales: kind of limit -> share of the profile's.
        schedule: time.
        journal: notes.
    """

    def __init__(
        self,
        profile: RobotProfile,
        settings: ControlSettings,
        limit_scales: Mapping[str, float],
        schedule: Schedule,
        journal: Journal,
    ) -> None:
        limits = scaled(profile.motion_limits(), limit_scales)
        unbounded = replace(limits, tracking=np.full(limits.size, UNBOUNDED))
        self._core = ControlCore(unbounded, control_settings(profile, settings), gripper_settings(profile))
        self._bounds = limits.tracking
        self._period = round(NS / profile.rates.stream)
        self._schedule, self._journal = schedule, journal
        self._waiting: deque[tuple[int, Callable[[], Event | None]]] = deque()
        self._tick = 0
        self._in_step = False
        self._limited = list(self._core.limiter.limited)
        self._mode = Mode.UNCONFIGURED
        self._stopped_at: int | None = None

    def begin(self) -> None:
        """Activate and begin to tick."""
        self._tick = self._schedule.now + self._period
        self.append(ActivateEvent())

    def later(self, make: Callable[[], Event | None]) -> None:
        """Leave what gives an event of now, asked for once the core comes to it."""
        self._waiting.append((self._schedule.now, make))

    def append(self, event: Event) -> None:
        """Leave an event in the core's inbox."""
        self.later(lambda: event)

    def offer(self, message: Any) -> None:
        """A chunk."""
        self.append(replace(inputs.chunk_event(message), received=self._schedule.steady))

    def receive(self, message: Any) -> None:
        """A joint state."""
        self.append(replace(inputs.joint_state_event(message), received=self._schedule.steady))

    def begin_epoch(self, epoch: int) -> None:
        """Somebody else began an epoch."""
        self.append(EpochEvent(epoch))

    def estop(self) -> None:
        """Emergency stop."""
        self._in_step = True
        self.append(EStopEvent())

    def epoch(self) -> int:
        """In force in the core now, as far as it may have begun one itself."""
        if self._in_step:
            self.catch_up(self._schedule.now)
            self._in_step = self._core.state.mode in _STOPPED
        else:
            self.catch_up(self._schedule.now - _BEHIND)
            self._in_step = self._core.state.mode in _STOPPED
            if self._in_step:
                self.catch_up(self._schedule.now)
        return self._core.intake.epoch

    @property
    def state(self) -> str:
        """Mode and reason."""
        return str(self._core.state) + (f" ({self._core.error})" if self._core.error else "")

    def note_rejections(self) -> None:
        """Write down what the core did not let in."""
        for name, count in sorted(self._core.intake.rejected.items()):
            self._journal.event(self._schedule.elapsed, "rejected", f"{name} ({count})")

    def catch_up(self, time: int) -> None:
        """Tick until `time`, ns."""
        while self._tick < time:
            while self._waiting and self._waiting[0][0] <= self._tick:
                event = self._waiting.popleft()[1]()
                if event is not None:
                    self._core.inbox.append(event)
            self._step(self._tick)
            self._tick += self._period

    def _step(self, now: int) -> None:
        elapsed = now - self._schedule.start
        self._reset_when_stopped(now)
        command = self._core.step(ClockReading(elapsed / NS, now * 1e-9))
        self._journal.command(elapsed, command, self._limited_joints(), self._tracking(command))
        if command.mode is not self._mode:
            self._mode = command.mode
            self._journal.event(elapsed, "mode", self.state)

    def _reset_when_stopped(self, now: int) -> None:
        if self._core.state.mode not in _STOPPED:
            self._stopped_at = None
        elif self._stopped_at is None:
            self._stopped_at = now
        elif now - self._stopped_at >= _RESET_AFTER:
            self._stopped_at = now
            self._journal.event(now - self._schedule.start, "reset", f"asked for, out of {self._core.state}")
            self._core.inbox.append(ResetEvent())

    def _limited_joints(self) -> int:
        """One bit per joint whose reference could not be followed in the last tick."""
        counts = list(self._core.limiter.limited)
        bits = sum(1 << i for i, (new, old) in enumerate(zip(counts, self._limited, strict=True)) if new != old)
        self._limited = counts
        return bits

    def _tracking(self, command: Command) -> float:
        measured = self._core.intake.joint_states.position
        if not measured or not command.publish:
            return 0.0
        return float((np.abs(command.position - measured) / self._bounds).max())
