"""The core as a whole: every fault is a controlled stop with a reason, and nothing restarts by itself after a FAULT."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hume_system1.control.events import (
    ActivateEvent,
    DeactivateEvent,
    EnableEvent,
    EpochEvent,
    EStopEvent,
    HandbackEvent,
    ResetEvent,
    TakeoverEvent,
)
from hume_system1.control.settings import GripperSettings
from hume_system1.control.states import Mode, Reason

DT = 0.005


def speed(rig: Any) -> float:
    """Largest commanded speed, rad/s."""
    return float(np.abs(rig.command.velocity).max())


def longest_stop(rig: Any) -> float:
    """v / a_max plus the time to build up and take down the acceleration, worst joint, s."""
    limits = rig.core.limits
    carried = np.abs(rig.command.acceleration) * limits.acceleration / limits.jerk
    return float(
        ((np.abs(rig.command.velocity) + carried) / limits.acceleration + 2.5 * limits.acceleration / limits.jerk).max()
    )


def assert_stops(rig: Any, run: Callable[[float], Any]) -> None:
    """From now on the arm stops as fast as it may, stays there, and goes on saying so."""
    bound = longest_stop(rig)
    run(bound + 2 * DT)
    assert speed(rig) == 0.0
    place = rig.command.position.tolist()
    run(0.3)
    assert rig.command.position.tolist() == place
    assert rig.command.publish
    rig.assert_within_limits()


def test_publishes_nothing_before_activation_and_starts_where_the_arm_is(make_rig: Any) -> None:
    rig = make_rig(start=(0.3, -0.4, 0.5))
    assert not rig.tick().publish
    rig.run(0.1)
    assert not rig.streams
    assert set(rig.modes) == {"inactive"}
    command = rig.tick(DT, ActivateEvent())
    assert command.publish
    assert command.position.tolist() == [0.3, -0.4, 0.5]
    assert rig.modes[-1] == "idle"


def test_is_unconfigured_until_the_joints_are_measured(make_rig: Any) -> None:
    rig = make_rig()
    rig.sensors = False
    rig.tick(DT, ActivateEvent())
    rig.run(0.1)
    assert set(rig.modes) == {"unconfigured"}
    assert not rig.streams


def test_waits_for_a_still_arm_before_it_starts(make_rig: Any) -> None:
    rig = make_rig()
    rig.sensors = False
    rig.tick(DT, rig.joint_state(velocity=(0.4, 0.0, 0.0)), ActivateEvent())
    assert (rig.core.state.mode, rig.core.state.reason) == (Mode.INACTIVE, Reason.START_NOT_STILL)
    rig.sensors = True
    assert rig.tick().publish


def test_refuses_to_start_far_outside_the_limits(make_rig: Any) -> None:
    rig = make_rig(start=(1.4, 0.0, 0.0))
    rig.activate()
    assert rig.core.state.reason is Reason.LIMITS
    assert not rig.command.publish


def test_follows_segments_by_their_time_stamps(running: Any) -> None:
    running.run(1.0, segments=True, delay=0.2)
    expected = 0.4 * np.sin(math.pi * running.ros + np.arange(3))
    assert running.command.position == pytest.approx(expected, abs=2e-3)
    running.assert_within_limits()


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3])
def test_motion_does_not_depend_on_the_delay_of_segments(make_rig: Any, delay: float) -> None:
    rig = make_rig()
    rig.activate()
    rig.run(3.0, segments=True, delay=delay)
    expected = 0.4 * np.sin(math.pi * rig.ros + np.arange(3))
    assert rig.command.position == pytest.approx(expected, abs=2e-3)
    assert rig.core.status(rig.now()).delay == pytest.approx(delay + DT, abs=1e-6)


def test_starved_of_segments_finishes_what_is_committed_then_holds_and_says_why(running: Any) -> None:
    end = running.ros + 19 * 0.02 - 0.03
    running.tick(DT, running.chunk(), running.segment())
    while running.ros < end - 2 * DT:
        running.tick()
    assert running.modes[-1] == "running"
    running.run(0.03)
    assert running.core.state.reason is Reason.NO_SEGMENT
    assert_stops(running, running.run)
    assert running.core.state.reason in (Reason.SEGMENT_STALE, Reason.OBSERVATION_STALE)
    running.run(3.0)
    assert running.core.state.reason is Reason.CHUNK_STALE


def test_resumes_by_itself_and_smoothly_when_segments_return(running: Any) -> None:
    running.run(1.5)
    assert running.modes[-1] == "hold"
    running.run(3.0, segments=True)
    assert running.modes[-1] == "running"
    expected = 0.4 * np.sin(math.pi * running.ros + np.arange(3))
    assert running.command.position == pytest.approx(expected, abs=2e-3)
    running.assert_within_limits()


def test_stale_chunk_holds_though_segments_still_come(running: Any) -> None:
    for k in range(500):
        running.seq += 1
        chunk_seq = running.core.intake.chunks.seq
        running.tick(DT, *([running.segment(chunk_seq=chunk_seq)] if k % 4 == 0 else []))
    assert running.core.state.reason is Reason.CHUNK_STALE
    assert speed(running) == 0.0


def test_old_observations_hold_though_segments_still_come(running: Any) -> None:
    seen = running.ros
    for k in range(300):
        events = [running.chunk(), running.segment(observation_stamp=seen)] if k % 4 == 0 else []
        running.tick(DT, *events)
    assert running.core.state.reason is Reason.OBSERVATION_STALE
    assert speed(running) == 0.0
    assert running.core.status(running.now()).rejected["segment: observation age"] > 0


FAULTS: dict[str, tuple[Callable[[Any], None], float, Reason]] = {
    "denoiser dies": (lambda rig: setattr(rig, "heartbeat", False), 0.5, Reason.DENOISER_LOST),
    "joint states stop": (lambda rig: setattr(rig, "sensors", False), 0.25, Reason.JOINT_STATES_LOST),
    "arm is blocked": (lambda rig: setattr(rig, "arm", lambda _, measured: measured), 1.0, Reason.TRACKING_ERROR),
    "joint states lie": (
        lambda rig: setattr(rig, "arm", lambda command, _: (command.position + 0.5).tolist()),
        0.1,
        Reason.TRACKING_ERROR,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_stops_and_latches_until_a_complete_reset(running: Any, fault: str) -> None:
    cause, bound, reason = FAULTS[fault]
    healthy = running.arm
    cause(running)

    def feed(seconds: float) -> None:
        for k in range(round(seconds / DT)):
            events = [running.chunk(), running.segment(amplitude=0.9, frequency=0.7)] if k % 4 == 0 else []
            if not running.heartbeat:
                events = events[:1]
            running.tick(DT, *events)

    moving = 0
    while running.core.state.mode is not Mode.FAULT:
        feed(0.02)
        moving += 1
        assert moving * 0.02 < bound + 0.15
    assert running.core.state.reason is reason
    assert_stops(running, feed)

    running.heartbeat = running.sensors = True
    running.arm = healthy
    feed(2.0)
    assert running.core.state.mode is Mode.FAULT
    running.tick(DT, ResetEvent())
    feed(3.0)
    assert running.modes[-1] == "running"
    running.assert_within_limits()


@pytest.mark.parametrize(
    ("ros_steps", "reason"),
    [
        ([0.0] * 60, Reason.CLOCK_FROZEN),
        ([-1.0], Reason.CLOCK_BACKWARD),
        ([3.0], Reason.CLOCK_FORWARD),
    ],
)
def test_clock_faults_stop_the_motion(running: Any, ros_steps: list[float], reason: Reason) -> None:
    for step in ros_steps:
        running.tick(DT, running.chunk(), running.segment(), ros_dt=step)
    assert running.core.state.reason is reason
    assert_stops(running, running.run)
    running.run(1.0, segments=True)
    assert running.core.state.mode is Mode.FAULT
    running.tick(DT, ResetEvent())
    running.run(1.0, segments=True)
    assert running.modes[-1] == "running"
    running.assert_within_limits()


@pytest.mark.parametrize("how", ["event", "call"])
def test_estop_latches_under_a_flood_and_resets_only_when_asked(running: Any, how: str) -> None:
    for _ in range(5000):
        running.core.inbox.append(running.chunk())
        running.core.inbox.append(running.segment())
    if how == "call":
        running.core.estop()
    else:
        running.core.inbox.append(EStopEvent())
    before = speed(running)
    epoch = running.core.intake.epoch
    running.tick()
    assert running.modes[-1] == "estop"
    assert running.core.intake.epoch == epoch + 1
    running.run(0.05, segments=True)
    assert speed(running) < before
    assert_stops(running, lambda seconds: running.run(seconds, segments=True))
    running.run(5.0, segments=True)
    assert set(running.modes[-1000:]) == {"estop"}
    running.tick(DT, EnableEvent(False), ResetEvent())
    running.run(0.2, segments=True)
    assert running.core.state.reason is Reason.RESET_DISABLED
    running.tick(DT, EnableEvent(True))
    running.run(1.0, segments=True)
    assert running.modes[-1] == "running"
    running.assert_within_limits()


def test_reset_without_a_fresh_chunk_waits_and_then_expires(make_rig: Any) -> None:
    rig = make_rig(reset_timeout=1.0)
    rig.activate()
    rig.run(0.5, segments=True)
    rig.tick(DT, EStopEvent())
    rig.run(0.5)
    rig.tick(DT, ResetEvent())
    rig.run(0.5)
    assert rig.core.state.reason is Reason.RESET_NO_CHUNK
    rig.run(1.0)
    assert rig.core.state.reason is Reason.RESET_EXPIRED
    rig.run(1.0, segments=True)
    assert rig.modes[-1] == "estop"


def test_chunks_of_before_the_reset_do_not_count_as_fresh(running: Any) -> None:
    running.tick(DT, EStopEvent())
    running.run(0.5)
    old = running.chunk()
    running.tick(DT, ResetEvent())
    running.tick(DT, old)
    running.run(0.1)
    assert running.core.state.reason is Reason.RESET_NO_CHUNK
    assert running.core.status(running.now()).rejected["chunk: epoch"] == 1


def test_new_epoch_stops_and_starts_anew_without_blending(running: Any) -> None:
    old = running.segment()
    running.tick(DT, EpochEvent(5), old)
    assert running.core.state.reason is Reason.NEW_EPOCH
    for _ in range(10):
        running.tick(DT, running.segment(epoch=0))
    assert running.core.status(running.now()).rejected["segment: epoch"] == 11
    assert_stops(running, running.run)
    assert running.modes[-1] == "idle"
    running.run(1.0, segments=True)
    assert running.modes[-1] == "running"
    running.assert_within_limits()


def test_new_motion_of_a_new_epoch_waits_for_standstill(running: Any) -> None:
    running.run(0.3, segments=True, amplitude=0.9, frequency=0.6)
    running.tick(DT, EpochEvent(1))
    speeds = []
    while running.modes[-1] != "running":
        running.tick(DT, running.chunk(), running.segment())
        speeds.append(speed(running))
    assert 0.0 in speeds[:-1]


def test_disabled_holds_until_enabled(running: Any) -> None:
    running.tick(DT, EnableEvent(False))
    assert running.core.state.reason is Reason.DISABLED
    assert_stops(running, lambda seconds: running.run(seconds, segments=True))
    running.tick(DT, EnableEvent(True))
    running.run(0.5, segments=True)
    assert running.modes[-1] == "running"
    running.assert_within_limits()


def test_takeover_lets_go_only_at_rest_and_handback_begins_where_the_arm_is(running: Any) -> None:
    running.tick(DT, TakeoverEvent())
    assert running.core.state.reason is Reason.TAKEOVER
    while running.command.publish:
        running.tick()
    assert speed(running) == 0.0
    running.measured = [0.7, 0.8, 0.9]
    running.run(0.5, segments=True)
    assert running.core.status(running.now()).released
    assert running.core.state.mode is Mode.HOLD
    assert len(running.streams) == 1
    running.tick(DT, HandbackEvent())
    running.run(0.05)
    assert running.command.position.tolist() == [0.7, 0.8, 0.9]
    assert running.modes[-1] == "idle"
    running.run(2.0, segments=True)
    assert running.modes[-1] == "running"
    assert running.streams[1][1][0] == [0.7, 0.8, 0.9]
    running.assert_within_limits()


def test_estop_while_taken_over_publishes_nothing(running: Any) -> None:
    running.tick(DT, TakeoverEvent())
    running.run(1.0)
    running.tick(DT, EStopEvent())
    running.run(0.5)
    assert running.modes[-1] == "estop"
    assert len(running.streams) == 1
    assert not running.command.publish


def test_deactivation_brings_the_arm_to_rest_before_it_falls_silent(running: Any) -> None:
    assert speed(running) > 0.1
    running.tick(DT, DeactivateEvent())
    assert running.modes[-1] == "inactive"
    assert running.command.publish
    while running.command.publish:
        running.tick()
    assert speed(running) == 0.0
    running.run(1.0, segments=True)
    assert len(running.streams) == 1
    running.tick(DT, ActivateEvent())
    running.run(0.5, segments=True)
    assert running.modes[-1] == "running"
    running.assert_within_limits()


def test_lost_joint_states_hold_the_last_command(running: Any) -> None:
    running.sensors = False
    running.run(3.0, segments=True)
    assert running.core.state.reason is Reason.JOINT_STATES_LOST
    assert running.command.publish


def test_repeated_joint_states_count_as_lost(running: Any) -> None:
    running.sensors = False
    stuck = running.joint_state()
    for _ in range(80):
        running.tick(DT, running.joint_state(stamp=stuck.stamp))
    assert running.core.state.reason is Reason.JOINT_STATES_LOST


def test_joint_states_that_are_not_numbers_count_as_lost(running: Any) -> None:
    running.sensors = False
    for _ in range(80):
        running.tick(DT, running.joint_state(position=(math.nan,) * 3))
    assert running.core.state.reason is Reason.JOINT_STATES_LOST
    running.assert_within_limits()


def test_a_long_gap_brakes_instead_of_catching_up(running: Any) -> None:
    assert speed(running) > 0.1
    running.run(0.1, segments=True)
    running.tick(0.15)
    assert running.core.long_ticks == 1
    running.run(0.5, segments=True)
    assert running.modes[-1] == "running"
    running.assert_within_limits()


def test_a_tick_too_soon_makes_no_command(running: Any) -> None:
    before = running.command.position.tolist()
    assert not running.tick(1e-4).publish
    assert running.command.position.tolist() == before
    assert running.tick().publish


def test_gripper_follows_segments_and_stays_when_motion_stops(make_rig: Any) -> None:
    rig = make_rig(gripper=GripperSettings(rate=0.1))
    rig.activate()
    assert math.isnan(rig.command.gripper)
    for value in (0.0, 1.0):
        for k in range(20):
            rig.tick(DT, *([rig.chunk(), rig.segment(gripper=np.full(20, value))] if k % 4 == 0 else []))
    opened = rig.command.gripper
    assert 0.005 < opened < 0.01
    rig.tick(DT, EStopEvent())
    rig.run(1.0)
    assert rig.command.gripper == pytest.approx(opened)


def test_stop_point_is_where_the_arm_comes_to_rest(running: Any) -> None:
    point = running.core.stop_point()
    running.tick(DT, EStopEvent())
    running.run(point.time_from_start)
    assert running.command.position == pytest.approx(point.positions, abs=1e-9)
    assert speed(running) == 0.0
    assert running.core.stop_point().time_from_start == 0.0


def test_status_reports_what_is_going_on(running: Any) -> None:
    running.tick(DT, running.segment(epoch=9))
    status = running.core.status(running.now())
    assert (status.mode, status.text, status.epoch) == (Mode.RUNNING, "running", 0)
    assert status.rejected == {"segment: epoch": 1}
    assert status.chunks_accepted == status.segments_accepted == 50
    assert status.splices == 49
    assert status.chunk_age == pytest.approx(0.125, abs=1e-6)
    assert status.segment_age == pytest.approx(0.025, abs=1e-6)
    assert status.joint_state_age == status.heartbeat_age == 0.0
    assert status.observation_age == pytest.approx(0.055, abs=1e-6)
    assert 0.0 < status.max_velocity_ratio <= 1.0
    assert len(status.limiter_activity) == len(status.tracking_error) == 3
    assert status.enabled
    assert status.active
    assert not status.still


def test_an_error_inside_becomes_a_fault_and_the_arm_stops(running: Any) -> None:
    def broken(_: float) -> None:
        raise RuntimeError("boom")

    running.core.intake.timeline.sample = broken
    running.core.step(running.now())
    running.core.inbox.append(running.joint_state())
    for _ in range(200):
        running.steady += DT
        running.ros += DT
        command = running.core.step(running.now())
    assert (command.mode, command.reason) == (Mode.FAULT, Reason.INTERNAL)
    assert not command.velocity.any()
    assert "boom" in running.core.status(running.now()).text
