"""Commands go out only while the robot's controllers listen and something moves the arm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hume_system1.control.events import (
    CommandersEvent,
    ControllersEvent,
    DenoiserEvent,
    EpochEvent,
    EStopEvent,
    ResetEvent,
)
from hume_system1.control.report import core_status
from hume_system1.control.states import Mode, Reason

DT = 0.005
AWAY = ControllersEvent("arm_controller is inactive")
BACK = ControllersEvent("")
ELSEWHERE = (0.6, 0.7, -0.9)


def enter(rig: Any, mode: str) -> None:
    """Bring a running rig to a mode, at rest but for RUNNING."""
    if mode == "running":
        return
    if mode == "idle":
        rig.tick(DT, EpochEvent(rig.core.intake.epoch + 1))
        rig.run(1.5)
    elif mode == "hold":
        rig.run(1.5)
    elif mode == "estop":
        rig.tick(DT, EStopEvent())
        rig.run(1.5)
    else:
        rig.tick(DT, DenoiserEvent("killed by SIGKILL"))
        rig.run(1.5)
        rig.tick(DT, DenoiserEvent(""))
    assert rig.modes[-1] == mode


def reset_elsewhere(rig: Any) -> None:
    """Leave FAULT or ESTOP. What is published meanwhile is where the arm is."""
    rig.tick(DT, ResetEvent())
    rig.tick(DT, rig.chunk())
    while rig.modes[-1] != "idle":
        rig.tick()
        assert not rig.command.publish or rig.command.position == pytest.approx(ELSEWHERE, abs=1e-5)
    rig.run(1.5, segments=True)
    assert rig.modes[-1] == "running"


@pytest.mark.parametrize("mode", ["running", "hold", "idle", "fault", "estop"])
@pytest.mark.parametrize("seconds", [0.01, 3.0])
@pytest.mark.parametrize("segments", [False, True])
def test_a_controller_that_comes_back_meets_its_arm_where_it_stands(
    running: Any, mode: str, seconds: float, segments: bool
) -> None:
    """Whatever the mode: nothing is sent while it is away, and then the first one is where the arm is measured."""
    enter(running, mode)
    running.tick(DT, AWAY)
    assert not running.command.publish
    running.measured = list(ELSEWHERE)
    for _ in range(round(seconds / DT)):
        running.tick(DT, *([running.chunk(), running.segment()] if segments else []))
        assert not running.command.publish
    running.tick(DT, BACK)
    while not running.command.publish and running.modes[-1] not in ("fault", "estop"):
        running.tick()
    if running.command.publish:
        assert running.command.position == pytest.approx(ELSEWHERE, abs=1e-5)
        running.run(1.5, segments=True)
        assert running.modes[-1] == "running"
    else:
        reset_elsewhere(running)
    running.assert_within_limits()


def test_the_status_names_the_controller_that_is_away(running: Any) -> None:
    running.tick(DT, AWAY)
    assert (running.core.state.mode, running.core.state.reason) == (Mode.HOLD, Reason.CONTROLLER_AWAY)
    status = core_status(running.core, running.now())
    assert "arm_controller is inactive" in status.text
    assert status.released


def test_waits_for_the_controller_before_the_first_start(make_rig: Any) -> None:
    rig = make_rig()
    rig.tick(DT, AWAY)
    rig.activate()
    rig.run(0.3, segments=True)
    assert rig.core.state.reason is Reason.CONTROLLER_AWAY
    assert not rig.streams
    rig.tick(DT, BACK)
    rig.run(0.5, segments=True)
    assert rig.modes[-1] == "running"


def test_a_pause_ends_where_it_began_though_the_arm_sags(running: Any) -> None:
    """A servo that gives way under load is no reason to begin again: that would let the arm down at each pause."""
    running.arm = lambda command, _: (command.position - 0.05).tolist()
    running.run(1.0, segments=True)
    running.run(2.0)
    assert running.modes[-1] == "hold"
    place = running.command.position.copy()
    assert not running.command.publish
    running.run(DT, segments=True)
    assert running.command.publish
    assert running.command.position == pytest.approx(place, abs=1e-4)


def test_joint_states_that_come_back_are_accepted(running: Any) -> None:
    """It is unknown what the arm did meanwhile: the motion begins where it is seen again."""
    running.sensors = False
    running.run(2.0)
    running.sensors, running.measured = True, list(ELSEWHERE)
    running.run(0.1)
    assert running.modes[-1] == "fault"
    reset_elsewhere(running)


def test_a_second_commander_is_a_fault_that_names_it(running: Any) -> None:
    running.tick(DT, CommandersEvent("/teleop publishes on arm_controller/commands"))
    assert (running.core.state.mode, running.core.state.reason) == (Mode.FAULT, Reason.FOREIGN_COMMANDER)
    assert "/teleop" in core_status(running.core, running.now()).text
    running.run(1.0, segments=True)
    assert not running.command.publish
    running.tick(DT, CommandersEvent(""))
    running.tick(DT, ResetEvent())
    running.run(1.0, segments=True)
    assert running.modes[-1] == "running"


@pytest.mark.parametrize("rate", [200.0, 500.0])
@pytest.mark.parametrize("stall", [0.02, 0.05, 0.4])
@pytest.mark.parametrize("amplitude", [0.2, 0.45])
def test_no_message_makes_up_for_what_was_missed(make_rig: Any, rate: float, stall: float, amplitude: float) -> None:
    """A controller that stays at the last command would do the missed motion in one cycle."""
    rig = make_rig(rate_hz=rate)
    period = 1.0 / rate
    rig.activate()
    rig.run(1.0, period, segments=True, amplitude=amplitude, frequency=0.5)
    for _ in range(4):
        rig.run(0.37, period, segments=True, amplitude=amplitude, frequency=0.5)
        before, missed = rig.command.position.copy(), rig.core.long_ticks
        rig.tick(stall)
        assert rig.core.long_ticks == missed + 1
        assert (np.abs(rig.command.position - before) <= rig.core.limits.velocity * period).all()
        rig.run(0.5, period, segments=True, amplitude=amplitude, frequency=0.5)
        assert rig.modes[-1] == "running"
    rig.assert_within_limits()


@pytest.mark.parametrize("stall", [0.02, 0.05, 0.4])
def test_a_stop_that_the_controller_plays_goes_on_where_it_has_come_to(make_rig: Any, stall: float) -> None:
    """The commands are those of one unbroken stop, however long nothing came."""
    rig = make_rig(plays_stop=True)
    rig.activate()
    rig.run(1.0, segments=True)
    for _ in range(4):
        rig.run(0.37, segments=True)
        rig.tick(stall)
        rig.run(0.5, segments=True)
        assert rig.modes[-1] == "running"
    rig.assert_within_limits()


@pytest.mark.parametrize("stall", [0.3, 0.6, 5.0])
@pytest.mark.parametrize("plays_stop", [False, True])
def test_a_stall_of_the_loop_is_no_silence_of_the_others(make_rig: Any, stall: float, plays_stop: bool) -> None:
    """What came meanwhile is taken in later ticks. Until then it is not missed."""
    rig = make_rig(plays_stop=plays_stop)
    rig.activate()
    rig.run(1.0, segments=True)
    rig.sensors = rig.heartbeat = False
    rig.tick(stall)
    rig.run(0.02)
    rig.sensors = rig.heartbeat = True
    rig.run(1.0, segments=True)
    assert "fault" not in rig.modes
    assert rig.modes[-1] == "running"
    rig.assert_within_limits()


def test_a_loop_that_stalls_again_and_again_still_misses_what_is_gone(running: Any) -> None:
    running.sensors = False
    running.run(0.1)
    for _ in range(60):
        running.tick(0.1)
        running.tick()
        if running.modes[-1] == "fault":
            break
    assert running.core.state.reason is Reason.JOINT_STATES_LOST
