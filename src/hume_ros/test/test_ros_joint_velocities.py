"""Velocities from positions around a time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hume_ros.joint_velocities import velocities_around

NAMES = ("a", "b")


def states(times: NDArray[np.float64], positions: Any) -> list[tuple[float, Any]]:
    return [(t, SimpleNamespace(name=["b", "x", "a"], position=[positions(t)[1], 9.0, positions(t)[0]])) for t in times]


def still(*flags: bool) -> NDArray[np.bool_]:
    return np.array(flags or (False, False))


@pytest.mark.parametrize("stamp", [0.2, 0.3137, 0.5])
def test_the_velocity_is_that_of_the_positions_around_the_time(stamp: float) -> None:
    found = velocities_around(
        stamp, states(np.arange(0.0, 1.0, 0.01), lambda t: (0.5 * t**2, -t)), NAMES, 0.025, still()
    )
    np.testing.assert_allclose(found, [stamp, -1.0], atol=2e-3)


def test_of_the_newest_time_the_way_before_it_counts() -> None:
    found = velocities_around(0.5, states(np.linspace(0.0, 0.5, 51), lambda t: (t, 2 * t)), NAMES, 0.025, still())
    np.testing.assert_allclose(found, [1.0, 2.0])


def test_a_continuous_joint_goes_the_short_way_over_the_turn() -> None:
    moving = states(np.arange(0.0, 1.0, 0.01), lambda t: ((t + np.pi - 0.5 + np.pi) % (2 * np.pi) - np.pi, 0.0))
    np.testing.assert_allclose(velocities_around(0.5, moving, NAMES, 0.025, still(True, False)), [1.0, 0.0], atol=1e-9)


@pytest.mark.parametrize("times", [[], [0.5], [0.1, 0.2], [0.499, 0.501]])
def test_without_states_of_that_time_it_is_zero(times: list[float]) -> None:
    found = velocities_around(0.5, states(np.array(times), lambda t: (t, t)), NAMES, 0.025, still())
    np.testing.assert_array_equal(found, [0.0, 0.0])
