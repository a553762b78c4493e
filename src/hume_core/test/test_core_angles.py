"""Angles of continuous joints."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hume_core.angles import TURN, short_way, unwrapped, whole_turns

ANGLES = st.floats(-1e4, 1e4)


@given(ANGLES)
def test_without_its_whole_turns_a_difference_is_at_most_half_a_turn(difference: float) -> None:
    turns = whole_turns(difference)
    assert turns / TURN == pytest.approx(round(turns / TURN), abs=1e-9)
    assert abs(difference - turns) <= math.pi + 1e-9


@given(ANGLES, ANGLES)
def test_only_continuous_joints_go_the_short_way(first: float, second: float) -> None:
    way = short_way(np.array([first, second]), np.array([True, False]))
    assert abs(way[0]) <= math.pi + 1e-9
    assert math.cos(way[0] - first) == pytest.approx(1.0)
    assert way[1] == second


@given(st.lists(st.floats(-3.0, 3.0), min_size=1, max_size=20), st.integers(0, 2**31))
def test_rows_of_any_turns_become_one_path(steps: list[float], seed: int) -> None:
    path = np.cumsum(steps)
    turns = TURN * np.random.default_rng(seed).integers(-5, 6, len(path))
    turns[0] = 0.0
    rows = np.stack([path + turns, path + turns], axis=1)
    found = unwrapped(rows, np.array([True, False]))
    np.testing.assert_allclose(found[:, 0], path, atol=1e-9)
    np.testing.assert_array_equal(found[:, 1], rows[:, 1])


def test_without_continuous_joints_nothing_is_touched() -> None:
    rows = np.array([[3.0, -3.0], [-3.0, 3.0]])
    none = np.zeros(2, dtype=bool)
    assert unwrapped(rows, none) is rows
    assert short_way(rows, none) is rows
