"""The control core: one call of `step` per tick turns events and clocks into a bounded command."""

from __future__ import annotations

import math

import numpy as np

from hume_core.limits import MotionLimits
from hume_system1.control import state_machine
from hume_system1.control.command import ClockReading, Command, CoreStatus
from hume_system1.control.gripper import Gripper
from hume_system1.control.intake import Intake
from hume_system1.control.limiter import Limiter, check_tighter
from hume_system1.control.report import core_status
from hume_system1.control.settings import ControlSettings, GripperSettings
from hume_system1.control.sinks import TrajectoryPoint
from hume_system1.control.states import Mode, Reason, State

# A reset brings the command back to within this part of the tracking limit of the measured position.
_ALIGNED = 0.8


class ControlCore:
    """Everything between what arrives and what is sent, for one arm.

    Threads: `inbox.append`, `estop` and `status` from any thread; `step` and `stop_point` from the loop thread only.

    Args:
        limits: joints in command order and their limits.
        settings: rates, ages, thresholds.
        gripper: mapping of the gripper, None without one.

    Attributes:
        inbox: where events are left.
        state: mode and reason after the last tick.
        intake, limiter: for tests and reports.
    """

    def __init__(
        self,
        limits: MotionLimits,
        settings: ControlSettings | None = None,
        gripper: GripperSettings | None = None,
    ) -> None:
        self.limits = limits
        self.settings = settings or ControlSettings()
        self.intake = Intake(limits, self.settings, gripper.joint if gripper else "")
        self.inbox = self.intake.inbox
        self.limiter = Limiter(limits, self.settings.bandwidth)
        self.state = state_machine.UNCONFIGURED
        self.released = False
        self.started = False
        self.long_ticks = 0
        self.error = ""
        self._gripper = Gripper(gripper) if gripper else None
        self._command = Command(limits.size)
        self._inputs = state_machine.Inputs()
        self._tighter: MotionLimits | None = None
        self._last = math.nan
        self._reset_until = -math.inf
        self._follow = False
        self._min_tick = self.settings.min_tick_ratio * self.settings.period

    def estop(self) -> None:
        """Latch an emergency stop at the next tick; any thread, never blocks."""
        self.inbox.estop = True

    def tighten(self, limits: MotionLimits) -> None:
        """Narrow the limits while running; any thread. The arm comes to rest first, then goes on within them.

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
        reference: list[list[float]] | None = None
        try:
            self._decide(now)
            reference = self._reference(dt)
            if self.error and self.state.reason is not Reason.INTERNAL:
                self.error = ""
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
            self.state = State(Mode.FAULT, Reason.INTERNAL)
            self._follow = False
        self._move(dt, reference)
        self._fill(command, now, dt)
        return command

    def stop_point(self) -> TrajectoryPoint:
        """Where and when the arm comes to rest if it brakes from the last command on, all joints together."""
        joints = self.limiter.joints
        duration = max(joint.stop_time() for joint in joints)
        return TrajectoryPoint([joint.stop_position() for joint in joints], [0.0] * len(joints), duration)

    def status(self, now: ClockReading) -> CoreStatus:
        """A snapshot; any thread (one at a time: limiter activity counts from the last call)."""
        return core_status(self, now)

    def tracking_ratio(self) -> float:
        """Largest |command - measured| as a multiple of its limit; 0 while the stream is not ours."""
        measured = self.intake.joint_states.position
        if not self.started or self.released or not measured:
            return 0.0
        return self.limiter.tracking_ratio(measured)

    def _decide(self, now: ClockReading) -> None:
        """Take in events, look at the watchdogs, choose the state."""
        intake, inputs = self.intake, self._inputs
        intake.clock.update(now.steady, now.ros)
        intake.epoch_changed = False
        intake.drain(now)
        self._latch(now, inputs)
        self._observe(now, inputs)
        self.state = state_machine.step(self.state, inputs)
        if not self._latched:
            intake.resetting = False

    @property
    def _latched(self) -> bool:
        return self.state.mode is Mode.ESTOP or self.state.mode is Mode.FAULT

    def _latch(self, now: ClockReading, inputs: state_machine.Inputs) -> None:
        """Emergency stop and reset requests."""
        intake = self.intake
        inputs.estop = self.inbox.estop
        if inputs.estop:
            self.inbox.estop = False
            intake.resetting = intake.reset_asked = False
            if self.state.mode is not Mode.ESTOP:
                intake.advance_epoch()
        if intake.reset_asked:
            intake.reset_asked = False
            if self._latched:
                intake.resetting = True
                intake.advance_epoch()
                intake.fresh_chunk = False
                intake.joint_states.forget_stamp()
                intake.clock.restart()
                intake.clock.update(now.steady, now.ros)
                self._reset_until = now.steady + self.settings.reset_timeout
        if now.steady > self._reset_until:
            intake.resetting = False

    def _observe(self, now: ClockReading, inputs: state_machine.Inputs) -> None:
        """What the state machine needs to know."""
        intake = self.intake
        joints = intake.joint_states
        measured_still = joints.slower_than(self.settings.still_velocity)
        if intake.active and not (self.started or intake.taken or self._latched) and measured_still:
            self._start(now)
        ratio = self.tracking_ratio()
        inputs.at_rest = at_rest = not self.started or self.limiter.at_rest
        inputs.still = at_rest and measured_still and ratio <= _ALIGNED
        inputs.configured = bool(joints.position)
        inputs.active = intake.active and self.started
        inputs.starting = intake.active and not self.started
        inputs.enabled = intake.enabled
        inputs.taken = intake.taken
        inputs.resetting = intake.resetting
        inputs.epoch_changed = intake.epoch_changed
        inputs.fresh_chunk = intake.fresh_chunk
        inputs.hold = intake.watchdogs.hold(now.steady, intake.timeline.covers(intake.clock.time))
        if self._tighter is not None and self._wait_to_tighten(self._tighter, at_rest):
            inputs.hold = Reason.NEW_LIMITS
        inputs.fault = self._fault(now, 0.0 if intake.resetting else ratio)

    def _wait_to_tighten(self, limits: MotionLimits, at_rest: bool) -> bool:
        if not at_rest:
            return True
        self._tighter = None
        self.limits = limits
        self.limiter.tighten(limits)
        return False

    def _fault(self, now: ClockReading, ratio: float) -> Reason:
        intake = self.intake
        if not intake.active:
            return Reason.NONE
        if not self.started and self._outside_limits():
            return Reason.LIMITS
        if self.started and intake.clock.fault is not Reason.NONE:
            return intake.clock.fault
        return intake.watchdogs.fault(now.steady, intake.joint_states.received, ratio)

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
        if now.steady - joints.received > self.settings.joint_state_age or self._outside_limits():
            return
        self.limiter.start(joints.position)
        if self._gripper is not None:
            self._gripper.start(joints.gripper)
        self.intake.clock.restart()
        self.intake.clock.update(now.steady, now.ros)
        self.started = True
        self.released = False

    def _anchor(self, before: float) -> None:
        """Make the motion to follow begin in the state the command was in `before` s ago."""
        joints = self.limiter.joints
        state = np.array(([x.p for x in joints], [x.v for x in joints], [x.a for x in joints]))
        self.intake.timeline.anchor(self.intake.clock.time - before, state)

    def _reference(self, dt: float) -> list[list[float]] | None:
        """What to follow in this tick, (4, n); None to brake."""
        if not self.started or dt > self.settings.max_tick:
            self.long_ticks += self.started
            self._follow = False
            return None
        if self.state.mode is Mode.RUNNING:
            if not self._follow:
                self._anchor(dt)
                self._follow = True
            return self.intake.timeline.sample(self.intake.clock.time)
        self._follow = False
        if self._inputs.resetting and self._inputs.enabled and self._misaligned():
            zeros = [0.0] * self.limits.size
            return [self.intake.joint_states.position, zeros, zeros, zeros]
        return None

    def _misaligned(self) -> bool:
        """Whether a reset has to bring the command back to where the arm is measured."""
        return self._inputs.fault is Reason.NONE and self.tracking_ratio() > _ALIGNED

    def _move(self, dt: float, reference: list[list[float]] | None) -> None:
        if not self.started:
            return
        if reference is None:
            self.limiter.brake(dt)
        else:
            self.limiter.follow(dt, reference, self.intake.joint_states.position)

    def _fill(self, command: Command, now: ClockReading, dt: float) -> None:
        """Write the command and end streams that are over."""
        intake = self.intake
        joints = self.limiter.joints
        command.mode, command.reason = self.state.mode, self.state.reason
        command.time = now.steady
        command.publish = self.started and not self.released
        command.position[:] = [joint.p for joint in joints]
        command.velocity[:] = [joint.v for joint in joints]
        command.acceleration[:] = [joint.a for joint in joints]
        if self._gripper is not None:
            value = intake.timeline.gripper(intake.clock.time) if self._follow else None
            command.gripper = self._gripper.step(value, dt)
        if self.started and self.limiter.at_rest:
            if not intake.active:
                self.started = False
            elif intake.taken and self.state.reason is Reason.TAKEOVER:
                self.released = True
            elif self.released and not intake.taken:
                self.started = False
