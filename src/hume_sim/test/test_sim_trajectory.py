"""Trajectories between points, and the controller that plays them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hume_core.errors import ActionSpaceError
from hume_sim.trajectory import JointTrajectory
from hume_sim.trajectory_controller import JointTrajectoryController

TIMES = np.array([0.0, 2.0, 4.0])
POSITIONS = np.array([[0.0, 0.0], [1.0, -1.0], [2.0, 3.0]])
REST = np.zeros(2)


def polynomial(powers: list[float], times: Any) -> list[Any]:
    """Value and two derivatives of a polynomial (coefficients from the constant on) at times (p,), each (p, 1)."""
    p = np.polynomial.Polynomial(powers)
    return [np.asarray(q(np.asarray(times)))[..., None] for q in (p, p.deriv(), p.deriv(2))]


def test_linear_between_points() -> None:
    point = JointTrajectory(TIMES, POSITIONS).sample(0.5)
    np.testing.assert_allclose(point.position, [0.25, -0.25])
    np.testing.assert_allclose(point.velocity, [0.5, -0.5])


def test_the_last_point_stays() -> None:
    np.testing.assert_array_equal(JointTrajectory(TIMES, POSITIONS).sample(9.0).position, POSITIONS[-1])


@given(st.floats(0.0, 0.999))
def test_a_cubic_meets_positions_and_velocities(time: float) -> None:
    """A cubic that rests at 1 s is found again from its values and slopes."""
    powers = [0.3, 0.0, 1.5, -1.0]
    positions, velocities, _ = polynomial(powers, [0.0, 0.4, 1.0])
    point = JointTrajectory(np.array([0.0, 0.4, 1.0]), positions, velocities).sample(time)
    np.testing.assert_allclose(np.stack(point), np.stack(polynomial(powers, time)), atol=1e-9)


@given(st.floats(0.0, 0.999))
def test_a_quintic_meets_accelerations_too(time: float) -> None:
    powers = [0.1, 0.0, -0.2, 10.0, -15.0, 6.0]
    powers[1] = -sum(k * c for k, c in enumerate(powers))  # at rest after 1 s
    states = polynomial(powers, [0.0, 0.3, 1.0])
    point = JointTrajectory(np.array([0.0, 0.3, 1.0]), *states).sample(time)
    np.testing.assert_allclose(np.stack(point), np.stack(polynomial(powers, time)), atol=1e-8)


@pytest.mark.parametrize(
    ("times", "positions", "velocities", "message"),
    [
        ([], np.zeros((0, 2)), None, "no points"),
        ([0.0, 1.0], np.zeros((3, 2)), None, "shapes differ"),
        ([0.0, 1.0], np.zeros((2, 2)), np.zeros((2, 3)), "shapes differ"),
        ([0.0, np.nan], np.zeros((2, 2)), None, "not finite"),
        ([0.0, 1.0], np.full((2, 2), np.inf), None, "not finite"),
        ([1.0, 1.0], np.zeros((2, 2)), None, "increase"),
        ([0.0, 1.0], np.zeros((2, 2)), np.full((2, 2), 0.1), "must be at rest"),
    ],
)
def test_malformed_trajectories_are_refused(times: Any, positions: Any, velocities: Any, message: str) -> None:
    with pytest.raises(ActionSpaceError, match=message):
        JointTrajectory(np.array(times), positions, velocities)


@pytest.mark.parametrize("from_desired", [False, True])
def test_the_way_to_the_first_point_begins_in_the_measured_or_the_desired_state(from_desired: bool) -> None:
    controller = JointTrajectoryController(0.01, from_desired)
    ahead = JointTrajectory(np.array([0.1]), np.array([[1.0, 1.0]]))
    controller.update(10.0, REST, REST)
    controller.accept(ahead, None, 10.0)
    commands = [controller.update(10.01 + 0.01 * k, REST, REST).position for k in range(5)]
    controller.accept(JointTrajectory(np.array([0.1]), np.array([[2.0, 2.0]])), None, 10.06)
    command = controller.update(10.06, REST - 0.5, REST).position
    expected = commands[-1] + (2.0 - commands[-1]) * 2 / 11 if from_desired else -0.5 + 2.5 * 0.1
    np.testing.assert_allclose(command, expected)


@pytest.mark.parametrize("from_desired", [False, True])
def test_a_first_point_in_the_past_makes_the_arm_s_state_irrelevant(from_desired: bool) -> None:
    controller = JointTrajectoryController(0.01, from_desired)
    controller.accept(JointTrajectory(TIMES, POSITIONS), 9.0, 9.5)
    np.testing.assert_allclose(controller.update(9.5, REST - 7.0, REST + 3.0).position, [0.255, -0.255])


def test_a_trajectory_that_has_ended_is_refused() -> None:
    with pytest.raises(ActionSpaceError, match=r"ended 1\.000 s ago"):
        JointTrajectoryController(0.01).accept(JointTrajectory(TIMES, POSITIONS), 5.0, 10.0)


def test_holds_where_the_arm_is_until_a_message_comes() -> None:
    controller = JointTrajectoryController(0.01)
    for k in range(3):
        np.testing.assert_array_equal(controller.update(0.01 * k, REST + 0.1 * k, REST).position, REST)
    controller.accept(JointTrajectory(TIMES, POSITIONS), None, 0.03)
    controller.update(0.03, REST, REST)
    controller.hold()
    np.testing.assert_array_equal(controller.update(0.04, REST + 0.7, REST).position, REST + 0.7)
