"""A pushed arm is not a broken arm: pushes are told from blocked arms by cause."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hume_system1.control.events import (
    ActivateEvent,
    DenoiserEvent,
    EnableEvent,
    EStopEvent,
    ResetEvent,
    TakeoverEvent,
)
from hume_system1.control.states import Mode, Reason

DT = 0.005
SEEDS = range(30)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_transient_push_holds_and_goes_on_by_itself(moving_arm: Any, seed: int) -> None:
    arm, random = moving_arm(seed)
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
def test_a_blocked_arm_is_a_fault_within_the_time_it_always_was(moving_arm: Any, seed: int) -> None:
    arm, random = moving_arm(seed)
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


def test_a_person_leaning_on_the_arm_is_a_fault_in_time(moving_arm: Any) -> None:
    arm, _ = moving_arm(3, lag=0.04)
    arm.push[:] = [0.0, 0.6, 0.0]
    elapsed = arm.run(4.0, arm.faulted)
    settings = arm.rig.core.settings
    assert 0.5 * settings.push_timeout < elapsed <= settings.push_timeout + 0.2, arm.reasons
    assert arm.rig.core.state.reason in (Reason.OFFSET_STAYS, Reason.PUSH_LASTS)
    arm.rig.assert_within_limits()


def test_a_hand_that_moves_the_arm_about_for_too_long_is_a_fault(moving_arm: Any) -> None:
    arm, _ = moving_arm(3, lag=0.04)
    elapsed = 0.0
    while not arm.faulted() and elapsed < 4.0:
        arm.push[0] = math.sin(2.0 * math.pi * 1.5 * elapsed)
        elapsed += arm.run(DT, segments=round(elapsed / DT) % 4 == 0)
    assert arm.rig.core.state.reason is Reason.PUSH_LASTS, arm.reasons


def test_an_arm_that_sticks_again_and_again_is_a_fault(moving_arm: Any) -> None:
    arm, _ = moving_arm(4, lag=0.02)
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


def test_two_joints_pushed_opposite_ways(moving_arm: Any) -> None:
    arm, _ = moving_arm(5, lag=0.03)
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


def test_an_idle_command_follows_a_pushed_arm_and_stays_idle(make_arm: Any) -> None:
    arm = make_arm(lag=0.03)
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


def test_a_holding_command_follows_a_pushed_arm_and_says_again_what_it_waits_for(moving_arm: Any) -> None:
    arm, _ = moving_arm(6, lag=0.03)
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


def test_a_push_while_starting_only_delays_the_start(make_arm: Any) -> None:
    arm = make_arm(lag=0.03)
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


def test_a_push_during_a_reset_delays_it(moving_arm: Any) -> None:
    arm, _ = moving_arm(7, lag=0.03)
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
def test_a_command_that_must_not_move_does_not_follow_the_arm(moving_arm: Any, event: Any, reason: str) -> None:
    arm, _ = moving_arm(8, lag=0.03)
    arm.tick(event)
    arm.push[:] = [0.6, 0.0, 0.0]
    arm.run(0.4)
    assert arm.rig.core.state.reason is Reason[reason]
    place = arm.rig.command.position.copy()
    arm.run(0.1)
    assert arm.rig.command.position == pytest.approx(place, abs=1e-9)
    arm.push[:] = 0.0


def test_a_dead_denoiser_is_a_fault_while_the_arm_is_pushed_too(moving_arm: Any) -> None:
    arm, _ = moving_arm(9, lag=0.03)
    arm.push[:] = [0.6, 0.0, 0.0]
    arm.run(0.45, segments=False)
    assert arm.rig.core.state.reason is Reason.PUSHED
    arm.rig.core.inbox.append(DenoiserEvent("killed by SIGKILL"))
    arm.run(0.05, segments=False)
    assert arm.rig.core.state.reason is Reason.DENOISER_ENDED


def test_a_limp_arm_is_a_fault_once_motion_goes_on(moving_arm: Any) -> None:
    arm, _ = moving_arm(10, lag=0.03)
    arm.lag = 1e6
    arm.push[1] = -0.7
    arm.run(1.0, arm.running)
    arm.run(4.0, arm.faulted, amplitude=0.9)
    assert arm.faulted(), arm.reasons
