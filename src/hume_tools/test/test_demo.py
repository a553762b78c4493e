"""`hume demo`: its options, what it measures, and how it tells faults. No graph runs."""

from __future__ import annotations

import math
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from hume_bench.demo.client import DemoEpisode, outcome_text
from hume_bench.demo.measurements import FaultWatch, Measurements
from hume_bench.demo.reply_times import ReplyTimes, ReplyTiming
from hume_bench.demo.run import DemoOptions, summarise, timing_line
from hume_core.errors import ConfigError
from hume_sim.suites import find_suite, scene
from hume_tools.cli.main import app

SYSTEM2 = [(10.30, 10.29, 0.20, 10.06), (10.55, 10.54, 0.22, 10.30), (10.90, 10.89, 0.24, 10.60)]
"""Received, published, duration, observed, s."""


def options_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> DemoOptions:
    asked: list[DemoOptions] = []
    monkeypatch.setattr("hume_bench.demo.run.run_demo", lambda options: asked.append(options) or 0)
    assert CliRunner().invoke(app, ["demo", *arguments]).exit_code == 0
    return asked[0]


def parsed(command: str, arguments: list[str]) -> dict[str, Any]:
    """Values of the options as the command line reads them."""
    group = typer.main.get_command(app)
    with group.commands[command].make_context(command, arguments) as context:  # type: ignore[attr-defined]
        return dict(context.params)


def test_without_a_suite_scenes_are_numbered_by_the_seed_and_tasks_are_open(monkeypatch: pytest.MonkeyPatch) -> None:
    options = options_of(monkeypatch, "--episodes", "2", "--seed", "5")
    assert options.scenes() == [(5, ""), (6, "")]
    assert options.time_limit() == 20.0


@pytest.mark.parametrize("name", ["hard", "nominal", "lift", "stack", "hard_torque"])
def test_a_suite_gives_the_scenes_tasks_and_time_of_evaluate(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    options = options_of(monkeypatch, "--suite", name, "--episodes", "4", "--seed", "3")
    suite = find_suite(name)
    assert options.scenes() == [scene(3, k, suite) for k in range(4)]
    assert options.time_limit() == suite.time_limit


def test_a_time_limit_that_was_asked_for_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert options_of(monkeypatch, "--suite", "hard", "--episode-seconds", "7").time_limit() == 7.0


def test_an_unknown_suite_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"suite 'easy' is unknown\. Valid: lift"):
        DemoOptions(suite="easy").scenes()


def replies() -> ReplyTimes:
    times = ReplyTimes()
    times.begin()
    for arrival in SYSTEM2:
        times.add(*arrival)
    return times


def test_latency_is_from_the_start_of_the_work_to_the_arrival_of_its_result() -> None:
    assert replies().latency == pytest.approx(0.01 + 0.22)
    assert replies().observation_age == pytest.approx(0.03)


def test_rate_is_counted_within_episodes_and_their_median_taken() -> None:
    times = replies()
    assert times.rate == pytest.approx(2 / 0.60)
    for start, step in ((50.0, 0.2), (90.0, 0.5)):
        times.begin()
        for k in range(4):
            times.add(start + k * step, start + k * step - 0.01, 0.1, start + k * step - 0.2)
    times.begin()
    times.add(200.0, 199.99, 0.2, 199.7)
    assert times.rate == pytest.approx(2 / 0.60)


def test_nothing_measured_is_no_number() -> None:
    assert math.isnan(ReplyTimes().latency)
    assert math.isnan(ReplyTimes().rate)


def test_evaluate_takes_the_line_that_the_demo_prints() -> None:
    line = timing_line(ReplyTiming(3.14159, 0.2512, 19.97, 0.0213))
    options = parsed("evaluate", line.split(": ")[1].split())
    assert options["system2_rate"] == 3.142
    assert options["system2_latency"] == 0.2512
    assert options["system1_rate"] == 19.97
    assert options["system1_latency"] == 0.0213


def test_what_was_not_measured_is_left_out_of_the_line() -> None:
    assert ReplyTiming(math.nan, math.nan, 20.0, 0.02).arguments() == "--system1-rate 20 --system1-latency 0.02"


def test_a_fault_that_was_passed_through_is_reported() -> None:
    watch = FaultWatch(stopped=False)
    watch.see(False, "RUNNING: ")
    watch.see(True, "FAULT: joint states are too old")
    watch.see(True, "FAULT: still")
    watch.see(False, "RUNNING: ")
    assert watch.fault == "FAULT: joint states are too old"
    assert outcome_text(True, watch.fault, "") == "success after FAULT: joint states are too old"
    assert outcome_text(False, watch.fault, "time is over") == "FAULT: joint states are too old"


def test_an_older_fault_counts_only_if_it_lasts() -> None:
    watch = FaultWatch(stopped=True)
    watch.see(True, "FAULT: old")
    assert watch.fault == "FAULT: old"
    watch.see(False, "RUNNING: ")
    assert watch.fault == ""


def test_an_episode_without_fault_is_reported_as_before() -> None:
    assert outcome_text(True, "", "time is over") == "success"
    assert outcome_text(False, "", "time is over") == "time is over"


def test_the_report_counts_faults_and_has_the_timing() -> None:
    measured = Measurements(seconds=1.0, system2=replies())
    episodes = [
        DemoEpisode(1, "lift", True, "success", 2.0, 3.0, 20.0, 0.5),
        DemoEpisode(2, "lift", False, "ESTOP: pressed", 2.0, 3.0, 20.0, 0.5, "ESTOP: pressed"),
    ]
    report = summarise(episodes, measured)
    assert (report["successes"], report["faults"]) == (1, 1)
    timing = report["timing"]
    assert isinstance(timing, dict)
    assert timing["system2_latency"] == pytest.approx(0.23)
