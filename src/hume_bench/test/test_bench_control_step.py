"""The benchmark of the control core measures what it says."""

from __future__ import annotations

from hume_bench.clock_limit import measure_clock
from hume_bench.control_step import measure_core_step


def test_core_step_is_measured_while_following() -> None:
    figures = measure_core_step(joints=2, ticks=100)
    assert figures["following"] == 1.0
    assert 0.0 < figures["median_us"] <= figures["p99_us"] <= figures["max_us"]


def test_two_arms_are_followed_too() -> None:
    assert measure_core_step(joints=14, ticks=100)["following"] == 1.0


def test_clock_limit_has_the_figures_of_a_stream() -> None:
    figures = measure_clock(rate_hz=500.0, seconds=0.1, priority=0, lock_memory=False)
    assert set(figures) == {"period_error_us", "gaps_over_two_periods", "rate_hz", "scheduler", "distribution"}
    assert figures["scheduler"] == "other"
