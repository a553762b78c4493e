"""A trajectory is carried out over time, as `joint_trajectory_controller` does it."""

from __future__ import annotations

import numpy as np
import pytest

from hume_bags.errors import BagError
from hume_bags.executed_trajectory import ExecutedTrack, Points, TrajectoryController

NAN = np.nan
FIXED = np.array([False])


def points(times: list[float], positions: list[float], velocities: object = NAN, accelerations: object = NAN) -> Points:
    rows = [np.broadcast_to(np.asarray(row, float), len(times)) for row in (positions, velocities, accelerations)]
    return Points(np.array(times), np.stack(rows)[..., None])


def values(track: ExecutedTrack, times: list[float]) -> list[float]:
    return track.at(np.array(times))[:, 0].tolist()


def test_every_point_is_reached_when_it_is_due_and_the_last_is_held() -> None:
    controller = TrajectoryController(FIXED, "commands")
    controller.take(10.0, points([10.5, 11.0, 12.0], [1.0, 3.0, 2.0]), np.array([0.0]))
    track = controller.track(20.0)
    assert (track.start, track.end) == (10.0, 20.0)
    assert values(track, [10.0, 10.25, 10.5, 10.75, 11.0, 11.5, 12.0, 20.0]) == pytest.approx(
        [0.0, 0.5, 1.0, 2.0, 3.0, 2.5, 2.0, 2.0]
    )
    with pytest.raises(BagError, match="commands do not cover the episode"):
        track.at(np.array([9.99]))


def test_where_the_joints_are_is_not_known_nothing_is_commanded_before_the_first_point() -> None:
    controller = TrajectoryController(FIXED, "commands")
    controller.take(10.0, points([10.5, 11.0], [1.0, 3.0]))
    assert controller.track(12.0).start == 10.5


@pytest.mark.parametrize("degree", [3, 5])
def test_points_of_a_polynomial_give_that_polynomial(degree: int) -> None:
    """With velocities a cubic is met exactly, with accelerations too a quintic."""
    curve = np.polynomial.Polynomial(np.random.default_rng(degree).normal(size=degree + 1))
    due = [2.0, 2.7, 3.1, 4.4]
    at = np.array(due)
    accelerations = curve.deriv(2)(at) if degree == 5 else NAN
    controller = TrajectoryController(FIXED, "commands")
    controller.take(2.0, points(due, curve(at), curve.deriv()(at), accelerations))
    between = np.linspace(2.0, 4.4, 97)
    np.testing.assert_allclose(controller.track(5.0).at(between)[:, 0], curve(between), atol=1e-9)


@pytest.mark.parametrize("arrival", [0.3, 1.2, 1.9])
def test_a_newer_trajectory_replaces_the_whole_of_an_older_one(arrival: float) -> None:
    controller = TrajectoryController(FIXED, "commands")
    controller.take(0.0, points([0.0, 2.0], [0.0, 2.0]))
    controller.take(arrival, points([arrival + 0.5, arrival + 1.0], [5.0, 6.0]))
    track = controller.track(4.0)
    times = [arrival - 0.1, arrival, arrival + 0.25, arrival + 0.5, arrival + 0.75, 4.0]
    begun = [arrival - 0.1, arrival, (arrival + 5.0) / 2]
    assert values(track, times) == pytest.approx([*begun, 5.0, 5.5, 6.0])


def test_a_trajectory_that_is_under_way_when_it_arrives_goes_on_from_there() -> None:
    controller = TrajectoryController(FIXED, "commands")
    controller.take(3.0, points([2.0, 4.0, 6.0], [0.0, 4.0, 0.0]), np.array([9.0]))
    assert values(controller.track(6.0), [3.0, 3.5, 5.0]) == pytest.approx([2.0, 3.0, 2.0])


def test_a_stream_of_trajectories_that_agree_is_one_curve() -> None:
    """Each message repeats what is past, holds what comes, and ends in a stop that the next one replaces."""
    controller = TrajectoryController(FIXED, "commands")
    for k in range(100):
        now = 0.01 * k
        due = np.array([now - 0.02, now - 0.01, now, now + 0.01, now + 0.02])
        stop = np.array([now + 0.5])
        positions = np.concatenate([np.sin(due), np.sin(due[-1:])])
        speeds = np.concatenate([np.cos(due), [0.0]])
        controller.take(now, points([*due, *stop], positions, speeds))
    times = np.linspace(0.0, 0.99, 331)
    np.testing.assert_allclose(controller.track(1.0).at(times)[:, 0], np.sin(times), atol=1e-9)


def test_a_stop_holds_what_is_commanded_then() -> None:
    controller = TrajectoryController(FIXED, "commands")
    controller.stop(0.0)
    controller.take(1.0, points([1.0, 3.0], [0.0, 2.0]))
    controller.stop(1.5)
    track = controller.track(9.0)
    assert values(track, [1.25, 1.5, 2.0, 9.0]) == pytest.approx([0.25, 0.5, 0.5, 0.5])


@pytest.mark.parametrize("turns", [-2, 1, 3])
def test_a_continuous_joint_goes_the_short_way_to_the_first_point(turns: int) -> None:
    controller = TrajectoryController(np.array([True]), "commands")
    first = 0.4 + 2.0 * np.pi * turns
    controller.take(0.0, points([1.0, 2.0], [first, first + 1.0]), np.array([0.2]))
    track = controller.track(2.0)
    assert values(track, [0.0, 0.5, 1.0]) == pytest.approx([first - 0.2, first - 0.1, first])


def test_of_a_long_stream_only_what_was_commanded_is_kept() -> None:
    controller = TrajectoryController(FIXED, "commands")
    for k in range(500):
        due = [0.01 * k + 0.001 * j for j in range(200)]
        controller.take(0.01 * k, points(due, list(np.sin(due))))
    assert len(controller.track(5.2)._begins) < 500 * 13
