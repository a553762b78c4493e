"""The core in operation: activation, following, hand-over, epochs, limits, status."""

from __future__ import annotations

import ast
import dataclasses
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hume_system1
from hume_core.errors import ConfigError
from hume_system1.control.control_settings import GripperSettings
from hume_system1.control.events import (
    ActivateEvent,
    DeactivateEvent,
    EnableEvent,
    EpochEvent,
    EStopEvent,
    HandbackEvent,
    TakeoverEvent,
)
from hume_system1.control.report import core_status
from hume_system1.control.states import Mode, Reason
from hume_system1.control.stream_check import stream_ratios

DT = 0.005


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
    assert [rig.tick().publish for _ in range(2)] == [False, True]


def test_silence_before_activation_is_no_fault_and_silence_after_it_is_one(make_rig: Any) -> None:
    """Activating locks memory: that can hold up the thread that takes the messages longer than a watchdog waits."""
    rig = make_rig()
    rig.tick()
    rig.sensors = rig.heartbeat = False
    rig.run(1.0)
    rig.tick(DT, ActivateEvent())
    rig.run(0.2)
    assert set(rig.modes) == {"inactive"}
    assert not rig.streams
    rig.sensors = rig.heartbeat = True
    assert [rig.tick().publish for _ in range(2)] == [False, True]
    assert rig.modes[-1] == "idle"

    silent = make_rig()
    silent.tick()
    silent.sensors = False
    silent.run(1.0)
    silent.tick(DT, ActivateEvent())
    silent.run(0.3)
    assert silent.core.state.reason is Reason.JOINT_STATES_LOST
    assert not silent.streams


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
    assert core_status(rig.core, rig.now()).delay == pytest.approx(delay + DT, abs=1e-6)


def test_resumes_by_itself_and_smoothly_when_segments_return(running: Any) -> None:
    running.run(1.5)
    assert running.modes[-1] == "hold"
    running.run(3.0, segments=True)
    assert running.modes[-1] == "running"
    expected = 0.4 * np.sin(math.pi * running.ros + np.arange(3))
    assert running.command.position == pytest.approx(expected, abs=2e-3)
    running.assert_within_limits()


def test_new_epoch_stops_and_starts_anew_without_blending(running: Any) -> None:
    old = running.segment()
    running.tick(DT, EpochEvent(5), old)
    assert running.core.state.reason is Reason.NEW_EPOCH
    for _ in range(10):
        running.tick(DT, running.segment(epoch=0))
    assert core_status(running.core, running.now()).rejected["segment: epoch"] == 11
    running.assert_stops(running.run)
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
        speeds.append(running.speed())
    assert 0.0 in speeds[:-1]


def test_disabled_holds_until_enabled(running: Any) -> None:
    running.tick(DT, EnableEvent(False))
    assert running.core.state.reason is Reason.DISABLED
    running.assert_stops(lambda seconds: running.run(seconds, segments=True))
    running.tick(DT, EnableEvent(True))
    running.run(0.5, segments=True)
    assert running.modes[-1] == "running"
    running.assert_within_limits()


def test_takeover_lets_go_only_at_rest_and_handback_begins_where_the_arm_is(running: Any) -> None:
    running.tick(DT, TakeoverEvent())
    assert running.core.state.reason is Reason.TAKEOVER
    while running.command.publish:
        running.tick()
    assert running.speed() == 0.0
    running.measured = [0.7, 0.8, 0.9]
    running.run(0.5, segments=True)
    assert core_status(running.core, running.now()).released
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


def test_deactivation_brings_the_arm_to_rest_before_it_falls_silent(running: Any) -> None:
    assert running.speed() > 0.1
    running.tick(DT, DeactivateEvent())
    assert running.modes[-1] == "inactive"
    assert running.command.publish
    while running.command.publish:
        running.tick()
    assert running.speed() == 0.0
    running.run(1.0, segments=True)
    assert len(running.streams) == 1
    running.tick(DT, ActivateEvent())
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
            rig.tick(DT, *([rig.chunk(), rig.segment(grippers=np.full((20, 1), value))] if k % 4 == 0 else []))
    opened = rig.command.gripper
    assert 0.005 < opened < 0.01
    rig.tick(DT, EStopEvent())
    rig.run(1.0)
    assert rig.command.gripper == pytest.approx(opened)


def test_each_of_several_grippers_has_its_own_values_and_mapping(make_rig: Any) -> None:
    slow, quick = GripperSettings(rate=0.1, joint="left"), GripperSettings(rate=1.0, closed=0.01, joint="right")
    rig = make_rig(gripper=(slow, quick))
    rig.tick(DT, rig.joint_state(names=("right", "left"), position=(0.03, 0.02), velocity=()))
    rig.activate()
    assert rig.command.grippers.tolist() == [0.02, 0.03]
    values = np.tile([1.0, 0.0], (20, 1))
    rig.tick(DT, rig.chunk(), rig.segment(grippers=values))
    rig.tick(DT)
    assert rig.command.grippers == pytest.approx([0.021, 0.02])
    assert rig.command.gripper == rig.command.grippers[0]


def test_nobody_but_the_intake_writes_its_attributes() -> None:
    """`x.intake.y = ...`, or the same through a local name, would bypass what its methods keep in order."""
    folder = Path(hume_system1.__file__).parent
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            targets = getattr(node, "targets", [getattr(node, "target", None)])
            for target in targets if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) else []:
                written = ast.unparse(target)
                assert not re.search(r"\bintake\.", written), f"{path.name}:{node.lineno}: {written}"


def test_status_reports_what_is_going_on(running: Any) -> None:
    running.tick(DT, running.segment(epoch=9))
    status = core_status(running.core, running.now())
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


def scaled(limits: Any, **factors: float) -> Any:
    """The same limits with some of them multiplied."""
    return dataclasses.replace(limits, **{name: factor * getattr(limits, name) for name, factor in factors.items()})


def test_tightened_limits_hold_from_the_next_standstill_on(running: Any) -> None:
    old = running.core.limits
    running.core.tighten(scaled(old, velocity=0.4, acceleration=0.5, jerk=0.5))
    running.tick()
    assert running.core.state.reason is Reason.NEW_LIMITS
    while running.core.limits is old:
        running.run(DT, segments=True)
    running.streams.append(([running.steady], [running.command.position.tolist()]))
    running.run(3.0, segments=True)
    assert running.modes[-1] == "running"
    times, positions = running.streams[-1]
    assert stream_ratios(np.array(times), np.array(positions), running.core.limits).worst <= 1.0 + 1e-9
    assert running.speed() > 0.0


@pytest.mark.parametrize("field", ["velocity", "acceleration", "jerk", "tracking", "upper", "lower"])
def test_limits_are_never_loosened_live(running: Any, field: str) -> None:
    with pytest.raises(ConfigError, match=f"'{field}' of joint 'joint_0' would be loosened"):
        running.core.tighten(scaled(running.core.limits, **{field: 1.01}))


def test_enabling_does_not_revive_motion_of_before(running: Any) -> None:
    running.tick(DT, running.chunk(), running.segment(rows=100))
    running.tick(DT, EnableEvent(False))
    running.run(0.4)
    running.tick(DT, EnableEvent(True))
    running.run(0.1)
    assert running.modes[-1] == "idle"
    assert running.speed() == 0.0
