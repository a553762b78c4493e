"""The control core: one call of `step` per tick turns events and clocks into a bounded command."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hume_core.limits import MotionLimits
from hume_system1.control import state_machine
from hume_system1.control.command import ClockReading, Command
from hume_system1.control.control_settings import ControlSettings, GripperSettings, gripper_tuple
from hume_system1.control.intake import Intake
from hume_system1.control.limiter import Limiter, Rows, check_tighter
from hume_system1.control.push import PushWatch
from hume_system1.control.states import Mode, Reason, State
from hume_system1.control.stream import CommandStream
from hume_system1.control.watchdogs import fault_watchdogs, first_reason, hold_watchdogs

# A reset brings the command back to within this part of the tracking limit of the measured position.
_ALIGNED = 0.8
# Asked for in every tick, and a name costs a tenth of what a member of an enumeration does.
_RUNNING, _FAULT, _ESTOP, _NONE = Mode.RUNNING, Mode.FAULT, Mode.ESTOP, Reason.NONE


class ControlCore:
    """Everything between what arrives and what is sent, for all groups of joints together.

    Threads: `inbox.append`, `estop` and `status` from any thread. `step` from the loop thread only.

    Args:
        limits: joints in command order and their limits.
        settings: rates, ages, thresholds.
        grippers: mapping of each gripper, in the order of the robot profile. A single one, or None, will do.

    Attributes:
        inbox: where events are left.
        state: mode and reason after the last tick.
        intake, stream: for tests and reports.
    """

    def __init__(
        self,
        limits: MotionLimits,
        settings: ControlSettings | None = None,
        grippers: Sequence[GripperSettings] | GripperSettings | None = None,
    ) -> None:
        self.limits = limits
        self.settings = settings or ControlSettings()
        grippers = gripper_tuple(grippers)
        self.intake = Intake(limits, self.settings, [gripper.joint for gripper in grippers], self._place)
        self.inbox = self.intake.inbox
        self.stream = CommandStream(limits, self.settings, grippers)
        self.state = state_machine.UNCONFIGURED
        self.long_ticks, self.error = 0, ""
        self._faults = fault_watchdogs(self.settings)
        self._holds = hold_watchdogs(self.settings)
        self._push = PushWatch(limits, self.settings)
        self._command = Command(limits.size, len(grippers))
        self._inputs = state_machine.Inputs()
        self._tighter: MotionLimits | None = None
        self._last, self._follow, self._gaps = math.nan, False, 0
        self._longest_tick = self.settings.longest_tick
        self._min_tick = self.settings.min_tick_ratio * self.settings.period

    @property
    def limiter(self) -> Limiter:
        """Of the joints."""
        return self.stream.limiter

    @property
    def started(self) -> bool:
        """Whether there are commands."""
        return self.stream.started

    def estop(self) -> None:
        """Latch an emergency stop at the next tick. Any thread, never blocks."""
        self.inbox.estop = True

    def tighten(self, limits: MotionLimits) -> None:
        """Narrow the limits while running. Any thread. The arm comes to rest first, then goes on within them.

        Raises:
            ConfigError: the joints differ or a limit would be loosened.
        """
        check_tighter(self._tighter or self.limits, limits)
        self._tighter = limits

    def step(self, now: ClockReading) -> Command:
        """Run one tick.

        Args:
            now: both clocks, read once for this tick.

        Returns:
            The command, in an object that is reused by the next call. A tick that comes too soon after the last
            one makes no new command (`publish` is False).
        """
        command = self._command
        dt = now.steady - self._last if self._last == self._last else self.settings.period
        if dt < self._min_tick:
            command.publish = False
            return command
        self._last = now.steady
        dt = self._after_gap(dt)
        reference: Rows | None = None
        try:
            self._decide(now)
            reference = self._reference(dt)
            if self.error and self.state.reason is not Reason.INTERNAL:
                self.error = ""
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
            self.state = State(Mode.FAULT, Reason.INTERNAL)
            self._follow = False
        self.stream.advance(dt, reference, self.intake.joint_states.position)
        self._fill(command, now, dt)
        return command

    def _after_gap(self, dt: float) -> float:
        """How long the command moves in a tick that came dt s after the last. What was missed is not made up for."""
        settings = self.settings
        if dt <= self._longest_tick or not self.stream.started:
            return dt
        self.long_ticks += 1
        self._follow = False
        self.intake.resume(dt)
        if settings.plays_stop:
            # The controller has played the stop meanwhile. The command brakes for as long and is where the arm is.
            return dt
        if dt > settings.max_tick:
            self.stream.stand()
        return settings.period

    def _decide(self, now: ClockReading) -> None:
        """Take in events, look at the watchdogs, choose the state."""
        intake, inputs = self.intake, self._inputs
        intake.begin_tick(now)
        self._latch(now, inputs)
        self._observe(now, inputs)
        self.state = state_machine.step(self.state, inputs)
        if not self._latched:
            intake.reset.end()

    @property
    def _latched(self) -> bool:
        return self.state.mode is _ESTOP or self.state.mode is _FAULT

    def _latch(self, now: ClockReading, inputs: state_machine.Inputs) -> None:
        """Emergency stop and reset requests."""
        intake = self.intake
        if self._latched and self.started:
            intake.joint_states.count_turns_from(self.stream.positions)
        inputs.estop = intake.take_estop()
        if inputs.estop and self.state.mode is not Mode.ESTOP:
            intake.advance_epoch()
        if intake.reset.take() and self._latched:
            intake.begin_reset(now)
        intake.reset.expire(now.steady)

    def _observe(self, now: ClockReading, inputs: state_machine.Inputs) -> None:
        """What the state machine needs to know."""
        intake, stream = self.intake, self.stream
        joints = intake.joint_states
        away = bool(intake.away)
        if stream.started and not stream.released and (away or self._out_of_sight(now) or self._elsewhere()):
            stream.release()
        if intake.active and not (stream.started or intake.taken or away or self._latched):
            self._start(now)
        ratio = stream.tracking_ratio(joints.position)
        self._watch_push(now, ratio)
        inputs.at_rest = at_rest = stream.at_rest
        inputs.still = at_rest and ratio <= _ALIGNED and joints.slower_than(self.settings.still_velocity)
        inputs.configured = bool(joints.position)
        inputs.active = intake.active and stream.started
        inputs.starting = intake.active and not stream.started
        inputs.enabled = intake.enabled
        inputs.taken, inputs.away = intake.taken, away
        inputs.resetting = intake.reset.pending
        inputs.epoch_changed = intake.epoch_changed
        inputs.fresh_chunk = intake.reset.fresh_chunk
        self._ask_watchdogs(now, inputs, ratio)

    def _out_of_sight(self, now: ClockReading) -> bool:
        """Whether an arm that rests is not measured any more: it may be elsewhere when it is seen again."""
        silent = self.intake.view.without_joint_states(now.steady)
        return self.stream.at_rest and silent > self.settings.joint_state_age

    def _elsewhere(self) -> bool:
        """Whether an arm that rests came into sight elsewhere: it was switched off and on perhaps."""
        # An arm that was in sight all the time is held by the last command, so the next one has to go on from there.
        # One that was not may be held where it stands. What the loop itself was held up counts here too.
        if self.intake.joint_states.gaps == self._gaps:
            return False
        near, at_rest = self.stream.tracking_ratio(self.intake.joint_states.position) <= _ALIGNED, self.stream.at_rest
        if near or at_rest:
            self._gaps = self.intake.joint_states.gaps
        return at_rest and not near

    def _place(self) -> Sequence[float]:
        """Where the command is, (n,) rad, or the arm while the command is not ours."""
        ours = self.stream.started and not self.stream.released
        return self.stream.positions if ours else self.intake.joint_states.position

    def _watch_push(self, now: ClockReading, ratio: float) -> None:
        """Where the arm is says nothing while another controller has it, or while it stays stopped."""
        command, joints = self.stream.positions, self.intake.joint_states
        if self._latched or not self.stream.started or self.stream.released:
            self._push.forget(command, joints.arm)
        else:
            self._push.update(now.steady, ratio, command, joints.position, joints.arm)

    def _ask_watchdogs(self, now: ClockReading, inputs: state_machine.Inputs, ratio: float) -> None:
        intake, started = self.intake, self.stream.started
        view = intake.look(
            self._push,
            started=started,
            outside_limits=inputs.starting and self._outside_limits(),
            tracking_ratio=0.0 if inputs.resetting else ratio,
        )
        inputs.fault = fault = first_reason(self._faults, now.steady, view) if intake.active else _NONE
        if fault is not _NONE and self.state.reason is not fault:
            intake.note_fault(fault, now.steady)
        inputs.hold = first_reason(self._holds, now.steady, view)
        if self._tighter is not None and self._wait_to_tighten(self._tighter, inputs.at_rest):
            inputs.hold = Reason.NEW_LIMITS

    def _wait_to_tighten(self, limits: MotionLimits, at_rest: bool) -> bool:
        if not at_rest:
            return True
        self._tighter = None
        self.limits = limits
        self.limiter.tighten(limits)
        self._push = PushWatch(limits, self.settings)
        self._push.forget(self.stream.positions, self.intake.joint_states.arm)
        return False

    def _outside_limits(self) -> bool:
        position = self.intake.joint_states.position
        if not position:
            return False
        margin = self.settings.start_margin
        measured = np.array(position)
        return bool((measured < self.limits.lower - margin).any() or (measured > self.limits.upper + margin).any())

    def _start(self, now: ClockReading) -> None:
        """Begin the stream at the measured position."""
        joints = self.intake.joint_states
        if not joints.slower_than(self.settings.still_velocity):
            return
        if now.steady - joints.received > self.settings.joint_state_age or self._outside_limits():
            return
        # One state may be false: of a second publisher, or of a driver that has just begun.
        if joints.agreeing < self.settings.start_states or not self.intake.plausibility.calm:
            return
        self.stream.start(joints.position, joints.grippers)
        self.intake.restart_clock(now)

    def _reference(self, dt: float) -> Rows | None:
        """What to follow in this tick, (4, n). None to brake."""
        started = self.stream.started
        if not started or dt > self._longest_tick:
            self._follow = False
            return None
        timeline, time, rate = self.intake.timeline, self.intake.clock.time, self.intake.clock.rate
        if self.state.mode is _RUNNING:
            if not self._follow:
                # The motion to follow begins in the state the command was in at the end of the last tick.
                timeline.anchor(time - dt * rate, self.stream.state(), rate)
                self._follow = True
            return timeline.sample(time, rate)
        self._follow = False
        if self._inputs.resetting and self._inputs.enabled and self._misaligned():
            return self._to_the_arm()
        # An arm that was disabled, or that another controller has, must not be moved by us.
        free = self._inputs.active and self._inputs.enabled and not self._inputs.taken
        if self._push.pushed and not self._latched and free:
            return self._push.reference(self.stream.positions, self.intake.joint_states.position)
        return None

    def _misaligned(self) -> bool:
        """Whether a reset has to bring the command back to where the arm is measured."""
        ratio = self.stream.tracking_ratio(self.intake.joint_states.position)
        return self._inputs.fault is Reason.NONE and ratio > _ALIGNED

    def _to_the_arm(self) -> Rows:
        return [self.intake.joint_states.position, *[[0.0] * self.limits.size] * 3]

    def _fill(self, command: Command, now: ClockReading, dt: float) -> None:
        """Write the command and end streams that are over."""
        intake, reason = self.intake, self.state.reason
        command.mode, command.reason = self.state.mode, reason
        command.time = now.steady
        grippers = intake.timeline.grippers(intake.clock.time) if self._follow else None
        self.stream.fill(command, min(dt, self._longest_tick), grippers, self.state.mode is _RUNNING)
        intake.joint_states.as_reported(command.position)
        handed_over = intake.taken and reason is Reason.TAKEOVER
        taken = intake.taken or bool(intake.away)
        self.stream.end_at_rest(active=intake.active, taken=taken, handed_over=handed_over)
