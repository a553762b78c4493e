"""Splines, splices, timeline and delay estimate."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hume_system1.control import spline as spline_module
from hume_system1.control.delay import DelayEstimate
from hume_system1.control.reference_trajectory import ReferenceTrajectory
from hume_system1.control.splice import Departure, Fade
from hume_system1.control.spline import Spline

DT = 0.02


def sine(start: float, rows: int = 20, phase: float = 0.0, amplitude: float = 0.4) -> Spline:
    """Three joints of a sine of 3 rad/s."""
    t = start + DT * np.arange(rows)
    return Spline(start, DT, amplitude * np.sin(3.0 * t[:, None] + phase + np.arange(3)))


def sample(spline: Spline, t: float) -> np.ndarray:
    """(4, n) at time t."""
    out = np.zeros((4, 3))
    spline.sample(t, out)
    return out


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 20])
def test_spline_passes_through_its_rows_at_their_times(rows: int) -> None:
    values = np.random.default_rng(rows).normal(size=(rows, 3))
    spline = Spline(7.0, DT, values)
    for k, row in enumerate(values):
        assert sample(spline, 7.0 + k * DT)[0] == pytest.approx(row, abs=1e-9)
    assert spline.end == pytest.approx(7.0 + max(rows - 1, 1) * DT)


def test_spline_derivatives_belong_to_its_position() -> None:
    spline = sine(0.0)
    for t in np.linspace(0.011, 0.35, 23):
        before, here, after = (sample(spline, t + e) for e in (-1e-5, 0.0, 1e-5))
        for order in range(2):
            assert (after[order] - before[order]) / 2e-5 == pytest.approx(here[order + 1], abs=1e-3)


def test_spline_is_smooth_across_rows() -> None:
    spline = Spline(0.0, DT, np.random.default_rng(1).normal(size=(12, 3)))
    for k in range(1, 11):
        before, after = sample(spline, k * DT - 1e-9), sample(spline, k * DT + 1e-9)
        assert before[:3] == pytest.approx(after[:3], rel=1e-4, abs=1e-3)


def test_spline_rests_outside_its_time() -> None:
    spline = sine(1.0)
    assert sample(spline, 0.5)[0] == pytest.approx(sample(spline, 1.0)[0])
    assert sample(spline, 99.0)[0] == pytest.approx(sample(spline, spline.end)[0])
    assert not sample(spline, 0.5)[1:].any()
    assert not sample(spline, 99.0)[1:].any()


def faded(fade: Fade, t: float) -> np.ndarray:
    """(4, 3) difference at time t."""
    out = np.zeros((4, 3))
    fade.add(t, out, np.zeros((4, 3)))
    return out


def test_fade_starts_in_the_given_state_and_ends_at_nothing(limits: Any) -> None:
    fade = Fade(3, 0.1)
    offset = np.array([[0.01, -0.02, 0.0], [0.3, 0.0, -0.5], [1.0, -2.0, 0.0]])
    fade.begin(5.0, offset)
    assert faded(fade, 5.0)[:3] == pytest.approx(offset)
    assert np.abs(faded(fade, 5.4)[0]).max() < 1e-4
    assert not faded(fade, 9.0).any()


def test_fade_derivatives_belong_to_its_position(limits: Any) -> None:
    fade = Fade(3, 0.1)
    fade.begin(0.0, np.array([[0.1, -0.02, 0.0], [0.3, 0.0, -0.5], [1.0, -2.0, 0.0]]))
    for t in (0.001, 0.05, 0.2):
        before, here, after = (faded(fade, t + e) for e in (-1e-6, 0.0, 1e-6))
        for order in range(3):
            assert (after[order] - before[order]) / 2e-6 == pytest.approx(here[order + 1], rel=1e-3, abs=1e-3)


def test_most_of_a_small_difference_fades_in_the_blend_time(limits: Any) -> None:
    fade = Fade(3, 0.1)
    fade.begin(0.0, np.array([[0.001] * 3, [0.0] * 3, [0.0] * 3]))
    assert faded(fade, 0.1)[0] == pytest.approx(np.full(3, 0.000125), rel=0.01)


@given(seed=st.integers(0, 1000), period=st.sampled_from([0.005, 0.016, 0.033, 0.1]))
def test_any_number_of_splices_leaves_a_bounded_difference(seed: int, period: float) -> None:
    """Each splice adds a new difference while the older ones still fade: their sum stays bounded."""
    random, fade, offset = np.random.default_rng(seed), Fade(3, 0.1), np.zeros((4, 3))
    for k in range(600):
        fresh = random.uniform(-1.0, 1.0, (3, 3)) * np.array([[0.1], [3.0], [100.0]])
        fade.begin(k * period, offset[:3] + fresh)
        offset = faded(fade, (k + 1) * period)
        assert np.abs(offset[0]).max() < 0.15 * (1.0 + 0.08 / period)


def test_fades_add_up(limits: Any) -> None:
    """A splice while another fades: the same as if both differences had faded on their own."""
    first, second = np.array([[0.002] * 3, [0.0] * 3, [0.0] * 3]), np.array([[-0.001] * 3, [0.01] * 3, [0.0] * 3])
    alone, joint = (Fade(3, 0.1), Fade(3, 0.1)), Fade(3, 0.1)
    alone[0].begin(0.0, first)
    alone[1].begin(0.03, second)
    joint.begin(0.0, first)
    joint.begin(0.03, faded(joint, 0.03)[:3] + second)
    assert faded(joint, 0.07) == pytest.approx(faded(alone[0], 0.07) + faded(alone[1], 0.07), rel=1e-6)


def test_departure_leaves_rest_smoothly_and_joins_the_motion(limits: Any) -> None:
    departure, place = Departure(limits, 0.1), np.array([0.5, 0.0, -0.3])
    motion = sine(0.0, rows=200)
    departure.begin(0.2, place, sample(motion, 0.2)[0])

    def weighed(t: float) -> np.ndarray:
        out = sample(motion, t)
        departure.weigh(t, out)
        return out

    assert weighed(0.2)[:3] == pytest.approx(np.array([place, [0.0] * 3, [0.0] * 3]))
    end = 0.2 + departure.duration
    assert weighed(end - 1e-9)[:3] == pytest.approx(sample(motion, end)[:3], abs=1e-4)
    for t in np.linspace(0.21, end - 0.01, 15):
        before, here, after = (weighed(t + e) for e in (-1e-5, 0.0, 1e-5))
        for order in range(2):
            assert (after[order] - before[order]) / 2e-5 == pytest.approx(here[order + 1], abs=2e-3)


def test_committed_part_stays_frozen_then_passes_smoothly_to_the_new_segment(limits: Any) -> None:
    timeline = ReferenceTrajectory(limits, committed=0.03, blend=0.1)
    old, new = sine(0.0), sine(0.1, phase=0.01)
    timeline.add(0.0, old)
    timeline.sample(0.05)
    timeline.add(0.1, new)
    times = np.arange(0.1, 0.45, 0.001)
    rows = np.array([timeline.sample(t) for t in times])
    for t, row in zip(times, rows, strict=True):
        if t < 0.13:
            assert row[0] == pytest.approx(sample(old, t)[0])
        if t > 0.4:
            assert row[0] == pytest.approx(sample(new, t)[0], abs=1e-5)
    for order in range(3):
        steps = np.abs(np.diff(rows[:, order], axis=0)).max()
        assert steps <= np.abs(rows[:, order + 1]).max() * 0.0011
    assert timeline.splices == 1


@given(delays=st.lists(st.floats(0.0, 0.3), min_size=2, max_size=30), every=st.floats(0.003, 0.1))
def test_splices_never_step_position_velocity_or_acceleration(delays: list[float], every: float) -> None:
    limits_velocity = np.full(3, 2.0)
    timeline = ReferenceTrajectory(_limits(limits_velocity), committed=0.005, blend=0.1)
    timeline.add(0.0, sine(0.0, rows=30))
    t, dt, rows = 0.0, 0.001, []
    for k, delay in enumerate(delays):
        for _ in range(int(every / dt)):
            t += dt
            rows.append(timeline.sample(t))
        timeline.add(t, sine(t - delay, rows=30, phase=0.3 * (k % 3)))
    way = np.array(rows)
    for order in range(3):
        bound = np.abs(way[:, order + 1]).max() if len(way) else 0.0
        assert np.abs(np.diff(way[:, order], axis=0)).max(initial=0.0) <= 1.5 * bound * dt + 1e-9


def _limits(velocity: np.ndarray) -> Any:
    return SimpleNamespace(size=3, velocity=velocity, acceleration=4.0 * velocity)


def test_newer_segment_replaces_a_waiting_one_without_extending_the_wait(limits: Any) -> None:
    timeline = ReferenceTrajectory(limits, committed=0.05, blend=0.1)
    timeline.add(0.0, sine(0.0))
    timeline.sample(0.0)
    for k in range(20):
        timeline.add(0.1 + 0.01 * k, sine(0.1 + 0.01 * k))
        timeline.sample(0.1 + 0.01 * k)
    assert timeline.splices >= 3


def test_cleared_timeline_covers_nothing(limits: Any) -> None:
    timeline = ReferenceTrajectory(limits, committed=0.005, blend=0.1)
    timeline.add(0.0, sine(0.0), np.zeros((20, 1)))
    assert timeline.covers(0.1)
    assert not timeline.covers(0.5)
    timeline.clear()
    assert not timeline.covers(0.1)
    assert timeline.grippers(0.1) is None


def test_segment_of_the_future_waits_for_its_time(limits: Any) -> None:
    timeline = ReferenceTrajectory(limits, committed=0.005, blend=0.1)
    timeline.add(0.0, sine(0.0))
    timeline.sample(0.0)
    timeline.add(0.01, sine(0.1, phase=1.0))
    assert timeline.sample(0.09)[0] == pytest.approx(sample(sine(0.0), 0.09)[0])


def test_anchor_begins_in_the_commanded_state(limits: Any) -> None:
    timeline = ReferenceTrajectory(limits, committed=0.005, blend=0.1)
    timeline.add(0.0, sine(0.0, phase=2.0))
    state = np.array([[0.1, 0.2, 0.3], [0.0, 0.1, 0.0], [0.0, 0.0, 0.5]])
    timeline.anchor(0.0, state)
    assert np.array(timeline.sample(0.0))[:3] == pytest.approx(state)


def test_gripper_value_is_that_of_the_row_in_force(limits: Any) -> None:
    timeline = ReferenceTrajectory(limits, committed=0.005, blend=0.1)
    timeline.add(0.0, sine(0.0), np.arange(40.0).reshape(20, 2))
    assert timeline.grippers(0.05) == [4.0, 5.0]
    assert timeline.grippers(9.0) == [38.0, 39.0]


def test_delay_is_the_largest_recent_one_without_the_cold_start() -> None:
    estimate = DelayEstimate(skip=3, window=4)
    assert math.isnan(estimate.value)
    for delay in (9.0, 5.0, 3.0, 0.05, 0.08, math.nan, -1.0, 0.06):
        estimate.add(delay)
    assert estimate.value == 0.08
    for _ in range(4):
        estimate.add(0.04)
    assert estimate.value == 0.04


def test_delay_skips_again_after_a_restart() -> None:
    estimate = DelayEstimate(skip=2, window=8)
    for delay in (1.0, 1.0, 0.05):
        estimate.add(delay)
    estimate.restart()
    for delay in (4.0, 4.0, 0.06):
        estimate.add(delay)
    assert estimate.value == 0.06


@pytest.mark.parametrize("rows", [65, 66, 100, 257, 1000])
def test_the_curve_through_many_rows_is_that_of_the_matrix(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """Both ways to the same natural spline."""
    values = np.random.default_rng(rows).normal(size=(rows, 3))
    times = np.linspace(0.0, (rows - 1) * DT, 501)
    quick = np.stack([sample(Spline(0.0, DT, values), t) for t in times])
    monkeypatch.setattr(spline_module, "_DENSE", rows)
    exact = np.stack([sample(Spline(0.0, DT, values), t) for t in times])
    np.testing.assert_allclose(quick, exact, rtol=1e-9, atol=1e-6)
