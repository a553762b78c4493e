"""/clock of a simulator: in steps of 1 to 100 ms, slower or faster than real time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hume_core.chunk import Chunk, Segment
from hume_core.limits import MotionLimits
from hume_system1.control.command import ClockReading
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.core import ControlCore
from hume_system1.control.events import ActivateEvent, ChunkEvent, HeartbeatEvent, JointStateEvent, SegmentEvent
from hume_system1.control.report import core_status
from hume_system1.control.ros_clock import RosClock
from hume_system1.control.states import Mode, Reason

PERIOD = 0.005
NAMES = ("j",)


def ramp(hertz: float, speed: float, jitter: float, simulation: float) -> tuple[np.ndarray, ControlCore]:
    """Commanded speeds, rad per simulated second, where `speed` is wanted and /clock comes `hertz` times in one."""
    limits = MotionLimits(
        names=NAMES, lower=np.array([-90.0]), upper=np.array([90.0]), velocity=np.array([4.0]),
        acceleration=np.array([16.0]), jerk=np.array([320.0]), tracking=np.array([0.5]),
    )  # fmt: skip
    random = np.random.default_rng(round(hertz * 10 + simulation * 7))
    core, found = ControlCore(limits, ControlSettings()), []
    steady, sim, ros, due, place, seq = 1e3, 60.0, 60.0, 60.0, 0.0, 0
    for k in range(1800):
        steady, sim = steady + PERIOD, sim + PERIOD * simulation
        while sim >= due:
            ros, due = due, due + 1.0 / hertz
        # What is measured and planned is stamped by the simulator. It arrives up to `jitter` late.
        stamp = sim - simulation * float(random.uniform(0.0, jitter))
        core.inbox.append(JointStateEvent(NAMES, (place,), (), stamp, steady))
        core.inbox.append(HeartbeatEvent(steady))
        if k == 40:
            core.inbox.append(ActivateEvent())
        if k > 60 and k % 4 == 0:
            seq += 2
            chunk = Chunk(
                stamp=ros - 0.1, epoch=0, seq=seq, dt=0.05, rows=np.zeros((20, 1), np.float32), anchor=np.zeros(1),
                names=NAMES, action_space="joint_position",
            )  # fmt: skip
            core.inbox.append(ChunkEvent(chunk, steady))
            times = ros + 0.05 * np.arange(20)
            segment = Segment(
                stamp=ros, dt=0.05, epoch=0, chunk_seq=seq, seq=seq + 1, names=NAMES,
                positions=speed * (times[:, None] - 60.0), grippers=np.zeros((20, 0)), observation_stamp=ros - 0.02,
            )  # fmt: skip
            core.inbox.append(SegmentEvent(segment, steady))
        command = core.step(ClockReading(steady, ros))
        if command.publish:
            place = float(command.position[0])
        if k > 900:
            found.append(float(command.velocity[0]) / simulation)
    return np.array(found), core


@pytest.mark.parametrize("hertz", [10.0, 13.0, 40.0, 125.0, 500.0])
@pytest.mark.parametrize("simulation", [0.5, 0.7, 1.0, 1.6, 5.0])
def test_motion_is_even_from_ten_hertz_on_whatever_the_speed_of_the_simulation(hertz: float, simulation: float) -> None:
    speeds, core = ramp(hertz, 0.4, 0.0, simulation)
    assert core.state.mode is Mode.RUNNING, core.state
    assert np.abs(speeds - 0.4).max() < 0.05 * 0.4
    assert core_status(core, ClockReading(1e3, 60.0)).clock == ""


@pytest.mark.parametrize(("hertz", "simulation"), [(4.0, 1.0), (3.0, 2.0), (5.0, 1.0)])
def test_below_ten_hertz_a_message_names_the_rate(hertz: float, simulation: float) -> None:
    _, core = ramp(hertz, 0.2, 0.0, simulation)
    told = core_status(core, ClockReading(1e3, 60.0)).clock
    assert f"per second, in steps of {1 / hertz:.2f} s" in told
    assert float(told.split()[2]) == pytest.approx(hertz * simulation, rel=0.05)


@pytest.mark.parametrize("hertz", [10.0, 20.0])
def test_a_coarse_clock_makes_nothing_come_from_the_future(hertz: float) -> None:
    _, core = ramp(hertz, 0.4, 0.004, 1.0)
    assert not [reason for reason in core.intake.rejected if "future" in reason]


@pytest.mark.parametrize(("step", "rate"), [(0.1, 1.0), (0.05, 0.5), (0.08, 2.0), (0.1, 0.5)])
def test_a_coarse_clock_that_stops_halts_the_motion_and_is_a_fault(step: float, rate: float) -> None:
    clock, readings = RosClock(frozen=0.2, jump=0.25), []
    for k in range(3000):
        steady = k * PERIOD
        readings.append(min(np.floor(rate * steady / step) * step, 6.0))
        clock.update(steady, 50.0 + readings[-1])
        if readings[-1] < 6.0:
            assert clock.fault is Reason.NONE
    assert clock.fault is Reason.CLOCK_FROZEN
    assert clock.time < 56.0 + 2.5 * step


def test_a_clock_that_keeps_real_time_is_taken_as_it_is() -> None:
    """What a robot's own clock reads is used to the bit, though readings are taken at uneven times."""
    random = np.random.default_rng(4)
    clock, steady = RosClock(frozen=0.2, jump=0.25), 7.0
    expected = before = None
    for _ in range(2000):
        steady += PERIOD * float(random.uniform(0.5, 1.5))
        ros = 1.7e9 + steady * (1.0 + 2e-5) + float(random.exponential(5e-5))
        clock.update(steady, ros)
        assert clock.now(ros) == ros
        assert clock.rate == 1.0
        if expected is not None:
            ahead = expected + (steady - before)
            expected = max(expected, ahead + 0.1 * (ros - ahead))
        else:
            expected = ros
        before = steady
        assert clock.time == expected


@pytest.mark.parametrize("change", [0.5, 2.0])
def test_a_simulation_that_changes_its_speed_is_followed(change: float) -> None:
    clock, sim, ros, times = RosClock(frozen=0.2, jump=0.25), 0.0, 0.0, []
    for k in range(4000):
        sim += PERIOD * (1.0 if k < 2000 else change)
        ros = np.floor(sim / 0.1 + 1e-9) * 0.1
        clock.update(k * PERIOD, 20.0 + ros)
        times.append(clock.time - 20.0 - sim)
    assert np.abs(times[-500:]).max() < 0.02
    assert np.abs(times[2000:]).max() < 0.3
    assert clock.fault is Reason.NONE


def test_status_text_of_a_frozen_coarse_clock_names_its_rate(make_rig: Any) -> None:
    rig = make_rig()
    whole = rig.joint_state
    rig.joint_state = lambda **changes: whole(**{"stamp": 0.0, **changes})
    for k in range(80):
        rig.tick(PERIOD, ros_dt=0.25 if k % 40 == 0 else 0.0)
    rig.core.inbox.append(ActivateEvent())
    for k in range(400):
        rig.tick(PERIOD, ros_dt=0.25 if k % 40 == 0 and k < 200 else 0.0)
    assert rig.core.state.reason is Reason.CLOCK_FROZEN
    assert "/clock comes 5.0 times per second, in steps of 0.25 s" in core_status(rig.core, rig.now()).text
