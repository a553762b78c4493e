"""Joint states that lie: jumps, offsets and velocities that no arm can have."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hume_system1.control.events import ActivateEvent, ResetEvent
from hume_system1.control.states import Mode, Reason

DT = 0.005
SEEDS = range(30)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_constant_or_drifting_offset_is_a_fault(moving_arm: Any, seed: int) -> None:
    arm, random = moving_arm(seed)
    limits = arm.rig.core.limits
    lie = np.zeros(3)
    lie[random.integers(3)] = random.choice([-1.0, 1.0]) * random.uniform(1.3, 2.0) * limits.tracking[0]
    drift = float(random.choice([0.0, 0.2, 0.5, 2.0]))  # s that the offset takes to come. 0: a jump
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
    # Wrong states do not lead the arm far: by one tracking bound, and by what it had to brake from.
    assert (np.abs(arm.rig.command.position - start) < 1.8 * limits.tracking).all()
    arm.rig.assert_within_limits()


@pytest.mark.parametrize("rate", [20.0, 50.0, 100.0, 200.0])
def test_a_single_outlier_is_left_out(moving_arm: Any, rate: float) -> None:
    arm, _ = moving_arm(1, rate=rate)
    for joint in range(3):
        arm.lie[joint] = 1.5
        arm.run(1.0 / rate)
        arm.lie[:] = 0.0
        arm.run(1.0)
    assert set(arm.texts[200:]) == {"running"}
    outliers = arm.rig.core.intake.rejected["joint state: further than an arm can move"]
    assert outliers == 3


def test_repeated_jumps_are_a_fault_of_their_own(moving_arm: Any) -> None:
    arm, random = moving_arm(2, rate=100.0)
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
