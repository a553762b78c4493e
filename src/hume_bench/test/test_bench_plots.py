"""What the plots of the benchmarks show, from figures that were made up."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hume_bench.period_error import period_figures
from hume_bench.plot import plot_load, plot_model, plot_splice, plot_stops, plot_stream
from hume_bench.splice import play, summarise
from hume_core.robot import RobotProfile


def texts(draw: Callable[[Mapping[str, Any], Path], None], figures: Mapping[str, Any], path: Path) -> set[str]:
    """The words of a plot, which must be the same bytes when it is drawn again."""
    draw(figures, path)
    again = path.with_name("again.svg")
    draw(figures, again)
    assert path.read_bytes() == again.read_bytes()
    root = ElementTree.fromstring(path.read_bytes())
    return {str(element.text) for element in root.iter("{http://www.w3.org/2000/svg}text")}


def loop(seed: int, scheduler: str, nominal: float = 0.005) -> dict[str, Any]:
    return period_figures(nominal + np.random.default_rng(seed).normal(0.0, 2e-5, 1000), nominal, scheduler)


def fault(detection: float) -> dict[str, Any]:
    return {"detection_ms": detection, "standstill_ms": 120.0, "allowed_standstill_ms": 200.0}


STREAM = {
    "core_step": {"median_us": 100.0},
    "stream_200hz": loop(0, "fifo:60"),
    "clock_limit": loop(1, "fifo:60"),
    "stream_500hz": loop(2, "other", 0.002),
    "faults": {"denoiser_killed": fault(30.0), "cameras_stop": fault(800.0), "estop": {"error": "no answer"}},
}


def test_the_stream_stands_beside_the_bare_loop(tmp_path: Path) -> None:
    words = texts(plot_stream, STREAM, tmp_path / "a.svg")
    assert {"bare loop, 200 Hz, SCHED_FIFO 60", "command stream, 200 Hz, SCHED_FIFO 60"} <= words
    assert {"command stream, 500 Hz, ordinary scheduling", "share of periods with a larger error", "10 %"} <= words
    assert {"denoiser killed", "cameras stop", "until standstill"} <= words
    assert "estop" not in words


def test_a_stream_without_faults_has_one_panel(tmp_path: Path) -> None:
    assert "until standstill" not in texts(plot_stream, {**STREAM, "faults": {}}, tmp_path / "a.svg")


@pytest.mark.parametrize("count", [1, 2, 10, 997, 12000])
def test_the_distribution_goes_from_all_periods_to_the_worst_one(count: int) -> None:
    periods = 0.005 + np.random.default_rng(count).exponential(1e-4, count)
    curve = period_figures(periods, 0.005, "other")["distribution"]
    shares, errors = np.array(curve["share_above"]), np.array(curve["period_error_us"])
    assert shares[0] == 1.0
    assert shares[-1] == pytest.approx(1.0 / count)
    assert errors[-1] == pytest.approx(1e6 * (periods - 0.005).max())
    exceeded = [(np.abs(periods - 0.005) * 1e6 >= error).mean() for error in errors]
    np.testing.assert_allclose(exceeded, shares)
    assert len(shares) < 70


def test_no_period_has_no_distribution() -> None:
    assert period_figures(np.zeros(0), 0.005, "other")["distribution"] == {"share_above": [], "period_error_us": []}


def test_every_stop_and_every_ending_has_a_bar(tmp_path: Path) -> None:
    figures = {
        "stops": {
            "reliable": {"standstill_ms": 74.2, "reason": "emergency stop"},
            "late, before System 1": {"standstill_ms": 0.0, "reason": "emergency stop"},
            "best effort": {"error": "standstill did not come"},
        },
        "endings": {"Ctrl-C": {"standstill_ms": 130.0, "ended_ms": 900.0, "last_step_rad": 0.0}},
    }
    words = texts(plot_stops, figures, tmp_path / "a.svg")
    assert {*figures["stops"], *figures["endings"], "74", "130", "never moved", "failed"} <= words
    assert {"time after the stop, ms", "until the last process is gone"} <= words
    assert "Ctrl-C" not in texts(plot_stops, {**figures, "endings": {}}, tmp_path / "b.svg")


def result(system: str, size: str, candidates: int, shipped: float) -> dict[str, Any]:
    times = [{"median_ms": t, "min_ms": 0.9 * t, "max_ms": 1.2 * t} for t in (3.0 * shipped, shipped)]
    return {
        "system": system, "size": size, "candidates": candidates, "straightforward": times[0], "shipped": times[1],
    }  # fmt: skip


def test_thoughts_are_drawn_by_their_number_of_candidates(tmp_path: Path) -> None:
    results = [result("system2", "small", n, 20.0 + n) for n in (1, 5, 16)] + [result("system1", "full", 1, 8.25)]
    content = {"results": results, "dtype": "float32", "threads": 1}
    words = texts(plot_model, content, tmp_path / "a.svg")
    assert {"System 2, small", "System 1, full", "candidates N", "time per thought, ms", "1", "5", "16"} <= words
    assert {"straightforward", "shipped", "8.25", "time per segment, ms"} <= words
    slow = {**content, "results": [result("system2", "medium", 1, 1900.0), result("system1", "full", 1, 3200.0)]}
    assert {"time per thought, s", "time per segment, s", "3.2"} <= texts(plot_model, slow, tmp_path / "b.svg")


@pytest.mark.parametrize(("robot", "seed"), [("wx250s_sim", 0), ("wx250s_sim", 5), ("franka_fr3", 1)])
def test_spliced_commands_keep_the_limits_and_switched_ones_do_not(tmp_path: Path, robot: str, seed: int) -> None:
    profile = RobotProfile.load(robot)
    figures = summarise(play(profile, seed))
    assert max(figures["splice"]["ratios"].values()) <= 1.0 + 1e-6
    assert figures["plain switch"]["ratios"]["acceleration"] > 10.0
    assert figures == summarise(play(profile, seed))
    words = texts(plot_splice, figures, tmp_path / "a.svg")
    assert {f"{figures['joint']}, rad", "velocity, rad/s", "velocity limit", "time, s"} <= words


def test_spliced_commands_come_to_the_new_segment(tmp_path: Path) -> None:
    paths = play(RobotProfile.load("wx250s_sim"), 0)
    before = [int(np.searchsorted(paths.times, moment)) - 2 for moment in paths.replaced]
    assert len(before) == 5
    apart = np.abs(paths.spliced - paths.switched)[before]
    assert apart.max() < 0.01


def test_a_load_shows_every_run(tmp_path: Path) -> None:
    run = {"successes": 9, "episodes": 10, "faults": 1, "holds": 2, "busy_processes": 0, "system1_hz": 42.0,
           "observation_to_command_ms": {"p50": 61.0, "p99": 140.0}}  # fmt: skip
    runs = {"quiet": run, "busy2": {**run, "busy_processes": 2, "successes": 5}}
    words = texts(plot_load, {"runs": runs}, tmp_path / "a.svg")
    assert {"successes, %", "90", "50", "faults and holds", "3", "42", "61", "2 busy"} <= words
