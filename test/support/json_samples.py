"""One content of each kind that commands write as JSON, by the section of docs/json.md that lists its keys."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.progress import Progress
from typer.testing import CliRunner

from hume_bags.comparison.differences import compare_runs
from hume_bags.comparison.report import summary as comparison_summary
from hume_bags.comparison.run import Run, Tally
from hume_bags.inspection import Inspection, inspect_bag
from hume_bags.inspection_report import run_inspect
from hume_bags.regress import bench as bench_regress
from hume_bags.regress.compare import compare
from hume_bags.regress.facts import RunFacts
from hume_bags.regress.findings import Tolerance
from hume_bags.regress.report import summary as regress_summary
from hume_bags.regress.result import RegressResult
from hume_bags.regress.stream import CommandStream, read_stream
from hume_bench import dataset, endings, kinematics, load, markers, model, splice, stops, stream, trajectory
from hume_bench.demo.client import DemoEpisode
from hume_bench.demo.measurements import Measurements
from hume_bench.demo.run import summarise as demo_summary
from hume_bench.fault_trials import FAULTS, FaultOutcome
from hume_bench.period_error import period_figures
from hume_bench.process_memory import resident_figures
from hume_bench.timing import Timing
from hume_bench.watched_stack import guarded
from hume_core.errors import HumeError
from hume_core.robot import RobotProfile
from hume_libero import evaluation as libero_evaluation_report
from hume_libero.expert_report import ExpertEpisode
from hume_libero.expert_report import summarise as expert_summary
from hume_libero.expert_runs import Demonstration, Followed
from hume_libero.player import LiberoOutcome
from hume_operate import client as operator
from hume_operate.snapshot import Snapshot
from hume_operate.task import TaskEnd
from hume_sim.suites import find_suite
from hume_system1.control.stream_check import StreamRatios
from hume_tools.cli.main import app
from hume_tools.doctor.installation import Finding, show
from hume_training.evaluation import value_quality
from hume_training.evaluation.episode_values import summarise_values
from hume_training.evaluation.outcome import EpisodeOutcome
from hume_training.evaluation.run import EvaluateOptions
from hume_training.evaluation.run import summarise as evaluate_summary

ROOT = Path(__file__).parents[2]
BAGS = ROOT / "test" / "fixtures" / "bags"

SIMPLE = ("cancel", "estop", "reset", "enable", "disable", "takeover", "handback", "label")
"""Commands whose answers have the same keys."""

Sample = Callable[[], Any]
SAMPLES: dict[str, list[Sample]] = {}


def sample(section: str) -> Callable[[Sample], Sample]:
    """Registers content of the kind that a section is about. All contents of a section together have every key."""

    def note(make: Sample) -> Sample:
        SAMPLES.setdefault(section, []).append(make)
        return make

    return note


EPISODE = EpisodeOutcome(7, "lift red", True, 2.0, False, (-2.0, -1.0), "fault: internal error", 0.1, "it fell")
TALLIES = {"lift": Tally((True, False, None), 1), "stack": Tally((True, True))}
LOOP = period_figures(np.full(300, 0.005), 0.005, "other")


@sample("hume compare")
def comparison() -> Any:
    runs = [Run(name, Path(name), 2, "ur5e", "org/name", "1a2b", TALLIES, ("a note",)) for name in ("a", "b")]
    return comparison_summary(compare_runs(runs))


@sample("hume compare")
def paired_comparison() -> Any:
    runs = [
        Run(name, Path(name), 1, "ur5e", "", "", {"lift": Tally((True, last))})
        for name, last in (("a", True), ("b", False))
    ]
    return comparison_summary(compare_runs(runs, paired=True))


@cache
def regress_result() -> RegressResult:
    golden = read_stream(BAGS / "lift.stream")
    commands = golden.commands.copy()
    commands["position"][100:, 2] += 0.01
    moved = CommandStream(golden.header, {**golden.sections, "commands": commands})
    facts = RunFacts(
        "bag", {"on": "2026-01-01", "robot": "wx250s_sim"}, "golden", "wx250s_sim", "mine", "00", "", "", ""
    )
    found = compare(golden, moved, Tolerance())
    found = dataclasses.replace(found, notes=["a note"])
    return RegressResult(moved, golden, found, ["a problem"], 9.0, 3.0, 4.0, facts)


@sample("hume regress")
def regression() -> Any:
    return regress_summary(regress_result())


@sample("hume bench regress")
def regression_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(bench_regress, "regress", lambda options: regress_result())
    bench_regress.run_bench(Path("bag"), "", tmp_path / "a.json", 2)
    return json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))


@sample("hume inspect")
def inspection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def damaged(*arguments: Any) -> Inspection:
        found = inspect_bag(*arguments)
        found.problems.append("it was cut off")
        return found

    monkeypatch.setattr("hume_bags.inspection_report.inspect_bag", damaged)
    run_inspect(BAGS / "lift", json_file=tmp_path / "a.json")
    return json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))


@sample("hume evaluate")
def evaluation() -> Any:
    outcomes = {name: [EPISODE, EPISODE] for name in ("full", "n1")}
    return evaluate_summary(EvaluateOptions("mine"), find_suite("lift"), outcomes)


@sample("hume evaluate --suite libero")
def libero_evaluation() -> Any:
    options = libero_evaluation_report.LiberoOptions("libero_goal", timing={"system2_rate": 2.0})
    played = [LiberoOutcome(0, 3, True, 4.0, (-1.0,), "fault: internal error", 0.1), LiberoOutcome(0, 4, False, 15.0)]
    tasks = [{"name": "a", "instruction": "open it"}]
    return libero_evaluation_report.summarise(options, "libero_goal", "mine", tasks, {"full": played}, {"mujoco": "1"})


@sample("hume libero expert")
def libero_expert() -> Any:
    way = np.array([0.0, 0.001])
    episode = ExpertEpisode(0, Demonstration(np.zeros((1, 7)), np.zeros((2, 3)), True), Followed(True, way, way, ""))
    return expert_summary({("libero_goal", 8): [episode]}, {"mujoco": "1"})


@sample("hume evaluate --value-quality")
def value_judgement() -> Any:
    options, suite = value_quality.ValueQualityOptions("mine"), find_suite("lift")
    values, rates = np.array([[-1.0, -2.0]] * 3), np.array([[1.0, 0.0]] * 3)
    episodes = [EPISODE, dataclasses.replace(EPISODE, success=False)]
    figures = value_quality.summarise(values, rates) | {"along_episodes": summarise_values(episodes)}
    return figures | value_quality._origins(options, suite, values, rates, episodes)


def demo_report() -> dict[str, Any]:
    measured = Measurements()
    measured.holds.update(["hold: disabled"])
    return demo_summary([DemoEpisode(1, "lift", True, "done", 2.0, 4.0, 40.0, -1.0)], measured)


@sample("hume demo")
def demonstration() -> Any:
    return demo_report()


@sample("hume bench load")
def busy_computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(load, "play", lambda *_: ([], Measurements()))
    monkeypatch.setattr(load, "summarise", lambda *_: demo_report())
    monkeypatch.setattr(load, "busy_processes", lambda count: nullcontext([]))
    load.run_bench(tmp_path / "a.json", None, 1, 0)
    return json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))


@sample("hume bench dataset")
def loaders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    epoch = dataset.Epoch("first epoch", 10, *[1.0] * 5)
    monkeypatch.setattr(dataset, "_make", lambda *_: 1.0)
    monkeypatch.setattr(dataset, "_measured", lambda *_: epoch)
    dataset.run_bench(tmp_path / "a.json", 10)
    return json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))


@sample("hume bench markers")
def marker_costs() -> Any:
    return [dataclasses.asdict(markers.MarkerCost("ur5e", "ee_pose", 0.004, 0.02, 0.05, 44.0, 4.0))]


@sample("hume bench model")
def model_speed() -> Any:
    times = Timing((0.1, 0.2), (0.1, 0.2), 100.0)
    return model.summary([model.ModelTimes("system2", "small", n, times, times, 0.0) for n in (1, 5)])


@sample("hume bench stream")
def stream_figures(monkeypatch: pytest.MonkeyPatch) -> Any:
    ratios = StreamRatios(0.5, 0.5, 0.5, 0.0)
    calls = iter(range(len(FAULTS)))

    def trial(*_: Any) -> FaultOutcome:
        if next(calls):
            return FaultOutcome(0.1, 0.1, 0.1, 0.1, ratios, "why")
        raise HumeError("it did not end")

    memory = resident_figures(os.getpid()) | {"loop_page_faults": 0}
    monkeypatch.setattr(stream, "measure_stream", lambda *_, with_clock: (LOOP | memory, LOOP if with_clock else {}))
    monkeypatch.setattr(stream, "run_fault", trial)
    with Progress(disable=True) as progress:
        return stream._measure(progress, 5.0, faults=True)


class StoppedStack:
    """A stack that stands still and has left nothing."""

    def __init__(self, *_: Any) -> None:
        self.commands: list[Any] = []
        self.output = ""
        self.status = SimpleNamespace(reason="emergency stop")

    def __enter__(self) -> StoppedStack:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Callable[..., Any]:
        answers: dict[str, Any] = {"processes": [], "last_motion": 0.1, "last_step": 0.0}
        return lambda *_: answers.get(name)


def failing() -> dict[str, Any]:
    raise HumeError("it did not end")


@sample("hume bench stops")
def stop_figures(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(endings, "WatchedStack", StoppedStack)
    stack: Any = StoppedStack()
    return {
        "stops": {"one": guarded(lambda: stops._standstill(stack, lambda: None)), "two": guarded(failing)},
        "endings": {"one": endings.measure_ending(endings.ENDINGS["Ctrl-C"], moving=True), "two": guarded(failing)},
    }


@sample("hume bench splice")
def splices() -> Any:
    return splice.summarise(splice.play(RobotProfile.load("wx250s_sim"), seed=0))


@sample("hume bench trajectory")
def trajectories() -> Any:
    return [dataclasses.asdict(trajectory.Row("ur5e", 200.0, 500.0, True, "timed", 1.0, 1.0, 0.0, 5.0))]


@sample("hume bench kinematics")
def kinematic_times() -> Any:
    return [dataclasses.asdict(kinematics.KinematicsTiming("ur5e", 6, *[1.0] * 6))]


@sample("hume doctor")
def diagnosis(capsys: pytest.CaptureFixture[str]) -> Any:
    show([Finding("what", False, "found", "fix", True)], as_json=True)
    return json.loads(capsys.readouterr().out)


@sample("hume status")
def status() -> Any:
    return Snapshot(
        mode="running", reason="", instruction="lift", epoch=1, standing_still=False, system2="active",
        rates={"commands": 200.0}, ages={"joint states": 0.01}, think_duration=0.2, observation_to_command=0.1,
        value=-1.0, values=[-2.0], limited=["elbow"], max_velocity_ratio=0.4, gripper=0.5, rejected={"age": 1},
        unreachable="",
    ).as_json()  # fmt: skip


class FakeClient:
    """Answers yes."""

    def __init__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> FakeClient:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def limit_scales(self) -> dict[str, float]:
        return dict.fromkeys(operator.SCALES, 0.5)

    def set_limit_scales(self, scales: dict[str, float]) -> str:
        return ""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *_: SimpleNamespace(success=True, message="done")


def printed(*words: str) -> Any:
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


@sample("Commands for a running stack")
def answers(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(operator, "OperatorClient", FakeClient)
    found = [printed(name, *(["success"] if name == "label" else [])) for name in SIMPLE]
    assert all(answer.keys() == found[0].keys() for answer in found)
    return found[0]


@sample("hume limits")
def limits(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(operator, "OperatorClient", FakeClient)
    return printed("limits", "--velocity", "0.5")


@sample("hume task")
def task(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("hume_tools.cli.operate._watched", lambda *_: TaskEnd("lift", "done", "why", 3, 2.0, 1.5, -1.0))
    return printed("task", "lift")


@sample("hume task")
def started_task(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("hume_operate.keeper.start_keeper", lambda *_: (42, None))
    return printed("task", "lift", "--no-wait")
