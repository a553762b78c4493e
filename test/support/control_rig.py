"""A control core with a clock and joint states, driven tick by tick."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from hume_core.chunk import Chunk, Segment
from hume_core.limits import UNLIMITED, MotionLimits
from hume_system1.control.command import ClockReading, Command
from hume_system1.control.core import ControlCore
from hume_system1.control.events import (
    ActivateEvent,
    ChunkEvent,
    Event,
    HeartbeatEvent,
    JointStateEvent,
    SegmentEvent,
)
from hume_system1.control.stream_check import stream_ratios


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
