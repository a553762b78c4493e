"""The control core on the simulated WidowX while it is pushed: transient pushes pass, leaning on the arm is a fault."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from hume_core.chunk import Chunk, Segment
from hume_core.robot import RobotProfile
from hume_sim.world import TabletopWorld
from hume_system1.control.command import ClockReading
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.core import ControlCore
from hume_system1.control.events import ActivateEvent, ChunkEvent, JointStateEvent, SegmentEvent
from hume_system1.control.states import Mode
from hume_system1.control.stream_check import stream_ratios
from hume_system1.robot_settings import control_settings

PROFILE = RobotProfile.load("wx250s_sim")
LIMITS = PROFILE.motion_limits()
HOME = np.array(PROFILE.home)
TICK = 0.005
PUSH_AT = 1.0
STRENGTH = np.array([10.0, 20.0, 15.0, 2.0, 5.0, 1.0])  # N m, the servos'


class Session:
    """A core at 200 Hz with joint states at 100 Hz, following a slow sine with every joint."""

    def __init__(self, world: TabletopWorld) -> None:
        world.reset(seed=0)
        settings = dataclasses.replace(control_settings(PROFILE, ControlSettings()), require_heartbeat=False)
        self.world, self.core = world, ControlCore(LIMITS, settings)
        self.times: list[float] = []
        self.commands: list[NDArray[np.float64]] = []
        self.states: list[tuple[float, str]] = []
        self._seq = 0

    def run(self, torque: ArrayLike, duration: float, seconds: float) -> None:
        """Push with torques (6,), N m, for some time from `PUSH_AT` on, in a session of so many seconds."""
        self.core.inbox.append(ActivateEvent())
        for k in range(round(seconds / TICK)):
            elapsed = k * TICK
            for event in self._events(k, 100.0 + elapsed):
                self.core.inbox.append(event)
            pushed = PUSH_AT <= elapsed < PUSH_AT + duration
            self.world.push_arm(torque if pushed else np.zeros(6))
            self._tick(100.0 + elapsed, elapsed)

    def _tick(self, now: float, elapsed: float) -> None:
        command = self.core.step(ClockReading(now, now))
        assert not self.core.error, self.core.error
        if not self.states or self.states[-1][1] != str(self.core.state):
            self.states.append((elapsed - PUSH_AT, str(self.core.state)))
        if command.publish:
            self.world.set_arm_target(command.position)
            self.times.append(now)
            self.commands.append(command.position.copy())
        self.world.step(round(TICK / self.world.timestep))

    def _events(self, k: int, now: float) -> Iterator[Any]:
        if k % 2 == 0:
            state = self.world.joint_state()
            yield JointStateEvent(state.names, tuple(state.position), tuple(state.velocity), now, now)
        if k % 40 == 0:
            rows = np.zeros((16, 32), np.float32)
            self._chunk_seq = k
            space = PROFILE.action_space.name
            yield ChunkEvent(Chunk(now, self.core.intake.epoch, k, 0.05, rows, HOME, LIMITS.names, space), now)
        if k % 4 == 0:
            phase = 2.0 * math.pi * 0.4 * (now - 100.0 + 0.05 * np.arange(8))
            rows = np.clip(HOME + 0.2 * np.sin(phase)[:, None], LIMITS.lower, LIMITS.upper)
            epoch, none = self.core.intake.epoch, np.zeros((8, 0))
            yield SegmentEvent(Segment(now, 0.05, epoch, self._chunk_seq, k, LIMITS.names, rows, none, now), now)

    def since_push(self) -> list[str]:
        """States from the push on."""
        return [text for at, text in self.states if at > 0.0]

    def assert_within_limits(self) -> None:
        """The commands kept their limits."""
        ratios = stream_ratios(np.array(self.times), np.array(self.commands), LIMITS)
        assert ratios.worst <= 1.0 + 1e-9
        assert ratios.outside <= 0.0


@pytest.fixture(scope="module")
def world() -> Iterator[TabletopWorld]:
    """One world for all."""
    world = TabletopWorld(16, 16)
    yield world
    world.close()


@pytest.mark.parametrize("joint", range(6))
@pytest.mark.parametrize("share", [0.6, -0.6])
def test_a_push_weaker_than_the_servos_changes_nothing(world: TabletopWorld, joint: int, share: float) -> None:
    session = Session(world)
    session.run(share * STRENGTH * (np.arange(6) == joint), 0.15, 2.0)
    assert session.since_push() == []
    assert session.core.state.mode is Mode.RUNNING


@pytest.mark.parametrize(
    ("torque", "duration"),
    [
        (np.full(6, 1.5), 0.15),
        (np.full(6, 1.5), 0.3),
        (np.full(6, 1.5), 0.6),
        (1.2 * STRENGTH, 0.15),
        (2.0 * STRENGTH, 0.15),
    ],
)
def test_an_arm_that_is_thrown_off_holds_and_goes_on(world: TabletopWorld, torque: ArrayLike, duration: float) -> None:
    session = Session(world)
    session.run(torque, duration, 3.0)
    assert session.since_push() == ["hold: pushed away: following the arm", "running"]
    assert session.states[-1][0] < duration + 0.6
    session.assert_within_limits()


def test_leaning_on_the_arm_is_a_fault_that_stays(world: TabletopWorld) -> None:
    session = Session(world)
    session.run(np.full(6, 1.5), 3.0, 5.0)
    hold, fault = session.since_push()
    assert hold.startswith("hold: pushed away")
    assert fault.startswith("fault: ")
    session.assert_within_limits()
