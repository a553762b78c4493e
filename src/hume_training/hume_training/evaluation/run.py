"""`hume evaluate`: success of the variants of a checkpoint on paired episodes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from hume_core.errors import ConfigError
from hume_core.robot import RobotProfile
from hume_session.determinism import deterministic_algorithms
from hume_sim.suites import Suite, find_suite, scene, timing_arguments
from hume_training.evaluation.episode import Runner
from hume_training.evaluation.expected_time import expect_episodes
from hume_training.evaluation.intervals import paired_difference
from hume_training.evaluation.outcome import EpisodeOutcome, RecordedEpisode
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.pool import finished
from hume_training.evaluation.report import figures, write_report
from hume_training.evaluation.robot import checked_robot
from hume_training.evaluation.rollout import Rollout
from hume_training.evaluation.variants import FULL, Variant, find_variant

DEFAULT_VARIANTS = (
    "full", "n1", "one_of_n", "mean", "best_value", "zero_noise", "medoid", "random_pick", "no_system1",
)  # fmt: skip
_PART = 20
"""Episodes that share a batch."""
_context: dict[str, Any] = {}


@dataclass(frozen=True)
class EvaluateOptions:
    """What `hume evaluate` was asked for.

    Attributes:
        checkpoint: folder or hub name.
        suite: see `SUITES`.
        variants: see `find_variant`.
        episodes: per variant, the same scenes for all.
        seed: moves every random choice.
        action_space: what the checkpoint's rows mean where it does not say so itself. Empty: not given.
        contract: name or path of what the checkpoint's numbers mean. Empty: its own.
        robot: name or path of a profile of the simulated arm.
        workers: processes of one torch thread each.
        timing: changes to the suite's rates and latencies.
        json_file, plot: where to write the figures and their picture.
        recorder: writes each episode down. None: nothing does.
    """

    checkpoint: str
    suite: str = "hard"
    variants: Sequence[str] = DEFAULT_VARIANTS
    episodes: int = 300
    seed: int = 0
    action_space: str = ""
    robot: str = "wx250s_sim"
    workers: int = 1
    timing: dict[str, float] = field(default_factory=dict)
    json_file: Path | None = None
    plot: Path | None = None
    recorder: Recorder | None = None
    contract: str = ""


class Recorder(Protocol):
    """Makes what writes an episode down. Is sent to the workers, so it must be picklable."""

    def open(self, runner: Runner, number: int, variant: str, seed: int, refine: bool) -> RecordedEpisode:
        """The recorder of an episode whose scene has just been set up.

        Args:
            runner: plays it.
            number: of the episode.
            variant: name.
            seed: of System 2's noise.
            refine: with System 1.
        """


def run_evaluate(options: EvaluateOptions) -> int:
    """Evaluate, print a table, write JSON and a plot. Returns 0.

    Raises:
        HumeError: an unknown name, or the checkpoint cannot be loaded or is not for the robot.
    """
    suite = find_suite(options.suite, **options.timing)
    if options.episodes < 1 or not options.variants:
        raise ConfigError("at least one episode and one variant are needed")
    for name in options.variants:
        find_variant(name)
    profile = checked_robot(options.checkpoint, options.robot, options.action_space, options.contract)
    outcomes = evaluate(options, suite, profile)
    report = summarise(options, suite, outcomes)
    _print(report)
    print(f"Rates and latencies: {timing_arguments(suite)}")
    if options.json_file is not None:
        write_report(options.json_file, report)
    if options.plot is not None:
        from hume_training.evaluation.plot import plot_success

        plot_success(report, options.plot)
    return 0


def evaluate(options: EvaluateOptions, suite: Suite, profile: RobotProfile) -> dict[str, list[EpisodeOutcome]]:
    """Outcomes by variant, in the order of the episodes."""
    episodes = list(range(options.episodes))
    total = len(episodes) * len(options.variants)
    rest = expect_episodes(total, suite.time_limit, options.workers, _PART, options.recorder is not None)
    jobs = [(name, episodes[i : i + _PART]) for i in range(0, len(episodes), _PART) for name in options.variants]
    found: dict[str, dict[int, EpisodeOutcome]] = {name: {} for name in options.variants}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    context = multiprocessing.get_context("spawn")
    with (
        Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as progress,
        ProcessPoolExecutor(options.workers, context, _start_worker, (options, suite, profile)) as pool,
    ):
        bar = progress.add_task("episodes", total=total)
        futures = {pool.submit(_run_part, name, part): name for name, part in jobs}
        for future in finished(pool, futures):
            found[futures[future]].update(future.result())
            progress.advance(bar, len(future.result()))
            rest.done(len(future.result()))
    return {name: [outcomes[i] for i in episodes] for name, outcomes in found.items()}


def _start_worker(options: EvaluateOptions, suite: Suite, profile: RobotProfile) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    torch.set_num_threads(1)
    _context.update(profile=profile, options=options, suite=suite)


def _run_part(name: str, episodes: list[int]) -> dict[int, EpisodeOutcome]:
    options, suite = _context["options"], _context["suite"]
    # Not when the process starts: an error there would not reach the caller.
    policy = _context["policy"] = _context.get("policy") or Policy.load(options.checkpoint)
    runner = Rollout(policy, _context["profile"], suite, find_variant(name), options.seed)
    try:
        if options.recorder is not None:
            return {k: _record(runner, find_variant(name), k, scene(options.seed, k, suite), options) for k in episodes}
        outcomes = runner.run_many([scene(options.seed, k, suite) for k in episodes])
        return dict(zip(episodes, outcomes, strict=True))
    finally:
        runner.close()


def _record(
    rollout: Rollout, variant: Variant, number: int, where: tuple[int, str], options: EvaluateOptions
) -> EpisodeOutcome:
    """One episode that is written down, computed bit by bit as `hume regress` will."""
    runner, recorder = rollout.runner, options.recorder
    assert recorder is not None
    seed = runner.noise_seed(where[0])
    with deterministic_algorithms():
        episode = runner.recorded(*where, lambda: recorder.open(runner, number, variant.name, seed, variant.refine))
        return rollout.play([episode])[0]


def summarise(options: EvaluateOptions, suite: Suite, outcomes: dict[str, list[EpisodeOutcome]]) -> dict[str, Any]:
    """The figures, as they go to JSON. Differences are those of `full`, else of the first variant."""
    variants = {name: figures(results) for name, results in outcomes.items()}
    differences = {}
    reference = _reference(outcomes)
    for name, results in outcomes.items():
        if name != reference:
            mean, interval = paired_difference(
                [r.success for r in outcomes[reference]], [r.success for r in results], options.seed
            )
            differences[f"{reference}_minus_{name}"] = {"mean": mean, "ci95": list(interval)}
    return {
        "checkpoint": options.checkpoint,
        "suite": asdict(suite),
        "seed": options.seed,
        "variants": variants,
        "differences": differences,
        "outcomes": {name: [asdict(result) for result in results] for name, results in outcomes.items()},
    }


def _reference(variants: Iterable[str]) -> str:
    """The variant that the others are held against."""
    names = list(variants)
    return FULL if FULL in names else names[0]


def _print(report: dict[str, Any]) -> None:
    console = Console()
    for table in (_success_table(report), _table_of_rest(report)):
        console.print(table)
    for name, row in report["variants"].items():
        endings = {f"in {reason}": count for reason, count in row["faults"]["reasons"].items()}
        endings |= {f"because {reason}": count for reason, count in row["failures"]["reasons"].items()}
        for reason, count in endings.items():
            console.print(
                f"{name}: {count} of {row['episodes']} episodes ended {reason}", highlight=False, soft_wrap=True
            )


def _success_table(report: dict[str, Any]) -> Table:
    table = Table(title=f"Suite {report['suite']['name']}")
    reference = _reference(report["variants"])
    for column in ("variant", "success", "95 % interval", "episodes", f"{reference} minus this, 95 %"):
        table.add_column(column)
    for name, row in report["variants"].items():
        difference = report["differences"].get(f"{reference}_minus_{name}")
        text = ""
        if difference is not None:
            mean, low, high = (100 * number for number in (difference["mean"], *difference["ci95"]))
            text = f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"
        low, high = (100 * bound for bound in row["ci95"])
        table.add_row(name, f"{100 * row['success']:.1f} %", f"{low:.1f} to {high:.1f} %", str(row["episodes"]), text)
    return table


def _table_of_rest(report: dict[str, Any]) -> Table:
    table = Table(title="How the episodes went")
    for column in ("variant", "median success after", "other cube lifted", "fault", "in HOLD, mean"):
        table.add_column(column)
    for name, row in report["variants"].items():
        median = row["median_duration_s"]
        table.add_row(
            name, "-" if median is None else f"{median:.2f} s", f"{100 * row['wrong_cube']:.1f} %",
            f"{100 * row['faults']['share']:.1f} %", f"{row['held_s']:.2f} s",
        )  # fmt: skip
    return table
