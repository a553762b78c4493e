"""Continuous joints: nothing jumps where an angle passes pi, whether the driver counts turns or wraps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hume_system1.control.command import Command
from hume_system1.control.events import (
    ActivateEvent,
    DeactivateEvent,
    EStopEvent,
    HandbackEvent,
    ResetEvent,
    TakeoverEvent,
)

Array = NDArray[np.float64]

TURN = 2.0 * math.pi
ALL = (0, 1, 2)


def wrap(angles: Array) -> Array:
    return (angles + math.pi) % TURN - math.pi


def as_is(angles: Array) -> Array:
    return angles


DRIVERS = pytest.mark.parametrize("report", [as_is, wrap], ids=["counts", "wraps"])


class Driver:
    """Moves the arm by how far a command is from what it last reported, as one does that subtracts the two.

    Attributes:
        position: true positions (n,) with all turns, rad.
        farthest: the largest difference it was ever asked to make, rad.
    """

    def __init__(self, rig: Any, start: Sequence[float], report: Callable[[Array], Array]) -> None:
        self.position, self.report, self.farthest = np.array(start), report, 0.0
        rig.measured = report(self.position).tolist()
        rig.arm = self.follow

    def follow(self, command: Command, reported: list[float]) -> list[float]:
        way = command.position - np.array(reported)
        self.farthest = max(self.farthest, float(np.abs(way).max()))
        self.position = self.position + way
        return self.report(self.position).tolist()


def turn(rig: Any, speeds: Sequence[float], seconds: float, said: Callable[[Array], Array] = as_is) -> Array:
    """Segments that turn the joints (n,) at constant speeds, rad/s. Returns where they lead, rad."""
    start, began = np.array(rig.measured), rig.ros

    def places(times: Array) -> Array:
        return start + np.outer(times - began, speeds)

    for k in range(round(seconds / 0.005)):
        stamp = rig.ros - 0.03
        rows = said(places(stamp + 0.02 * np.arange(20)))
        rig.tick(0.005, *([rig.chunk(), rig.segment(positions=rows)] if k % 4 == 0 else []))
    return places(np.array([rig.ros]))[0]


def assert_same_angles(found: Array, expected: Array, tolerance: float) -> None:
    np.testing.assert_allclose(wrap(np.asarray(found) - expected), 0.0, atol=tolerance)


@DRIVERS
@pytest.mark.parametrize("said", [as_is, wrap, lambda q: wrap(q) - TURN], ids=["on", "wrapped", "a turn less"])
@pytest.mark.parametrize("speeds", [(0.3, 0.4, -0.5), (1.2, -1.5, 1.8), (-1.2, 0.0, 0.05)])
def test_a_joint_passes_pi(make_rig: Any, report: Any, said: Any, speeds: Any) -> None:
    """Both ways round, fast and slow, several joints at once or none, whatever turns the policy counts."""
    start = np.array([3.0, -3.1, 3.05])
    rig = make_rig(continuous=ALL)
    driver = Driver(rig, start, report)
    rig.activate()
    end = turn(rig, speeds, 4.0, said)
    assert set(rig.modes[10:]) == {"running"}
    assert not rig.core.intake.rejected
    assert_same_angles(driver.position, end, 0.03)
    np.testing.assert_allclose(driver.position, start + 4.0 * np.array(speeds), atol=0.1)
    assert driver.farthest < 0.05
    rig.assert_within_limits()


@DRIVERS
@pytest.mark.parametrize(
    ("start", "target", "way"),
    [(3.1, -3.1, 0.0832), (-3.1, 3.1, -0.0832), (0.0, 7.0, 0.7168), (1.0, -25.0, -0.8673), (2.0, -2.0, 2.2832)],
)
def test_an_absolute_target_is_reached_the_short_way(
    make_rig: Any, report: Any, start: float, target: float, way: float
) -> None:
    rig = make_rig(continuous=ALL)
    driver = Driver(rig, [start] * 3, report)
    rig.activate()
    for k in range(2400):
        rig.tick(0.005, *([rig.chunk(), rig.segment(positions=np.full((20, 3), target))] if k % 4 == 0 else []))
    np.testing.assert_allclose(driver.position, start + way, atol=1e-3)
    rig.assert_within_limits()


@DRIVERS
@pytest.mark.parametrize("turned", [0.4, -2.0, 3.5, 7.0, -13.0])
def test_a_reset_brings_the_command_to_a_joint_that_a_hand_has_turned(
    make_rig: Any, report: Any, turned: float
) -> None:
    """The arm stays where it was left. One whose driver wraps is not led round in search of turns it does not know."""
    rig = make_rig(continuous=ALL)
    driver = Driver(rig, [3.0, 0.0, -3.0], report)
    rig.activate()
    turn(rig, (0.2, 0.1, -0.2), 1.0)
    rig.tick(0.005, EStopEvent())
    rig.run(0.5)
    rig.arm = lambda command, reported: reported
    for _ in range(400):
        driver.position = driver.position + turned / 400
        rig.measured = report(driver.position).tolist()
        rig.run(0.01)
    assert rig.modes[-1] == "estop"
    place, resting = driver.position.copy(), np.tile(rig.measured, (20, 1))

    def follow(command: Command, reported: list[float]) -> list[float]:
        """Only what is near, as drivers do after a stop. One that wraps takes any turn of it."""
        way = command.position - np.array(reported)
        if report is wrap:
            way = wrap(way)
        driver.position = np.where(np.abs(way) < 0.25, driver.position + way, driver.position)
        return report(driver.position).tolist()

    rig.arm = follow
    rig.tick(0.005, ResetEvent())
    for k in range(1600):
        rig.tick(0.005, *([rig.chunk(), rig.segment(positions=resting)] if k % 4 == 0 else []))
        assert np.abs(driver.position - place).max() < 0.3
    assert rig.modes[-1] == "running", rig.core.state
    np.testing.assert_allclose(driver.position, place, atol=1e-3)
    rig.assert_within_limits()


@DRIVERS
def test_the_stream_begins_where_a_driver_that_counts_anew_says(make_rig: Any, report: Any) -> None:
    """Deactivated, the driver started again and turns counted otherwise: each beginning is at rest where the arm is."""
    rig = make_rig(continuous=ALL)
    Driver(rig, [8.0, -8.0, 3.0], report)
    rig.activate()
    turn(rig, (0.4, -0.4, 0.4), 1.0)
    rig.tick(0.005, DeactivateEvent())
    rig.run(1.0)
    assert not rig.core.started
    driver = Driver(rig, [1.5, -40.0, -3.1], report)
    rig.run(1.0)
    rig.tick(0.005, ActivateEvent())
    end = turn(rig, (0.4, -0.4, 0.4), 2.0)
    assert rig.modes[-1] == "running", rig.core.state
    assert_same_angles(driver.position, end, 0.03)
    assert driver.farthest < 0.05
    rig.assert_within_limits()


@DRIVERS
@pytest.mark.parametrize("turned", [1.0, 4.0, -9.0])
def test_after_a_takeover_targets_are_taken_nearest_to_where_the_arm_was_left(
    make_rig: Any, report: Any, turned: float
) -> None:
    rig = make_rig(continuous=ALL)
    driver = Driver(rig, [3.0, -3.0, 0.0], report)
    rig.activate()
    turn(rig, (0.2, -0.2, 0.2), 1.0)
    rig.tick(0.005, TakeoverEvent())
    rig.run(0.5)
    assert not rig.command.publish
    for _ in range(200):
        driver.position = driver.position + turned / 200
        rig.measured = report(driver.position).tolist()
        rig.run(0.02)
    place = driver.position.copy()
    rig.tick(0.005, HandbackEvent())
    end = turn(rig, (0.2, -0.2, 0.2), 2.0)
    assert rig.modes[-1] == "running", rig.core.state
    assert_same_angles(driver.position, end, 0.03)
    assert np.abs(driver.position - place).max() < 0.5
    rig.assert_within_limits()


@pytest.mark.parametrize("noise", [0.0, 0.002, 0.1])
def test_a_target_on_the_opposite_side_is_reached_either_way(make_rig: Any, noise: float) -> None:
    """Both ways are as long. A policy that wavers between them does not keep the arm from going."""
    random = np.random.default_rng(7)
    rig = make_rig(continuous=ALL)
    driver = Driver(rig, [3.0, 0.0, -3.0], wrap)
    rig.activate()
    target = driver.position + math.pi
    for k in range(2000):
        rows = np.tile(wrap(target + random.normal(0.0, noise, 3)), (20, 1))
        rig.tick(0.005, *([rig.chunk(), rig.segment(positions=rows)] if k % 4 == 0 else []))
    assert_same_angles(driver.position, target, 4.0 * noise + 0.01)
    assert set(rig.modes[10:]) == {"running"}
    rig.assert_within_limits()


@DRIVERS
@given(data=st.data())
def test_limits_hold_and_nothing_faults(make_rig: Any, report: Any, data: st.DataObject) -> None:
    """Any motion that the joints can do, ticks of any length, turns counted again by every segment."""
    seed = data.draw(st.integers(0, 2**31))
    random = np.random.default_rng(seed)
    continuous = [i for i in ALL if random.integers(3)]
    start = np.where(np.isin(ALL, continuous), random.choice([-1.0, 1.0], 3) * random.uniform(2.8, 3.2, 3), 0.0)
    rig = make_rig(continuous=continuous)
    driver = Driver(rig, start, report)
    amplitude, frequency = random.uniform(0.1, 0.8, 3), random.uniform(0.1, 0.5, 3)
    velocities = bool(random.integers(2))
    rig.sensors = False

    def tick(*events: Any) -> None:
        dt = float(random.uniform(0.004, 0.007))
        changes: dict[str, Any] = {} if velocities else {"velocity": ()}
        state = rig.joint_state(stamp=rig.ros + dt, received=rig.steady + dt, **changes)
        rig.tick(dt, state, *events)

    tick()
    tick(ActivateEvent())
    began = rig.ros
    for k in range(500):
        events = []
        if k % 4 == 0:
            times = rig.ros - 0.03 + 0.02 * np.arange(20) - began
            rows = start + amplitude * np.sin(TURN * frequency * times[:, None])
            rows[:, continuous] += TURN * random.integers(-3, 4, len(continuous))
            events = [rig.chunk(), rig.segment(positions=rows)]
        tick(*events)
    assert set(rig.modes[15:]) == {"running"}, rig.core.state
    assert not rig.core.intake.rejected
    assert driver.farthest < 0.1
    assert np.abs(driver.position - start).max() < 1.0
    rig.assert_within_limits()
