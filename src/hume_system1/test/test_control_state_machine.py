"""The pure state machine, the watchdogs and the ROS clock."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import pytest

from hume_system1.control import state_machine
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.ros_clock import RosClock
from hume_system1.control.state_machine import IDLE, INACTIVE, RUNNING, UNCONFIGURED, Inputs
from hume_system1.control.states import Mode, Reason, State
from hume_system1.control.watchdogs import View, fault_watchdogs, first_reason, hold_watchdogs

READY = Inputs(configured=True, active=True, hold=Reason.NONE, still=True, fresh_chunk=True)
ESTOP = State(Mode.ESTOP, Reason.EMERGENCY_STOP)
FAULT = State(Mode.FAULT, Reason.TRACKING_ERROR)


def after(state: State, **changes: Any) -> State:
    """The next state when all is well but for the changes."""
    return state_machine.step(state, dataclasses.replace(READY, **changes))


def every_input() -> list[Inputs]:
    """All combinations of the flags, with a few reasons."""
    flags = [field.name for field in dataclasses.fields(Inputs) if field.name not in ("fault", "hold")]
    reasons = [(Reason.NONE, Reason.NONE), (Reason.JOINT_STATES_LOST, Reason.NONE), (Reason.NONE, Reason.NO_SEGMENT)]
    return [
        Inputs(**dict(zip(flags, values, strict=True)), fault=fault, hold=hold)
        for values in itertools.product((False, True), repeat=len(flags))
        for fault, hold in reasons
    ]


ALL_INPUTS = every_input()
ALL_STATES = [UNCONFIGURED, INACTIVE, IDLE, RUNNING, ESTOP, FAULT] + [
    State(Mode.HOLD, reason) for reason in (Reason.NO_SEGMENT, Reason.NEW_EPOCH, Reason.DISABLED, Reason.TAKEOVER)
]


@pytest.mark.parametrize("state", ALL_STATES, ids=str)
def test_runs_only_when_everything_allows_it(state: State) -> None:
    for inputs in ALL_INPUTS:
        following = state_machine.step(state, inputs)
        if following.mode is Mode.RUNNING:
            assert inputs.configured
            assert inputs.active
            assert inputs.enabled
            assert not inputs.taken
            assert not inputs.estop
            assert inputs.fault is Reason.NONE
            assert inputs.hold is Reason.NONE
        if inputs.estop:
            assert following.mode is Mode.ESTOP
        if following.mode in (Mode.HOLD, Mode.FAULT, Mode.ESTOP):
            assert following.reason is not Reason.NONE


@pytest.mark.parametrize("state", [ESTOP, FAULT], ids=str)
def test_latched_states_leave_only_by_a_complete_reset(state: State) -> None:
    for inputs in ALL_INPUTS:
        following = state_machine.step(state, inputs)
        if following.mode in (Mode.ESTOP, Mode.FAULT):
            continue
        assert inputs.resetting
        assert inputs.still
        assert inputs.enabled
        assert inputs.fresh_chunk
        assert inputs.fault is Reason.NONE
        assert following.mode is not Mode.RUNNING


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"fault": Reason.JOINT_STATES_LOST}, Reason.JOINT_STATES_LOST),
        ({"still": False}, Reason.RESET_NOT_STILL),
        ({"enabled": False}, Reason.RESET_DISABLED),
        ({"fresh_chunk": False}, Reason.RESET_NO_CHUNK),
    ],
)
@pytest.mark.parametrize("state", [ESTOP, FAULT], ids=str)
def test_pending_reset_says_what_it_waits_for(state: State, changes: dict[str, Any], reason: Reason) -> None:
    waiting = after(state, resetting=True, **changes)
    assert (waiting.mode, waiting.reason) == (state.mode, reason)
    assert after(waiting, resetting=True) == IDLE


def test_expired_reset_must_be_asked_for_again() -> None:
    waiting = after(ESTOP, resetting=True, fresh_chunk=False)
    assert after(waiting) == State(Mode.ESTOP, Reason.RESET_EXPIRED)


def test_the_way_up() -> None:
    assert after(UNCONFIGURED, configured=False, active=False) == UNCONFIGURED
    assert after(UNCONFIGURED, active=False) == INACTIVE
    assert after(INACTIVE, active=False, starting=True) == State(Mode.INACTIVE, Reason.START_NOT_STILL)
    assert after(INACTIVE, hold=Reason.CHUNK_STALE) == IDLE
    assert after(IDLE) == RUNNING


@pytest.mark.parametrize("reason", [Reason.NO_SEGMENT, Reason.SEGMENT_STALE, Reason.CHUNK_STALE])
def test_starved_motion_holds_with_the_reason_and_resumes_by_itself(reason: Reason) -> None:
    held = after(RUNNING, hold=reason, at_rest=False)
    assert held == State(Mode.HOLD, reason)
    assert after(held, at_rest=False) == RUNNING


def test_new_epoch_comes_to_rest_before_anything_new() -> None:
    stopping = after(RUNNING, epoch_changed=True, at_rest=False)
    assert stopping == State(Mode.HOLD, Reason.NEW_EPOCH)
    assert after(stopping, at_rest=False) == stopping
    assert after(stopping, at_rest=True) == IDLE


@pytest.mark.parametrize(("change", "reason"), [({"enabled": False}, "DISABLED"), ({"taken": True}, "TAKEOVER")])
def test_disable_and_takeover_hold_until_lifted(change: dict[str, bool], reason: str) -> None:
    held = after(RUNNING, at_rest=False, **change)
    assert held == State(Mode.HOLD, Reason[reason])
    assert after(held, **change) == held
    assert after(held, at_rest=False) == held
    assert after(held) == IDLE


def test_idle_never_becomes_hold_for_want_of_segments() -> None:
    assert after(IDLE, hold=Reason.CHUNK_STALE) == IDLE


def fault(now: float, view: View, **settings: Any) -> Reason:
    """What the watchdogs of faults say of a view."""
    return first_reason(fault_watchdogs(ControlSettings(**settings)), now, view)


def hold(now: float, view: View) -> Reason:
    """What the watchdogs of holds say of a view."""
    return first_reason(hold_watchdogs(ControlSettings()), now, view)


def test_each_watchdog_fires_after_its_own_bound() -> None:
    s = ControlSettings()
    seen = View(heartbeat=100.0, segment=100.0, chunk=100.0, observation=100.0, joint_states=100.4, covered=True)
    measured = dataclasses.replace(seen, joint_states=100.0 + s.denoiser_timeout)
    assert fault(100.0 + s.denoiser_timeout, measured) is Reason.NONE
    assert fault(100.01 + s.denoiser_timeout, measured) is Reason.DENOISER_LOST
    assert fault(100.0, dataclasses.replace(seen, denoiser_ended=True)) is Reason.DENOISER_ENDED
    assert fault(100.01 + s.joint_state_age, dataclasses.replace(seen, joint_states=100.0)) is Reason.JOINT_STATES_LOST
    assert hold(100.0 + s.segment_age, seen) is Reason.NONE
    assert hold(100.0, dataclasses.replace(seen, covered=False)) is Reason.NO_SEGMENT
    alive = dataclasses.replace(seen, heartbeat=102.0)
    assert hold(100.01 + s.heartbeat_age, seen) is Reason.DENOISER_LATE
    assert hold(100.01 + s.segment_age, alive) is Reason.SEGMENT_STALE
    assert hold(100.01 + s.observation_age, alive) is Reason.OBSERVATION_STALE
    assert hold(100.01 + s.chunk_age, alive) is Reason.CHUNK_STALE


def test_heartbeat_counts_only_after_the_first_and_if_required() -> None:
    assert fault(1e6, View(joint_states=1e6)) is Reason.NONE
    assert fault(1e6, View(joint_states=1e6, heartbeat=0.0)) is Reason.DENOISER_LOST
    assert fault(1e6, View(joint_states=1e6, heartbeat=0.0), require_heartbeat=False) is Reason.NONE


def test_tracking_error_must_last() -> None:
    s = ControlSettings()
    watchdogs = fault_watchdogs(s)

    def found(now: float, ratio: float) -> Reason:
        return first_reason(watchdogs, now, View(joint_states=now, tracking_ratio=ratio))

    assert found(1.0, 1.1) is Reason.NONE
    assert found(1.05, 0.89) is Reason.NONE
    assert found(1.06, 1.1) is Reason.NONE
    assert found(1.06 + s.tracking_grace, 1.1) is Reason.TRACKING_ERROR


def test_short_blocks_add_up_and_a_push_is_none() -> None:
    s = ControlSettings()
    watchdogs = fault_watchdogs(s)
    for k in range(40):
        pushed = View(joint_states=k * 0.01, tracking_ratio=1.1, pushed=True)
        assert first_reason(watchdogs, k * 0.01, pushed) is Reason.NONE
    reasons = []
    for k in range(40, 200):
        ratio = 1.1 if k % 20 < 6 else 0.1
        reasons.append(first_reason(watchdogs, k * 0.01, View(joint_states=k * 0.01, tracking_ratio=ratio)))
    assert Reason.TRACKING_ERROR in reasons[30:70]
    assert Reason.TRACKING_ERROR not in reasons[:30]


def test_a_pushed_arm_holds_and_goes_on_and_an_idle_one_stays_idle() -> None:
    held = after(RUNNING, hold=Reason.PUSHED)
    assert held == State(Mode.HOLD, Reason.PUSHED)
    assert after(held, hold=Reason.NO_SEGMENT) == State(Mode.HOLD, Reason.NO_SEGMENT)
    assert after(held) == RUNNING
    assert after(held, fault=Reason.PUSH_LASTS) == State(Mode.FAULT, Reason.PUSH_LASTS)
    idle = after(IDLE, hold=Reason.PUSHED)
    assert idle == State(Mode.IDLE, Reason.PUSHED)
    assert after(idle, hold=Reason.CHUNK_STALE) == IDLE
    assert after(idle) == RUNNING


def clock_after(*readings: tuple[float, float]) -> RosClock:
    """A clock that has seen (steady, ros) pairs."""
    clock = RosClock(frozen=0.25, jump=0.25)
    for steady, ros in readings:
        clock.update(steady, ros)
    return clock


@pytest.mark.parametrize(
    ("second", "third", "fault"),
    [
        ((0.1, 50.1), (0.2, 50.2), Reason.NONE),
        ((0.1, 50.0), (0.2, 50.0), Reason.NONE),
        ((0.1, 50.0), (0.26, 50.0), Reason.CLOCK_FROZEN),
        ((0.1, math.nan), (0.26, math.nan), Reason.CLOCK_FROZEN),
        ((0.1, 50.1), (0.2, 49.0), Reason.CLOCK_BACKWARD),
        ((0.1, 50.1), (0.2, 50.095), Reason.NONE),
        ((0.1, 50.1), (0.2, 50.5), Reason.CLOCK_FORWARD),
        ((0.1, 50.1), (0.2, math.inf), Reason.CLOCK_FORWARD),
        ((0.1, 50.1), (5.0, 55.0), Reason.NONE),
    ],
)
def test_clock_faults(second: tuple[float, float], third: tuple[float, float], fault: Reason) -> None:
    assert clock_after((0.0, 50.0), second, third).fault is fault


def test_clock_fault_stays_until_restart() -> None:
    clock = clock_after((0.0, 50.0), (0.1, 40.0), (0.2, 40.1), (0.3, 40.2))
    assert clock.fault is Reason.CLOCK_BACKWARD
    clock.restart()
    clock.update(0.4, 40.3)
    assert (clock.fault, clock.time) == (Reason.NONE, 40.3)


def test_time_is_smooth_though_the_clock_comes_in_steps() -> None:
    clock = clock_after((0.0, 50.0))
    steps = []
    for k in range(1, 400):
        before = clock.time
        clock.update(0.005 * k, 50.0 + 0.02 * (0.005 * k // 0.02))
        steps.append(clock.time - before)
    assert min(steps[100:]) > 0.003
    assert max(steps[100:]) < 0.007
    assert clock.time == pytest.approx(52.0, abs=0.02)


def test_time_never_goes_back_and_halts_with_the_clock() -> None:
    clock = clock_after((0.0, 50.0))
    times = []
    for k in range(1, 100):
        clock.update(0.005 * k, 50.0 - 0.009 * (k % 2))
        times.append(clock.time)
    assert times == sorted(times)
    assert times[-1] < 50.1
