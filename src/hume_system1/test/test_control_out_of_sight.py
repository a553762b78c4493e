"""A robot that is switched off and on stands elsewhere: no command may send it back to where it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hume_system1.control.events import EStopEvent, ResetEvent
from hume_system1.control.states import Mode

DT = 0.005


def _come_back_elsewhere(rig: Any) -> list[float]:
    """Switched on again, its controller keeps the arm where it stands now, rad."""
    rig.measured = [0.35, -0.4, 0.5]
    rig.sensors = True
    return list(rig.measured)


def _reset_starts_at(rig: Any, place: list[float]) -> None:
    """The first command after a reset asks for where the arm is."""
    rig.tick(DT, ResetEvent())
    for _ in range(400):
        if rig.tick(DT, rig.chunk(), rig.segment()).publish:
            break
    np.testing.assert_allclose(rig.command.position, place, atol=1e-5)
    rig.run(0.5, segments=True)
    assert rig.core.state.mode is Mode.RUNNING
    rig.assert_within_limits()


@pytest.mark.parametrize("held_up", [0.3, 1.0])
@pytest.mark.parametrize("moving", [True, False])
def test_a_robot_that_came_back_while_the_loop_itself_was_held_up(running: Any, held_up: float, moving: bool) -> None:
    running.sensors = False
    stop = 0.02 if moving else 0.1
    running.run(running.core.settings.joint_state_age + stop, segments=True)
    assert running.core.state.mode is Mode.FAULT
    running.steady += held_up
    running.ros += held_up
    place = _come_back_elsewhere(running)
    running.run(1.0)
    _reset_starts_at(running, place)


@pytest.mark.parametrize("silent", [0.3, 1.0, 5.0])
def test_a_robot_that_was_silent_while_it_was_stopped(running: Any, silent: float) -> None:
    running.tick(DT, EStopEvent())
    running.run(1.0)
    running.sensors = False
    running.run(silent)
    place = _come_back_elsewhere(running)
    running.run(1.0)
    _reset_starts_at(running, place)


def _first_command_after_a_reset(rig: Any) -> Any:
    rig.arm = lambda command, measured: measured
    rig.tick(DT, ResetEvent())
    for _ in range(400):
        if rig.tick(DT, rig.chunk(), rig.segment()).publish:
            break
    return rig.command.position


def test_an_arm_that_a_hand_has_moved_is_met_by_the_command_smoothly(running: Any) -> None:
    """Its controller still has the last command: none may lie far from it."""
    running.tick(DT, EStopEvent())
    running.run(1.0)
    last = running.command.position.copy()
    running.arm = lambda command, measured: measured
    for _ in range(200):
        running.measured[1] += 0.4 / 200
        running.tick(DT)
    np.testing.assert_allclose(_first_command_after_a_reset(running), last, atol=0.01)


@pytest.mark.parametrize("jump", [0.35, 0.6])
def test_joint_states_that_jump_between_two_states_lead_to_no_jump_of_the_command(running: Any, jump: float) -> None:
    """They lie, or somebody sets an encoder to zero. Nobody can switch a robot off and on in this time."""
    running.tick(DT, EStopEvent())
    running.run(1.0)
    last = running.command.position.copy()
    running.measured[1] += jump
    running.run(3.0)
    np.testing.assert_allclose(_first_command_after_a_reset(running), last, atol=0.01)
