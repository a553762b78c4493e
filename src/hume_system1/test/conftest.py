"""A control core with a clock and a simulated arm, for the tests of `hume_system1.control`."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from hume_core.chunk import Chunk, Segment
from hume_core.limits import UNLIMITED, MotionLimits
from hume_system1.control.command import ClockReading, Command
from hume_system1.control.control_settings import ControlSettings, GripperSettings
from hume_system1.control.core import ControlCore
from hume_system1.control.events import (
    ActivateEvent,
    ChunkEvent,
    Event,
    HeartbeatEvent,
    JointStateEvent,
    SegmentEvent,
)
from hume_system1.control.states import Mode
from hume_system1.control.stream_check import stream_ratios

settings.register_profile(
    "default",
    derandomize=True,
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
settings.register_profile("long", settings.get_profile("default"), derandomize=False, max_examples=3000)
settings.load_profile(os.environ.get("HUME_HYPOTHESIS_PROFILE", "default"))


_DT = 0.005  # s, period of the core
_GIVE = 0.08  # s
_NOISE = 2e-4  # rad


def make_limits(joints: int = 3, continuous: Sequence[int] = ()) -> MotionLimits:
    """Limits that differ from joint to joint."""
    scale = 1.0 + 0.5 * np.arange(joints)
    endless = np.isin(np.arange(joints), continuous)
    return MotionLimits(
        names=tuple(f"joint_{i}" for i in range(joints)),
        lower=np.where(endless, -UNLIMITED, -1.5),
        upper=np.where(endless, UNLIMITED, 1.2 * scale),
        velocity=1.5 * scale,
        acceleration=8.0 * scale,
        jerk=100.0 * scale,
        tracking=0.3 * np.ones(joints),
        continuous=endless,
    )


class Rig:
    """Drives a core tick by tick and records every unbroken stream it publishes.

    The arm follows commands at once unless `arm` says otherwise. While `sensors` is False no joint state arrives.

    Attributes:
        streams: list of (times, positions) lists, a new one after every interruption.
        modes: mode after every tick.
    """

    def __init__(self, core: ControlCore, start: Sequence[float] | None = None) -> None:
        self.core = core
        self.steady = 1000.0
        self.ros = 5000.0
        self.measured = list(start) if start is not None else [0.0] * core.limits.size
        self.arm: Callable[[Command, list[float]], list[float]] = lambda command, _: command.position.tolist()
        self.sensors = True
        self.heartbeat = True
        self.streams: list[tuple[list[float], list[list[float]]]] = []
        self.modes: list[str] = []
        self.command: Command | None = None
        self.seq = 0
        self._streaming = False

    def tick(self, dt: float = 0.005, *events: Event, ros_dt: float | None = None) -> Command:
        """One tick of dt s after the last, with events that arrived before it."""
        self.steady += dt
        self.ros += dt if ros_dt is None else ros_dt
        if self.sensors:
            self.core.inbox.append(self.joint_state())
        if self.heartbeat:
            self.core.inbox.append(HeartbeatEvent(received=self.steady))
        for event in events:
            self.core.inbox.append(event)
        command = self.core.step(self.now())
        assert not self.core.error, self.core.error
        self.command = command
        self.modes.append(command.mode.value)
        self._record(command, dt)
        if command.publish:
            self.measured = self.arm(command, self.measured)
        return command

    def run(self, seconds: float, dt: float = 0.005, segments: bool = False, **motion: float) -> Command:
        """Tick for some time. With `segments`, a fresh chunk and segment every fourth tick."""
        command = self.command
        for k in range(round(seconds / dt)):
            events: tuple[Event, ...] = ()
            if segments and k % 4 == 0:
                events = (self.chunk(), self.segment(**motion))
            command = self.tick(dt, *events)
        assert command is not None
        return command

    def activate(self) -> Command:
        """From nothing to IDLE."""
        for _ in range(self.core.settings.start_states):
            self.tick()
        self.core.inbox.append(ActivateEvent())
        return self.tick()

    def now(self) -> ClockReading:
        """Both clocks."""
        return ClockReading(self.steady, self.ros)

    def joint_state(self, **changes: object) -> JointStateEvent:
        """The arm as it is, at rest."""
        n = self.core.limits.size
        fields = {
            "names": self.core.limits.names,
            "position": tuple(self.measured),
            "velocity": (0.0,) * n,
            "stamp": self.ros,
            "received": self.steady,
        }
        return JointStateEvent(**{**fields, **changes})  # type: ignore[arg-type]

    def chunk(self, **changes: object) -> ChunkEvent:
        """A valid chunk of the epoch in force, with the next sequence number."""
        self.seq += 1
        received = changes.pop("received", self.steady)
        fields = {
            "stamp": self.ros - 0.1,
            "epoch": self.core.intake.epoch,
            "seq": self.seq,
            "dt": 0.02,
            "rows": np.zeros((10, 4), np.float32),
            "anchor": np.array(self.measured),
            "names": self.core.limits.names,
            "action_space": "joint_position",
        }
        return ChunkEvent(Chunk(**{**fields, **changes}), received)  # type: ignore[arg-type]

    def segment(
        self, amplitude: float = 0.4, frequency: float = 0.5, delay: float = 0.03, rows: int = 20, **changes: object
    ) -> SegmentEvent:
        """A valid segment of a sine, stamped `delay` s ago, made from the last chunk."""
        self.seq += 1
        n = self.core.limits.size
        received = changes.pop("received", self.steady)
        stamp = self.ros - delay
        times = stamp + 0.02 * np.arange(rows)
        phase = 2.0 * math.pi * frequency * times[:, None] + np.arange(n)
        fields = {
            "stamp": stamp,
            "dt": 0.02,
            "epoch": self.core.intake.epoch,
            "chunk_seq": self.seq - 1,
            "seq": self.seq,
            "names": self.core.limits.names,
            "positions": amplitude * np.sin(phase),
            "grippers": np.zeros((rows, 0)),
            "observation_stamp": stamp,
        }
        return SegmentEvent(Segment(**{**fields, **changes}), received)  # type: ignore[arg-type]

    def speed(self) -> float:
        """Largest commanded speed, rad/s."""
        assert self.command is not None
        return float(np.abs(self.command.velocity).max())

    def longest_stop(self) -> float:
        """v / a_max plus the time to build up and take down the acceleration, worst joint, s."""
        assert self.command is not None
        limits = self.core.limits
        ramp = limits.acceleration / limits.jerk
        carried = np.abs(self.command.velocity) + np.abs(self.command.acceleration) * ramp
        return float((carried / limits.acceleration + 2.5 * ramp).max())

    def assert_stops(self, run: Callable[[float], object]) -> None:
        """From now on the arm stops as fast as it may and stays there. Soon nothing is published any more."""
        run(self.longest_stop() + 0.01)
        assert self.command is not None
        assert self.speed() == 0.0
        place = self.command.position.tolist()
        run(0.3)
        assert self.command.position.tolist() == place
        assert not self.command.publish
        self.assert_within_limits()

    def assert_within_limits(self) -> None:
        """Every stream so far keeps all four limits."""
        for times, positions in self.streams:
            ratios = stream_ratios(np.array(times), np.array(positions), self.core.limits)
            assert ratios.worst <= 1.0 + 1e-9, ratios
            assert ratios.outside <= 0.0, ratios

    def _record(self, command: Command, dt: float) -> None:
        assert np.isfinite(command.position).all()
        if command.time != self.steady:
            return
        settings = self.core.settings
        if command.publish and self._streaming and dt > settings.longest_tick and not settings.plays_stop:
            # The arm has stayed at the last command, and what was missed is not made up for.
            step = np.abs(command.position - self.streams[-1][1][-1])
            assert (step <= self.core.limits.velocity * settings.period * (1.0 + 1e-9)).all()
            self._streaming = False
        if command.publish and not self._streaming:
            self.streams.append(([self.steady], [command.position.tolist()]))
        elif command.publish:
            self.streams[-1][0].append(self.steady)
            self.streams[-1][1].append(command.position.tolist())
        self._streaming = command.publish


class Arm:
    """Servos with lag and give between a rig's commands and its joint states.

    Attributes:
        lag: time constant of the servos, s.
        wraps: whether the driver reports angles in [-pi, pi) and takes commands the short way.
        position: true positions (n,), rad.
        push: (n,) rad: how far a hand bends the arm away from where the servos have it, within about 0.2 s.
        held: joints (n,) that something holds in place.
        lie: measured - true (n,), rad.
        texts: the core's state after every tick.
    """

    def __init__(
        self,
        rig: Rig,
        lag: float,
        rate: float = 200.0,
        seed: int = 0,
        velocities: bool = True,
        stamped: bool = True,
        wraps: bool = False,
    ) -> None:
        self.wraps = wraps
        self.rig, self.lag, self.rate, self.velocities, self.stamped = rig, lag, rate, velocities, stamped
        n = rig.core.limits.size
        self.position, self.speed = np.array(rig.measured), np.zeros(n)
        self.push, self.held, self.lie = np.zeros(n), np.zeros(n, dtype=bool), np.zeros(n)
        self.texts: list[str] = []
        self._random = np.random.default_rng(seed)
        self._due = 0.0
        self._bent = np.zeros(n)
        rig.sensors = False

    def run(
        self, seconds: float, until: Callable[[], bool] | None = None, segments: bool = True, **motion: Any
    ) -> float:
        """Go on for some time, or until something is true. Returns for how long, s."""
        for k in range(round(seconds / _DT)):
            if until is not None and until():
                return k * _DT
            events = [self.rig.chunk(), self.rig.segment(**motion)] if segments and k % 4 == 0 else []
            self.tick(*events)
        return seconds

    def tick(self, *events: Any) -> None:
        """One tick of the core, then of the servos."""
        command = self.rig.tick(_DT, *self._sense(), *events)
        self.texts.append(str(self.rig.core.state))
        served = self.position - self._bent
        if command.publish:
            served = served + self._reported(command.position - served) * (
                -math.expm1(-_DT / self.lag) if self.lag else 1.0
            )
        self._bent += (self.push - self._bent) * -math.expm1(-_DT / _GIVE)
        target = np.where(self.held, self.position, served + self._bent)
        self.speed = (target - self.position) / _DT
        self.position = target

    def _reported(self, angles: np.ndarray) -> np.ndarray:
        return (angles + math.pi) % (2.0 * math.pi) - math.pi if self.wraps else angles

    def _sense(self) -> list[JointStateEvent]:
        """The states measured since the last tick. Some arrive a little late, and some drivers do not stamp."""
        rig, events = self.rig, []
        now = rig.steady + _DT
        self._due = max(self._due, rig.steady)
        while self._due <= now + 1e-9:
            since = now - self._due
            measured = self.position - self.speed * since + self.lie + self._random.normal(0.0, _NOISE, len(self.lie))
            events.append(
                rig.joint_state(
                    position=tuple(self._reported(measured)),
                    velocity=tuple(self.speed) if self.velocities else (),
                    stamp=rig.ros + _DT - since if self.stamped else 0.0,
                    received=now - self._random.uniform(0.0, 0.5 * since),
                )
            )
            self._due += 1.0 / self.rate
        return events

    @property
    def reasons(self) -> list[str]:
        """States in the order they came, without repetitions."""
        return [text for k, text in enumerate(self.texts) if k == 0 or text != self.texts[k - 1]]

    def faulted(self) -> bool:
        """Whether the core has stopped for good."""
        return self.rig.core.state.mode is Mode.FAULT

    def running(self) -> bool:
        """Whether the core follows segments."""
        return self.rig.core.state.mode is Mode.RUNNING


Grippers = Sequence[GripperSettings] | GripperSettings | None
RigMaker = Callable[..., Rig]
ArmMaker = Callable[..., Arm]
MovingArmMaker = Callable[..., tuple[Arm, np.random.Generator]]


@pytest.fixture
def limits() -> MotionLimits:
    """Limits of three joints."""
    return make_limits()


@pytest.fixture
def make_rig() -> RigMaker:
    """Build a rig: `make_rig(start=None, gripper=None, continuous=(), **settings)`."""

    def make(
        start: Sequence[float] | None = None,
        gripper: Grippers = None,
        continuous: Sequence[int] = (),
        **changes: object,
    ) -> Rig:
        core = ControlCore(make_limits(continuous=continuous), ControlSettings(**changes), gripper)  # type: ignore[arg-type]
        return Rig(core, start)

    return make


@pytest.fixture
def running(make_rig: RigMaker) -> Rig:
    """A rig that has been following segments for a second."""
    rig = make_rig()
    rig.activate()
    rig.run(1.0, segments=True)
    assert rig.modes[-1] == "running"
    return rig


@pytest.fixture
def make_arm(make_rig: RigMaker) -> ArmMaker:
    """Build servos around a new rig: `make_arm(lag=0.03, rate=200.0, seed=0, start=None, continuous=())`."""

    def make(start: Sequence[float] | None = None, continuous: Sequence[int] = (), **options: Any) -> Arm:
        return Arm(make_rig(start, continuous=continuous), **options)

    return make


@pytest.fixture
def moving_arm(make_arm: ArmMaker) -> MovingArmMaker:
    """An arm of random lag and joint state rate that has been following segments for a second, and its generator."""

    def make(seed: int, **changes: Any) -> tuple[Arm, np.random.Generator]:
        random = np.random.default_rng(seed)
        options: dict[str, Any] = {
            "lag": float(random.uniform(0.0, 0.06)),
            "rate": float(random.choice([50.0, 100.0, 500.0])),
            "velocities": bool(random.integers(2)),
            "stamped": bool(random.integers(4)),
        }
        arm = make_arm(seed=seed, **{**options, **changes})
        arm.tick()
        arm.tick(ActivateEvent())
        arm.run(1.0)
        assert arm.running(), arm.reasons
        return arm, random

    return make
