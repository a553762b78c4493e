"""The figures of a variant, and the file they go to."""

import json
from pathlib import Path

import pytest

from hume_core.errors import ConfigError
from hume_sim.suites import SUITES, find_suite
from hume_training.evaluation.outcome import EpisodeOutcome
from hume_training.evaluation.report import figures, write_report
from hume_training.evaluation.run import EvaluateOptions, _print, run_evaluate, summarise


def outcome(success: bool, duration: float, fault: str = "", held: float = 0.0, wrong: bool = False) -> EpisodeOutcome:
    return EpisodeOutcome(1, "lift red", success, duration, wrong, (float("nan"),), fault, held)


OUTCOMES = [
    outcome(True, 3.0),
    outcome(True, 5.0, held=0.4),
    outcome(False, 10.0, wrong=True),
    outcome(False, 2.0, "fault: joint states have stopped coming"),
    outcome(False, 1.0, "fault: joint states have stopped coming", held=0.6),
    outcome(False, 1.0, "fault: internal error"),
]


def test_stops_and_times_are_reported() -> None:
    report = figures(OUTCOMES)
    assert report["success"] == pytest.approx(1 / 3)
    assert report["wrong_cube"] == pytest.approx(1 / 6)
    assert report["faults"] == {
        "share": 0.5,
        "reasons": {"fault: joint states have stopped coming": 2, "fault: internal error": 1},
    }
    assert report["held_s"] == pytest.approx(1 / 6)
    assert report["median_duration_s"] == 4.0
    assert figures(OUTCOMES[2:])["median_duration_s"] is None


def test_what_is_not_finite_becomes_null(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.json"
    write_report(path, {"one": float("nan"), "rest": [1.5, (float("inf"), True)], "name": "nan"})
    assert json.loads(path.read_text()) == {"one": None, "rest": [1.5, [None, True]], "name": "nan"}


def test_the_tables_tell_faults_with_their_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = summarise(EvaluateOptions("mine"), find_suite("lift"), {"full": OUTCOMES, "n1": OUTCOMES[::-1]})
    _print(report)
    printed = capsys.readouterr().out
    assert "full: 2 of 6 episodes ended in fault: joint states have stopped coming" in printed
    assert "4.00 s" in printed
    write_report(tmp_path / "report.json", report)
    assert "NaN" not in (tmp_path / "report.json").read_text()


def test_refuses_an_unknown_variant_before_anything_is_loaded() -> None:
    with pytest.raises(ConfigError, match="variant 'nope' is unknown"):
        run_evaluate(EvaluateOptions("nope", variants=["nope"]))


def test_the_page_tells_the_timing_of_every_suite() -> None:
    page = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    for suite in SUITES.values():
        (line,) = (
            line for line in page.splitlines() if line.startswith("| ") and f"`{suite.name}`" in line.split("|")[1]
        )
        assert f"| {suite.system2_rate:g} Hz, {suite.system2_latency:g} s |" in line
        assert f"| {suite.system1_rate:g} Hz, {suite.system1_latency:g} s |" in line
        assert f"{suite.time_limit:g} s" in line
