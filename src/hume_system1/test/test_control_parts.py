"""Gripper, inbox, sinks, settings and the stream check."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from hume_core.errors import ConfigError
from hume_system1.control.control_settings import ControlSettings, GripperSettings
from hume_system1.control.events import EnableEvent, EStopEvent, HeartbeatEvent
from hume_system1.control.gripper import GripperSetpoint
from hume_system1.control.inbox import Inbox
from hume_system1.control.stream_check import divided_differences, stream_ratios


def test_gripper_maps_the_policy_range_and_clips() -> None:
    settings = GripperSettings(policy_closed=1.0, policy_open=-1.0, closed=0.01, open=0.05)
    for value, command in ((1.0, 0.01), (-1.0, 0.05), (0.0, 0.03), (9.0, 0.01), (-9.0, 0.05)):
        assert GripperSetpoint(settings).step(value, 0.005) == pytest.approx(command)


def test_gripper_moves_at_its_rate_from_the_measured_opening() -> None:
    gripper = GripperSetpoint(GripperSettings(rate=0.1))
    gripper.start(0.01)
    assert gripper.step(None, 0.005) == 0.01
    assert gripper.step(1.0, 0.005) == pytest.approx(0.0105)
    assert gripper.step(None, 0.005) == pytest.approx(0.0105)
    for _ in range(100):
        gripper.step(1.0, 0.005)
    assert gripper.command == pytest.approx(0.04)


def test_gripper_without_value_says_nothing() -> None:
    gripper = GripperSetpoint(GripperSettings())
    assert math.isnan(gripper.step(None, 0.005))
    assert math.isnan(gripper.target)


@pytest.mark.parametrize(("closed", "open"), [(0.0, 0.04), (0.85, 0.0)])
def test_gripper_target_is_where_the_command_goes(closed: float, open: float) -> None:
    gripper = GripperSetpoint(GripperSettings(rate=0.1, closed=closed, open=open))
    gripper.start(closed)
    gripper.step(None, 0.005)
    assert math.isnan(gripper.target)
    gripper.step(1.0, 0.005)
    assert gripper.target == open
    assert abs(gripper.command - closed) == pytest.approx(0.0005)
    gripper.step(None, 0.005)
    assert gripper.target == open
    gripper.start(closed)
    assert math.isnan(gripper.target)


def test_binary_gripper_does_not_chatter() -> None:
    gripper = GripperSetpoint(GripperSettings(binary=True, rate=100.0))
    commands = [gripper.step(value, 0.005) for value in (0.9, 0.55, 0.45, 0.55, 0.39, 0.45, 0.59, 0.61)]
    assert commands == pytest.approx([0.04, 0.04, 0.04, 0.04, 0.0, 0.0, 0.0, 0.04])


@pytest.mark.parametrize(
    "changes",
    [{"rate": 0.0}, {"policy_open": 0.0}, {"open": math.nan}, {"close_below": 0.7}, {"open_above": 1.5}],
)
def test_bad_gripper_settings_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="gripper"):
        GripperSettings(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"rate_hz": 20.0},
        {"rate_hz": 5000.0},
        {"chunk_age": 0.0},
        {"blend": math.nan},
        {"max_tick": 0.006},
        {"future": -1.0},
    ],
)
def test_bad_settings_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"control"):
        ControlSettings(**changes)


def test_a_flood_of_data_delays_no_request_and_keeps_the_newest(make_rig: Any) -> None:
    rig, inbox = make_rig(), Inbox(capacity=4, joint_states=6)
    for _ in range(1000):
        inbox.append(rig.chunk())
        inbox.append(rig.joint_state())
        inbox.append(HeartbeatEvent())
    newest = rig.segment()
    inbox.append(newest)
    inbox.append(EnableEvent(False))
    inbox.append(EStopEvent())
    assert inbox.estop
    assert isinstance(inbox.take(), EnableEvent)
    rest = []
    while (event := inbox.take()) is not None:
        rest.append(event)
    assert len(rest) == 4 + 6 + 1 + 1
    assert rest[-1] is newest
    assert inbox.dropped == 996


def test_divided_differences_are_exact_for_a_cubic_on_unequal_ticks() -> None:
    t = np.cumsum(np.random.default_rng(0).uniform(0.001, 0.02, 50))
    velocity, acceleration, jerk = divided_differences(t, (t**3)[:, None])
    assert jerk == pytest.approx(np.full((47, 1), 6.0), rel=1e-5)
    assert velocity.shape == (49, 1)
    assert acceleration[0, 0] == pytest.approx(2.0 * t[:3].sum(), rel=1e-6)


def test_stream_check_finds_each_violation(limits: Any) -> None:
    t = 0.01 * np.arange(100)
    slow = np.zeros((100, 3))
    slow[:, 1] = 0.1 * np.sin(t)
    assert stream_ratios(t, slow, limits).worst < 1.0
    assert stream_ratios(t, slow + 5.0, limits).outside == pytest.approx(3.8)
    fast = slow.copy()
    fast[:, 0] = 1.0 * t * 1.6
    assert stream_ratios(t, fast, limits).velocity == pytest.approx(1.6 / 1.5)
    step = slow.copy()
    step[50:, 2] += 0.002
    assert stream_ratios(t, step, limits).jerk > 1.0


def test_control_core_needs_neither_torch_nor_ros() -> None:
    program = (
        "import sys, hume_system1.control.core, hume_system1.control.command_loop\n"
        "assert not {'torch', 'rclpy'} & set(sys.modules), 'heavy import'"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
