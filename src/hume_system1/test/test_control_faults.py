"""Every fault is a controlled stop with a reason, and nothing restarts by itself after FAULT or ESTOP."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hume_system1.control.events import (
    EnableEvent,
    EStopEvent,
    ResetEvent,
    TakeoverEvent,
)
from hume_system1.control.report import core_status
from hume_system1.control.states import Mode, Reason

DT = 0.005


def test_starved_of_segments_finishes_what_is_committed_then_holds_and_says_why(running: Any) -> None:
    end = running.ros + 19 * 0.02 - 0.03
    running.tick(DT, running.chunk(), running.segment())
    while running.ros < end - 2 * DT:
        running.tick()
    assert running.modes[-1] == "running"
    running.run(0.03)
    assert running.core.state.reason is Reason.NO_SEGMENT
    running.assert_stops(running.run)
    assert running.core.state.reason in (Reason.SEGMENT_STALE, Reason.OBSERVATION_STALE)
    running.run(3.0)
    assert running.core.state.reason is Reason.CHUNK_STALE


def test_stale_chunk_holds_though_segments_still_come(running: Any) -> None:
    for k in range(500):
        running.seq += 1
        chunk_seq = running.core.intake.chunks.seq
        running.tick(DT, *([running.segment(chunk_seq=chunk_seq)] if k % 4 == 0 else []))
    assert running.core.state.reason is Reason.CHUNK_STALE
    assert running.speed() == 0.0


def test_old_observations_hold_though_segments_still_come(running: Any) -> None:
    seen = running.ros
    for k in range(300):
        events = [running.chunk(), running.segment(observation_stamp=seen)] if k % 4 == 0 else []
        running.tick(DT, *events)
    assert running.core.state.reason is Reason.OBSERVATION_STALE
    assert running.speed() == 0.0
    assert core_status(running.core, running.now()).rejected["segment: observation age"] > 0


FAULTS: dict[str, tuple[Callable[[Any], None], float, Reason]] = {
    "denoiser hangs": (lambda rig: setattr(rig, "heartbeat", False), 5.0, Reason.DENOISER_LOST),
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
    running.assert_stops(feed)

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
        ([-30.0], Reason.CLOCK_BACKWARD),
        ([3.0], Reason.CLOCK_FORWARD),
    ],
)
def test_clock_faults_stop_the_motion(running: Any, ros_steps: list[float], reason: Reason) -> None:
    for step in ros_steps:
        running.tick(DT, running.chunk(), running.segment(), ros_dt=step)
    assert running.core.state.reason is reason
    running.assert_stops(running.run)
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
    before = running.speed()
    epoch = running.core.intake.epoch
    running.tick()
    assert running.modes[-1] == "estop"
    assert running.core.intake.epoch == epoch + 1
    running.run(0.05, segments=True)
    assert running.speed() < before
    running.assert_stops(lambda seconds: running.run(seconds, segments=True))
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
    assert core_status(running.core, running.now()).rejected["chunk: epoch"] == 1


def test_estop_while_taken_over_publishes_nothing(running: Any) -> None:
    running.tick(DT, TakeoverEvent())
    running.run(1.0)
    running.tick(DT, EStopEvent())
    running.run(0.5)
    assert running.modes[-1] == "estop"
    assert len(running.streams) == 1
    assert not running.command.publish


def test_lost_joint_states_stop_the_arm_and_the_stream(running: Any) -> None:
    running.sensors = False
    running.run(running.core.settings.joint_state_age + running.longest_stop() + 0.02, segments=True)
    assert running.core.state.reason is Reason.JOINT_STATES_LOST
    assert running.speed() == 0.0
    assert not running.command.publish
    running.assert_within_limits()


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


def test_an_error_inside_becomes_a_fault_and_the_arm_stops(running: Any) -> None:
    def broken(*_: float) -> None:
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
    assert "boom" in core_status(running.core, running.now()).text


def test_reset_waits_for_an_arm_that_is_measured_to_move(running: Any) -> None:
    running.tick(DT, EStopEvent())
    running.run(0.5)
    running.tick(DT, ResetEvent(), running.chunk())
    running.sensors = False
    for _ in range(20):
        running.tick(DT, running.joint_state(velocity=(0.0, 0.2, 0.0)), running.chunk())
    assert running.core.state.reason is Reason.RESET_NOT_STILL
    running.sensors = True
    running.tick(DT, running.chunk())
    running.tick()
    assert running.modes[-1] == "idle"


def test_resumes_from_afar_at_half_the_speed_limit(running: Any) -> None:
    running.tick(DT, EStopEvent())
    running.run(0.5)
    running.tick(DT, ResetEvent())
    fastest = 0.0
    for k in range(400):
        events = [running.chunk(), running.segment(amplitude=1.0, frequency=0.0)] if k % 4 == 0 else []
        running.tick(DT, *events)
        fastest = max(fastest, float((np.abs(running.command.velocity) / running.core.limits.velocity).max()))
    assert running.modes[-1] == "running"
    assert 0.3 < fastest < 0.6


def test_arrival_times_of_the_future_do_not_deceive_the_watchdogs(running: Any) -> None:
    running.tick(DT, running.joint_state(received=1e12), running.segment(received=1e12))
    running.sensors = False
    running.run(0.5)
    assert running.core.state.reason is Reason.JOINT_STATES_LOST
