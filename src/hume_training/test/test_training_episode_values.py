"""Values along episodes: aligned in time, averaged by outcome, judged by how they tell success from failure."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from hume_sim import suites
from hume_training.evaluation.episode import thought_period
from hume_training.evaluation.episode_values import plot_values, roc_auc, summarise_values, value_at
from hume_training.evaluation.outcome import EpisodeOutcome
from hume_training.evaluation.value_quality import ValueQualityOptions, run_value_quality

ROBOTS = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"
CHECKPOINT = Path(__file__).parents[1] / "hume_training" / "checkpoints" / "wx250s_tabletop"


def outcome(success: bool, *values: float, duration: float = 1.0) -> EpisodeOutcome:
    return EpisodeOutcome(0, "lift red", success, duration, False, values)


def test_figures_of_each_third() -> None:
    outcomes = [
        outcome(True, -5.0, -3.0, -2.0, 0.0, -1.0, -1.0),
        outcome(True, -8.0, -4.0, 1.0),
        outcome(False, -6.0, -6.0, -6.0),
    ]
    report = summarise_values(outcomes)
    assert report["successes"] == {"episodes": 2, "first": -6.0, "middle": -2.5, "last": 0.0}
    assert report["failures"] == {"episodes": 1, "first": -6.0, "middle": -6.0, "last": -6.0}
    assert report["roc_auc"] == {"episode": 1.0, "first": 0.5, "middle": 1.0, "last": 1.0}


def test_what_cannot_be_known_is_none() -> None:
    report = summarise_values([outcome(True, -3.0), outcome(True)])
    assert report["successes"] == {"episodes": 1, "first": -3.0, "middle": None, "last": None}
    assert report["failures"] == {"episodes": 0, "first": None, "middle": None, "last": None}
    assert report["roc_auc"]["episode"] is None
    assert summarise_values([])["successes"]["episodes"] == 0


def test_area_under_the_roc_curve() -> None:
    low, high = np.array([1.0, 2.0]), np.array([2.0, 3.0, np.nan])
    assert roc_auc(high, low) == pytest.approx(3.5 / 4)
    assert roc_auc(low, high) == pytest.approx(0.5 / 4)
    assert roc_auc(low, low) == 0.5


def test_the_newest_thought_counts_until_the_next() -> None:
    episode = outcome(True, -3.0, -2.0, -1.0, duration=0.55)
    found = value_at(episode, 0.2, np.array([-0.05, 0.0, 0.19, 0.2, 0.4, 0.55, 0.6]))
    np.testing.assert_array_equal(found, [np.nan, -3.0, -3.0, -2.0, -1.0, -1.0, np.nan])


@pytest.mark.parametrize(("rate", "latency", "period"), [(5.0, 0.1, 0.2), (3.0, 0.25, 1 / 3), (10.0, 0.25, 0.25)])
def test_thoughts_start_as_often_as_rate_and_latency_allow(rate: float, latency: float, period: float) -> None:
    suite = suites.find_suite("lift", system2_rate=rate, system2_latency=latency)
    assert thought_period(suite) == pytest.approx(period)


@pytest.mark.parametrize("failures", [0, 2])
def test_the_picture_is_drawn(tmp_path: Path, failures: int) -> None:
    outcomes = [outcome(True, -3.0, -2.0, -1.0, duration=0.55), outcome(True, -3.0, duration=0.1)]
    outcomes += [outcome(False, -5.0, -6.0, duration=0.4)] * failures
    path = tmp_path / "new" / "values.png"
    plot_values(outcomes, suites.find_suite("lift"), path, "checkpoint mine, seed 7")
    assert path.stat().st_size > 1000


def test_value_quality_writes_the_values_along_its_episodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUME_ROBOTS", str(ROBOTS))
    quick = dataclasses.replace(suites.SUITES["lift"], time_limit=0.7, system2_rate=3.0)
    monkeypatch.setitem(suites.SUITES, "lift", quick)
    file, plot = tmp_path / "quality.json", tmp_path / "quality.png"
    options = ValueQualityOptions(
        str(CHECKPOINT), "lift", states=2, candidates=2, earliest=0.1, latest=0.6, json_file=file, plot=plot
    )
    assert run_value_quality(options) == 0
    report = json.loads(file.read_text())
    assert report["along_episodes"]["failures"]["episodes"] == 2
    assert [len(episode["values"]) for episode in report["episodes"]] == [3, 3]
    first = np.mean([episode["values"][0] for episode in report["episodes"]])
    assert report["along_episodes"]["failures"]["first"] == pytest.approx(first)
    assert plot.is_file()
