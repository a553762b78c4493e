"""Flow schedules and time embedding."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hume_core.flow import candidate_schedule, euler_times, time_embedding


def test_recorded_step_counts():
    schedule = candidate_schedule(5, 10, (0.9, 1.0), (1.0, 2.0))
    assert schedule.counts == (9, 9, 9, 10, 10)
    np.testing.assert_allclose(schedule.noise_scales, (1.0, 1.2, 1.4, 1.6, 1.8))
    np.testing.assert_allclose(schedule.noise_levels, (0.1, 0.1, 0.1, 0.0, 0.0), atol=1e-12)


@pytest.mark.parametrize("count", [2, 5, 16, 64])
def test_as_many_noise_levels_as_candidates_where_asked(count: int) -> None:
    schedule = candidate_schedule(count, 10, (0.9, 1.0), (1.0, 1.0), spread_over="noise_levels")
    np.testing.assert_allclose(schedule.noise_levels, np.linspace(0.1, 0.0, count), atol=1e-12)
    assert set(schedule.counts) == {10}
    for times, scale, level in zip(schedule.times, schedule.noise_scales, schedule.noise_levels, strict=True):
        assert times[0] == 1.0
        np.testing.assert_allclose(np.diff(times), -schedule.step * scale, atol=1e-6)
        # Every step goes as far as the told times say, down to the level that is kept.
        assert times[-1] - schedule.step * scale == pytest.approx(level, abs=1e-6)


@pytest.mark.parametrize(("count", "low", "level"), [(1, 0.9, 0.0), (1, 1.0, 0.0), (3, 0.5, 0.5)])
def test_a_single_candidate_keeps_the_least_noise(count: int, low: float, level: float) -> None:
    schedule = candidate_schedule(count, 10, (low, 1.0), (1.0, 1.0), spread_over="noise_levels")
    assert schedule.noise_levels[0] == pytest.approx(level)


def test_factors_on_the_velocity_hold_with_either_schedule() -> None:
    schedule = candidate_schedule(2, 10, (0.8, 1.0), (1.0, 2.0), stop=0.1, spread_over="noise_levels")
    np.testing.assert_allclose(schedule.noise_levels, (0.2, 0.1))
    np.testing.assert_allclose(schedule.noise_scales, (0.8, 1.5 * 0.9))


def test_stops_above_zero_where_asked():
    assert len(euler_times(1.0, 0.1, stop=0.3)) == 7
    assert euler_times(0.2, 0.1, stop=0.5) == []


@given(st.floats(0.05, 1.0), st.integers(1, 50), st.floats(0.0, 0.9))
def test_counts_follow_the_float32_loop(start, steps, stop):
    step = torch.tensor(-1.0 / steps, dtype=torch.float32)
    time = torch.tensor(start, dtype=torch.float32)
    expected = []
    while time >= -step / 2 + stop:
        expected.append(time.item())
        time = time + step
    assert euler_times(start, 1.0 / steps, stop) == expected


@given(st.integers(1, 8), st.floats(0.1, 1.0), st.floats(0.1, 1.0))
def test_active_candidates_are_the_tail(count, low, high):
    schedule = candidate_schedule(count, 10, (low, high), (1.0, 1.0))
    sorted_counts = [schedule.counts[i] for i in schedule.order]
    table = schedule.time_table()
    for step in range(table.shape[0]):
        first = schedule.active_from(step)
        assert all(c <= step for c in sorted_counts[:first])
        assert all(c > step for c in sorted_counts[first:])
        assert (table[step, first:] > 0).all()


def test_time_embedding_values():
    embedding = time_embedding(torch.tensor([0.25]), 4)
    assert embedding.dtype == torch.float64
    slow, fast = 2 * math.pi * 0.25 / 4.0, 2 * math.pi * 0.25 / 4e-3
    expected = [math.sin(fast), math.sin(slow), math.cos(fast), math.cos(slow)]
    np.testing.assert_allclose(embedding[0], expected, atol=1e-9)
