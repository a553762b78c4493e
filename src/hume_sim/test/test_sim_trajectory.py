"""Trajectories sampled by time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hume_core.errors import ActionSpaceError
from hume_sim.trajectory import JointTrajectory

TIMES = np.array([1.0, 2.0, 4.0])
POSITIONS = np.array([[0.0, 0.0], [1.0, -1.0], [2.0, 3.0]])
REST = np.zeros(2)


def test_linear_between_points() -> None:
    trajectory = JointTrajectory(TIMES, POSITIONS)
    position, velocity = trajectory.sample(1.25)
    np.testing.assert_allclose(position, [0.25, -0.25])
    np.testing.assert_allclose(velocity, [1.0, -1.0])
    np.testing.assert_allclose(trajectory.sample(3.0)[0], [1.5, 1.0])


def test_rests_before_and_after() -> None:
    trajectory = JointTrajectory(TIMES, POSITIONS)
    for time, expected in ((0.0, POSITIONS[0]), (9.0, POSITIONS[-1])):
        position, velocity = trajectory.sample(time)
        np.testing.assert_array_equal(position, expected)
        np.testing.assert_array_equal(velocity, REST)


@given(st.floats(1.0, 3.999))
def test_cubic_meets_position_and_velocity(time: float) -> None:
    """A cubic through samples of t^3 with its own derivative is t^3 itself."""
    cubic = JointTrajectory(TIMES, TIMES[:, None] ** 3, 3 * TIMES[:, None] ** 2)
    position, velocity = cubic.sample(time)
    np.testing.assert_allclose(position, [time**3], rtol=1e-9)
    np.testing.assert_allclose(velocity, [3 * time**2], rtol=1e-9)


def test_starts_from_the_present_setpoint() -> None:
    started = JointTrajectory(TIMES, POSITIONS).starting_from(10.0, 0.0, np.array([5.0, 5.0]), REST)
    np.testing.assert_allclose(started.sample(10.0)[0], [5.0, 5.0])
    np.testing.assert_allclose(started.sample(10.5)[0], [2.5, 2.5])
    np.testing.assert_allclose(started.sample(11.0)[0], POSITIONS[0])
    np.testing.assert_allclose(started.sample(14.0)[0], POSITIONS[2])


def test_late_arrival_skips_past_points() -> None:
    started = JointTrajectory(TIMES, POSITIONS).starting_from(10.0, -3.0, np.array([1.5, 1.0]), REST)
    np.testing.assert_allclose(started.sample(10.5)[0], [1.75, 2.0])


def test_wholly_past_trajectory_ends_at_its_last_point() -> None:
    started = JointTrajectory(TIMES, POSITIONS).starting_from(10.0, -50.0, REST, REST)
    np.testing.assert_array_equal(started.sample(10.0)[0], POSITIONS[-1])


def test_start_velocity_carries_over() -> None:
    moving = JointTrajectory(TIMES, POSITIONS, np.zeros_like(POSITIONS))
    _, velocity = moving.starting_from(0.0, 0.0, REST, np.array([0.7, 0.1])).sample(0.0)
    np.testing.assert_allclose(velocity, [0.7, 0.1])


@pytest.mark.parametrize(
    ("times", "positions", "velocities", "message"),
    [
        ([], np.zeros((0, 2)), None, "no points"),
        ([0.0, 1.0], np.zeros((3, 2)), None, "shapes differ"),
        ([0.0, 1.0], np.zeros((2, 2)), np.zeros((2, 3)), "shapes differ"),
        ([0.0, np.nan], np.zeros((2, 2)), None, "not finite"),
        ([0.0, 1.0], np.full((2, 2), np.inf), None, "not finite"),
        ([1.0, 1.0], np.zeros((2, 2)), None, "increase"),
    ],
)
def test_malformed_trajectories_are_refused(times, positions, velocities, message) -> None:
    with pytest.raises(ActionSpaceError, match=message):
        JointTrajectory(np.array(times), positions, velocities)
