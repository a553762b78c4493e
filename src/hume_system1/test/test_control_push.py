"""A pushed arm is not a broken arm: pushes are told from blocked arms and lying joint states by cause.

The arm here is a velocity servo with a lag that a push adds motion to; joint states come at their own rate, with noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hume_system1.control.events import (
    ActivateEvent,
    EnableEvent,
    EStopEvent,
    HeartbeatEvent,
    JointStateEvent,
    ResetEvent,
    TakeoverEvent,
)
from hume_system1.control.states import Mode, Reason

DT = 0.005
Array = NDArray[np.float64]
SEEDS = range(30)
_GIVE = 0.08  # s
_NOISE = 2e-4  # rad


class Arm:
    """Servos with lag and give between a rig's commands and its joint states.

    Attributes:
        lag: time constant of the servos, s.
        position: true positions (n,), rad.
        push: (n,) rad: how far a hand bends the arm away from where the servos have it, within about 0.2 s.
        held: joints (n,) that something holds in place.
        lie: measured - true (n,), rad.
        texts: the core's state after every tick.
    """

    def __init__(
        self,
        rig: Any,
        lag: float,
        rate: float = 200.0,
        seed: int = 0,
        velocities: bool = True,
        stamped: bool = True,
    ) -> None:
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
        """Go on for some time, or until something is true; returns for how long, s."""
        for k in range(round(seconds / DT)):
            if until is not None and until():
                return k * DT
            events = [self.rig.chunk(), self.rig.segment(**motion)] if segments and k % 4 == 0 else []
            self.tick(*events)
        return seconds

    def tick(self, *events: Any) -> None:
        """One tick of the core, then of the servos."""
        command = self.rig.tick(DT, *self._sense(), *events)
        self.texts.append(str(self.rig.core.state))
        served = self.position - self._bent
        if command.publish:
            served = served + (command.position - served) * (-math.expm1(-DT / self.lag) if self.lag else 1.0)
        self._bent += (self.push - self._bent) * -math.expm1(-DT / _GIVE)
        target = np.where(self.held, self.position, served + self._bent)
        self.speed = (target - self.position) / DT
        self.position = target

    def _sense(self) -> list[JointStateEvent]:
        """The states measured since the last tick; some arrive a little late, and some drivers do not stamp."""
        rig, events = self.rig, []
        now = rig.steady + DT
        self._due = max(self._due, rig.steady)
        while self._due <= now + 1e-9:
            since = now - self._due
            measured = self.position - self.speed * since + self.lie + self._random.normal(0.0, _NOISE, len(self.lie))
            events.append(
                rig.joint_state(
                    position=tuple(measured),
                    velocity=tuple(self.speed) if self.velocities else (),
                    stamp=rig.ros + DT - since if self.stamped else 0.0,
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


def moving(make_rig: Any, seed: int, **changes: Any) -> tuple[Arm, np.random.Generator]:
    """An arm of random lag and joint state rate that has been following segments for a second."""
    random = np.random.default_rng(seed)
    rig = make_rig()
    options = {
        "lag": float(random.uniform(0.0, 0.06)),
        "rate": float(random.choice([50.0, 100.0, 500.0])),
        "velocities": bool(random.integers(2)),
        "stamped": bool(random.integers(4)),
    }
    arm = Arm(rig, seed=seed, **{**options, **changes})
    arm.tick()
    arm.tick(ActivateEvent())
    arm.run(1.0)
    assert arm.running(), arm.reasons
    return arm, random


@pytest.mark.parametrize("seed", SEEDS)
def test_a_transient_push_holds_and_goes_on_by_itself(make_rig: Any, seed: int) -> None:
    arm, random = moving(make_rig, seed)
    limits = arm.rig.core.limits
    joints = random.random(3) < 0.5
    joints[random.integers(3)] = True
    size = random.uniform(1.3, 2.5) * limits.tracking
    arm.push = np.where(joints, random.choice([-1.0, 1.0], 3) * size, 0.0)
    arm.run(float(random.uniform(0.2, 0.6)))
    arm.push[:] = 0.0
    arm.run(0.1)
    back = arm.run(2.0, arm.running)
    assert not any("fault" in text for text in arm.texts), arm.reasons
    assert f"hold: {Reason.PUSHED.value}" in arm.texts, arm.reasons
    assert back < 0.6, arm.reasons
    arm.run(1.0)
    assert arm.running()
    assert arm.rig.command.position == pytest.approx(0.4 * np.sin(math.pi * arm.rig.ros + np.arange(3)), abs=5e-3)
    arm.rig.assert_within_limits()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_blocked_arm_is_a_fault_within_the_time_it_always_was(make_rig: Any, seed: int) -> None:
    arm, random = moving(make_rig, seed)
    arm.held = random.random(3) < 0.5
    arm.held[random.integers(3)] = True
    settings, limits = arm.rig.core.settings, arm.rig.core.limits

    def away() -> bool:
        difference = np.abs(arm.rig.command.position - arm.position)
        return bool((difference > settings.tracking_ratio * limits.tracking).any())

    arm.run(3.0, away, amplitude=0.9, frequency=0.4)
    assert away()
    elapsed = arm.run(1.0, arm.faulted, amplitude=0.9, frequency=0.4)
    assert elapsed <= settings.tracking_grace + 3 * DT + 1.0 / arm.rate, arm.reasons
    assert arm.rig.core.state.reason is Reason.TRACKING_ERROR
    assert not any(Reason.PUSHED.value in text for text in arm.texts)
    arm.rig.assert_within_limits()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_constant_or_drifting_offset_is_a_fault(make_rig: Any, seed: int) -> None:
    arm, random = moving(make_rig, seed)
    limits = arm.rig.core.limits
    lie = np.zeros(3)
    lie[random.integers(3)] = random.choice([-1.0, 1.0]) * random.uniform(1.3, 2.0) * limits.tracking[0]
    drift = float(random.choice([0.0, 0.2, 0.5, 2.0]))  # s that the offset takes to come; 0: a jump
    for k in range(round(drift / DT)):
        arm.lie = lie * (k * DT / drift)
        arm.run(DT, segments=k % 4 == 0)
    arm.lie = lie
    start = arm.rig.command.position.copy()
    arm.run(2.0, arm.faulted)
    assert arm.faulted(), arm.reasons
    wrong = {Reason.TRACKING_ERROR, Reason.OFFSET_STAYS, Reason.PUSH_LASTS, Reason.JOINT_STATES_CONTRADICT}
    assert arm.rig.core.state.reason in wrong
    # Where states are not stamped, a jump may be motion of which the states arrived together.
    if drift == 0.0 and arm.stamped:
        assert arm.rig.core.state.reason is Reason.TRACKING_ERROR, arm.reasons
    # A lie does not lead the arm astray: it comes along by one tracking bound, and what it had to brake from.
    assert (np.abs(arm.rig.command.position - start) < 1.8 * limits.tracking).all()
    arm.rig.assert_within_limits()


@pytest.mark.parametrize("rate", [20.0, 50.0, 100.0, 200.0])
def test_a_single_outlier_is_left_out(make_rig: Any, rate: float) -> None:
    arm, _ = moving(make_rig, 1, rate=rate)
    for joint in range(3):
        arm.lie[joint] = 1.5
        arm.run(1.0 / rate)
        arm.lie[:] = 0.0
        arm.run(1.0)
    assert set(arm.texts[200:]) == {"running"}
    outliers = arm.rig.core.intake.rejected["joint state: further than an arm can move"]
    assert outliers == 3


def test_repeated_jumps_are_a_fault_of_their_own(make_rig: Any) -> None:
    arm, random = moving(make_rig, 2, rate=100.0)
    for _ in range(60):
        arm.lie = np.array([0.0, float(random.choice([0.0, 0.8])), 0.0])
        arm.tick(arm.rig.chunk(), arm.rig.segment())
    assert arm.rig.core.state.reason is Reason.JOINT_STATES_JUMP, arm.reasons
    arm.lie[:] = 0.0
    arm.run(3.0)
    assert arm.faulted()
    arm.tick(ResetEvent())
    arm.run(1.0)
    assert arm.running(), arm.reasons


@pytest.mark.parametrize("rate", [20.0, 100.0])
@pytest.mark.parametrize("stamped", [True, False])
def test_velocities_that_contradict_positions_are_a_fault(make_rig: Any, rate: float, stamped: bool) -> None:
    rig = make_rig()
    rig.tick()
    rig.tick(DT, ActivateEvent())
    rig.sensors = False
    due = rig.steady

    def feed(seconds: float, told: float, moved: float) -> None:
        nonlocal due
        for k in range(round(seconds / DT)):
            events = [rig.chunk()] if k % 4 == 0 else []
            if rig.steady >= due - 1e-9:
                due += 1.0 / rate
                phase = 2.0 * math.pi * 0.5 * rig.steady
                position = (0.1 * moved * math.sin(phase), 0.0, 0.0)
                velocity = (0.1 * told * math.pi * math.cos(phase), 0.0, 0.0)
                events.append(rig.joint_state(position=position, velocity=velocity, stamp=rig.ros if stamped else 0.0))
            rig.tick(DT, *events)

    feed(4.0, told=1.0, moved=1.0)
    assert rig.core.state.mode is Mode.IDLE
    feed(4.0, told=1.0, moved=0.9)
    assert rig.core.state.mode is Mode.IDLE
    feed(3.0, told=57.3, moved=1.0)
    assert rig.core.state.reason is Reason.JOINT_STATES_CONTRADICT


def test_a_driver_that_reports_no_velocity_or_only_zeros_does_not_contradict_itself(running: Any) -> None:
    running.run(3.0, segments=True, amplitude=0.9)
    assert set(running.modes[300:]) == {"running"}


def test_a_person_leaning_on_the_arm_is_a_fault_in_time(make_rig: Any) -> None:
    arm, _ = moving(make_rig, 3, lag=0.04)
    arm.push[:] = [0.0, 0.6, 0.0]
    elapsed = arm.run(4.0, arm.faulted)
    settings = arm.rig.core.settings
    assert 0.5 * settings.push_timeout < elapsed <= settings.push_timeout + 0.2, arm.reasons
    assert arm.rig.core.state.reason in (Reason.OFFSET_STAYS, Reason.PUSH_LASTS)
    arm.rig.assert_within_limits()


def test_a_hand_that_moves_the_arm_about_for_too_long_is_a_fault(make_rig: Any) -> None:
    arm, _ = moving(make_rig, 3, lag=0.04)
    elapsed = 0.0
    while not arm.faulted() and elapsed < 4.0:
        arm.push[0] = math.sin(2.0 * math.pi * 1.5 * elapsed)
        elapsed += arm.run(DT, segments=round(elapsed / DT) % 4 == 0)
    assert arm.rig.core.state.reason is Reason.PUSH_LASTS, arm.reasons


def test_an_arm_that_sticks_again_and_again_is_a_fault(make_rig: Any) -> None:
    arm, _ = moving(make_rig, 4, lag=0.02)
    stuck = 0
    while not arm.faulted() and stuck < 20:
        arm.held[0] = True
        arm.run(2.0, lambda: abs(arm.rig.command.position[0] - arm.position[0]) > 0.27, amplitude=0.9)
        arm.run(0.06, arm.faulted, amplitude=0.9)
        arm.held[0] = False
        arm.run(0.2, arm.faulted, amplitude=0.9)
        stuck += 1
    assert 1 < stuck < 5
    assert arm.rig.core.state.reason is Reason.TRACKING_ERROR


def test_two_joints_pushed_opposite_ways(make_rig: Any) -> None:
    arm, _ = moving(make_rig, 5, lag=0.03)
    arm.push[:] = [0.7, 0.0, -0.7]
    arm.run(0.2)
    assert arm.rig.core.state.reason is Reason.PUSHED
    before = arm.rig.command.position.copy()
    arm.run(0.3)
    moved = arm.rig.command.position - before
    assert moved[0] > 0.01
    assert moved[2] < -0.01
    arm.push[:] = 0.0
    arm.run(1.0)
    assert arm.running()
    arm.rig.assert_within_limits()


def test_an_idle_arm_comes_along_and_stays_idle(make_rig: Any) -> None:
    arm = Arm(make_rig(), lag=0.03)
    arm.tick()
    arm.tick(ActivateEvent())
    arm.run(0.2, segments=False)
    arm.push[:] = [0.5, 0.0, 0.0]
    arm.run(0.2, segments=False)
    assert str(arm.rig.core.state) == f"idle: {Reason.PUSHED.value}"
    assert arm.rig.command.position[0] > 0.01
    arm.push[:] = 0.0
    arm.run(0.5, segments=False)
    assert str(arm.rig.core.state) == "idle"
    arm.rig.assert_within_limits()


def test_a_holding_arm_comes_along_and_says_again_what_it_waits_for(make_rig: Any) -> None:
    arm, _ = moving(make_rig, 6, lag=0.03)
    arm.run(1.2, segments=False)
    assert arm.rig.core.state.mode is Mode.HOLD
    arm.push[:] = [0.0, -0.5, 0.0]
    arm.run(0.2, segments=False)
    assert arm.rig.core.state.reason is Reason.PUSHED
    arm.push[:] = 0.0
    arm.run(0.5, segments=False)
    assert arm.rig.core.state.reason in (Reason.SEGMENT_STALE, Reason.OBSERVATION_STALE, Reason.CHUNK_STALE)
    arm.run(1.0)
    assert arm.running()


def test_a_push_while_starting_only_delays_the_start(make_rig: Any) -> None:
    arm = Arm(make_rig(), lag=0.03)
    arm.tick()
    arm.push[0] = 0.5
    arm.run(0.02, segments=False)
    arm.tick(ActivateEvent())
    arm.run(0.1)
    assert arm.rig.core.state.reason is Reason.START_NOT_STILL
    arm.push[:] = 0.0
    arm.run(0.5)
    assert arm.running()
    assert not any("fault" in text for text in arm.texts)


def test_a_push_during_a_reset_delays_it(make_rig: Any) -> None:
    arm, _ = moving(make_rig, 7, lag=0.03)
    arm.tick(EStopEvent())
    arm.run(0.5)
    arm.push[:] = [0.0, 0.0, 0.6]
    arm.tick(ResetEvent())
    arm.run(0.3)
    assert arm.rig.core.state.mode is Mode.ESTOP
    arm.push[:] = 0.0
    arm.run(1.0)
    assert arm.running()
    assert not any("fault" in text for text in arm.texts)
    arm.rig.assert_within_limits()


@pytest.mark.parametrize(("event", "reason"), [(EnableEvent(False), "DISABLED"), (TakeoverEvent(), "TAKEOVER")])
def test_nobody_comes_along_who_must_not_move(make_rig: Any, event: Any, reason: str) -> None:
    arm, _ = moving(make_rig, 8, lag=0.03)
    arm.tick(event)
    arm.push[:] = [0.6, 0.0, 0.0]
    arm.run(0.4)
    assert arm.rig.core.state.reason is Reason[reason]
    place = arm.rig.command.position.copy()
    arm.run(0.1)
    assert arm.rig.command.position == pytest.approx(place, abs=1e-9)
    arm.push[:] = 0.0


def test_a_dead_denoiser_is_a_fault_while_the_arm_is_pushed_too(make_rig: Any) -> None:
    arm, _ = moving(make_rig, 9, lag=0.03)
    arm.push[:] = [0.6, 0.0, 0.0]
    arm.rig.heartbeat = False
    arm.rig.core.inbox.append(HeartbeatEvent(received=arm.rig.steady))
    arm.run(0.45, segments=False)
    arm.push[:] = 0.0
    arm.run(0.3, segments=False)
    assert arm.rig.core.state.reason is Reason.DENOISER_LOST


def test_a_limp_arm_is_a_fault_once_motion_goes_on(make_rig: Any) -> None:
    arm, _ = moving(make_rig, 10, lag=0.03)
    arm.lag = 1e6
    arm.push[1] = -0.7
    arm.run(1.0, arm.running)
    arm.run(4.0, arm.faulted, amplitude=0.9)
    assert arm.faulted(), arm.reasons
