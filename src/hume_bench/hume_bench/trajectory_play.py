"""The control core, a model of `joint_trajectory_controller` and servos with lag, in simulated time.

Everything that disturbs a real stream is in it: ticks that come late, messages on their way, two clocks that are not
read at one instant, and a controller that is not quite punctual.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from hume_core.chunk import Segment
from hume_core.robot import RobotProfile
from hume_sim.trajectory import JointTrajectory
from hume_sim.trajectory_controller import JointTrajectoryController
from hume_system1.control.command import ClockReading, Command
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.core import ControlCore
from hume_system1.control.events import ActivateEvent, EStopEvent, JointStateEvent, SegmentEvent
from hume_system1.control.stamp_clock import StampClock
from hume_system1.control.stream_check import stream_ratios
from hume_system1.control.trajectory_stream import TrajectoryStream
from hume_system1.robot_settings import control_settings

Array = NDArray[np.float64]

_ROS_AHEAD = 1_700_000_000_000_000_000  # ns. ROS time minus steady time
_SEGMENT_PERIOD = 0.02  # s
_ROW = 0.05  # s
_ROWS = 12
_LATE = 0.01  # part of the ticks that come late by up to 0.9 periods
_CLOCK_NOISE = 20e-6  # s, between two readings that belong together
_TRANSPORT = (1e-4, 8e-4)  # s


class StopCause(str, Enum):
    """How the motion of a trial ends."""

    STREAMS = "streams"
    STOPS = "stops"
    DIES = "dies"


class Form(str, Enum):
    """What a message holds."""

    TIMED = "timed"
    """The points of `TrajectoryStream`, with a stamp."""
    SINGLE = "single"
    """The command, due two periods after it came, then the standstill: what a stream without stamps can say."""


@dataclass(frozen=True)
class Setup:
    """The controller and the arm behind it.

    Attributes:
        update_rate: of the controller, Hz.
        from_desired_state: its parameter `interpolate_from_desired_state`.
        servo_lag: time constant of the servos, s.
        form: of the messages.
    """

    update_rate: float
    from_desired_state: bool
    servo_lag: float
    form: Form = Form.TIMED


@dataclass(frozen=True)
class Played:
    """What the controller made of it.

    Attributes:
        velocity, acceleration: largest of the controller's commands, as a part of the joint's limit.
        outside: how far a command lay outside the position limits, rad.
        delay: of the controller's commands behind those of the core, s. NaN where the motion does not go on.
        moved: distance that the commands went, rad, all joints. A trial that stood still tells nothing.
        faulted: why the core stopped, or empty.
    """

    velocity: float
    acceleration: float
    outside: float
    delay: float
    moved: float
    faulted: str


class _Trial:
    def __init__(self, profile: RobotProfile, setup: Setup, ending: StopCause, seed: int) -> None:
        self.profile, self.setup, self.ending = profile, setup, ending
        self.random = np.random.default_rng(seed)
        settings = control_settings(profile, ControlSettings(require_chunk=False, require_heartbeat=False))
        self.limits = profile.motion_limits()
        self.core = ControlCore(self.limits, settings)
        self.period = settings.period
        self.stream = TrajectoryStream(self.limits.size, profile.trajectory_lead, self.period, settings.longest_tick)
        self.clock = StampClock()
        self.jtc = JointTrajectoryController(1.0 / setup.update_rate, setup.from_desired_state)
        self.position = _centre(profile)
        self.velocity = np.zeros(self.limits.size)
        self.messages: list[tuple[float, JointTrajectory, float | None]] = []
        self.commanded: list[tuple[float, Array]] = []
        self.output: list[tuple[float, Array]] = []
        self.sequence = 0
        self.next_segment = 0.3
        # A sine that comes near the limits of velocity and acceleration, as far as there is room.
        room = 0.8 * np.minimum(self.limits.upper - self.position, self.position - self.limits.lower)
        frequency = 0.8 * self.limits.acceleration / self.limits.velocity
        self.amplitude = np.minimum(0.8 * self.limits.velocity / frequency, room)
        self.frequency = np.minimum(frequency, np.sqrt(0.8 * self.limits.acceleration / self.amplitude))
        # The command may lead the arm by the tracking bound only.
        lag = setup.servo_lag + 2.0 * profile.trajectory_lead
        speed = self.amplitude * self.frequency * lag / (0.5 * self.limits.tracking)
        self.frequency = self.frequency / np.maximum(speed, 1.0)
        self.phase = self.random.uniform(0.0, 2.0 * np.pi, self.limits.size)

    def run(self, seconds: float, end: float) -> None:
        tick, update, begun = 0.0, 0.0137, False
        deadline = 0.0
        while True:
            if tick <= update:
                if tick > seconds:
                    return
                if not (self.ending is StopCause.DIES and tick >= end):
                    self._tick(
                        tick, begin=not begun and tick > 0.1, stop=self.ending is StopCause.STOPS and tick >= end
                    )
                    begun = begun or tick > 0.1
                deadline += self.period
                late = self.random.uniform(0.0, 0.9) * self.period if self.random.random() < _LATE else 0.0
                tick = max(deadline + late + abs(self.random.normal(0.0, 5e-5)), tick + 0.3 * self.period)
            else:
                self._update(update)
                update += (1.0 + self.random.normal(0.0, 0.002)) / self.setup.update_rate

    def _tick(self, now: float, begin: bool, stop: bool) -> None:
        inbox, limits = self.core.inbox, self.limits
        inbox.append(JointStateEvent(limits.names, tuple(self.position), tuple(self.velocity), now, now))
        if begin:
            inbox.append(ActivateEvent())
        if stop:
            inbox.append(EStopEvent())
        if now >= self.next_segment:
            inbox.append(self._segment(now))
            self.next_segment += _SEGMENT_PERIOD
        command = self.core.step(ClockReading(now, now))
        read = round((now + abs(self.random.normal(0.0, _CLOCK_NOISE))) * 1e9)
        self.clock.update(round(now * 1e9), read + _ROS_AHEAD)
        self.commanded.append((now, command.position.copy()))
        if command.publish:
            self._publish(now, command)

    def _publish(self, now: float, command: Command) -> None:
        arrival = now + self.random.uniform(*_TRANSPORT)
        joints = self.core.limiter.joints
        if self.setup.form is Form.SINGLE:
            stop_time = max(joint.stop_time() for joint in joints)
            stop = [np.array([joint.stop_position() for joint in joints])] if stop_time > 0.0 else []
            points = np.stack([command.position, *stop])
            times = 2.0 * self.period + np.array([0.0, stop_time])[: len(points)]
            velocities = np.stack([command.velocity, np.zeros_like(command.velocity)])[: len(points)]
            if not stop:
                velocities = np.zeros_like(points)
            self.messages.append((arrival, JointTrajectory(times, points, velocities), None))
            return
        stream = self.stream
        stream.add(now, command.starts, joints)
        times = stream.times - stream.times[0]
        states = stream.positions.copy(), stream.velocities.copy(), stream.accelerations.copy()
        stamp = 1e-9 * (self.clock.at(round(stream.times[0] * 1e9)) - _ROS_AHEAD)
        self.messages.append((arrival, JointTrajectory(times, *states), stamp))

    def _segment(self, now: float) -> SegmentEvent:
        """A piece of the sine, a little beside the one before: every segment is spliced."""
        times = now - 0.03 + _ROW * np.arange(_ROWS)
        beside = self.random.normal(0.0, 0.02, self.limits.size) * self.amplitude
        rows = _centre(self.profile) + beside + self.amplitude * np.sin(times[:, None] * self.frequency + self.phase)
        self.sequence += 1
        segment = Segment(
            stamp=now - 0.03, dt=_ROW, epoch=self.core.intake.epoch, chunk_seq=0, seq=self.sequence,
            names=self.limits.names, positions=rows, grippers=np.zeros((_ROWS, 0)), observation_stamp=now - 0.03,
        )  # fmt: skip
        return SegmentEvent(segment, now)

    def _update(self, now: float) -> None:
        while self.messages and self.messages[0][0] <= now:
            _, trajectory, stamp = self.messages.pop(0)
            self.jtc.accept(trajectory, stamp, now)
        command = self.jtc.update(now, self.position, self.velocity).position
        self.output.append((now, command))
        period, lag = 1.0 / self.setup.update_rate, self.setup.servo_lag
        share = 1.0 if lag == 0.0 else -np.expm1(-period / lag)
        moved = share * (command - self.position)
        self.position, self.velocity = self.position + moved, moved / period


def play(
    profile: RobotProfile, setup: Setup, ending: StopCause, seed: int = 0, seconds: float = 4.0, end: float = 2.5
) -> Played:
    """Stream, splice, and end in one way, and look at what the controller commands.

    Args:
        profile: robot with a joint_trajectory_controller.
        setup: controller and arm.
        ending: how the motion ends.
        seed: of the noise and of the motion.
        seconds: length, s.
        end: when it ends, s.
    """
    trial = _Trial(profile, setup, ending, seed)
    trial.run(seconds, end)
    times, positions = np.array([t for t, _ in trial.output]), np.array([p for _, p in trial.output])
    ratios = stream_ratios(times, positions, trial.limits)
    state = trial.core.state
    return Played(
        velocity=ratios.velocity,
        acceleration=ratios.acceleration,
        outside=ratios.outside,
        delay=_delay(trial) if ending is StopCause.STREAMS else float("nan"),
        moved=float(np.abs(np.diff(positions, axis=0)).sum()),
        faulted=str(state) if state.mode.value == "fault" else "",
    )


def _centre(profile: RobotProfile) -> Array:
    """Home, moved to where there is room."""
    limits = profile.motion_limits()
    room = 0.2 * (limits.upper - limits.lower)
    centre: Array = np.clip(np.array(profile.home), limits.lower + room, limits.upper - room)
    return centre


def _delay(trial: _Trial) -> float:
    """By how much the controller's commands are the core's, later: the best of many shifts, s."""
    since = 1.0
    times = np.array([t for t, _ in trial.output])
    output = np.array([p for _, p in trial.output])[times > since]
    times = times[times > since]
    ticks, commands = np.array([t for t, _ in trial.commanded]), np.array([p for _, p in trial.commanded])
    shifts = np.arange(0.0, 0.2, 0.001)
    errors = [
        sum(
            float(np.abs(np.interp(times - s, ticks, commands[:, j]) - output[:, j]).sum())
            for j in range(output.shape[1])
        )
        for s in shifts
    ]
    return float(shifts[int(np.argmin(errors))])
