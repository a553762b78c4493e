"""Flow schedules and time embedding."""

import math

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from hume_core.flow import candidate_schedule, euler_times, time_embedding


def test_recorded_step_counts():
    schedule = candidate_schedule(5, 10, (0.9, 1.0), (1.0, 2.0))
    assert schedule.counts == (9, 9, 9, 10, 10)
    np.testing.assert_allclose(schedule.noise_scales, (1.0, 1.2, 1.4, 1.6, 1.8))
    np.testing.assert_allclose(schedule.noise_levels, (0.1, 0.1, 0.1, 0.0, 0.0), atol=1e-12)


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
