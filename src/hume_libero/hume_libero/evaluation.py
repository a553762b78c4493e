"""`hume evaluate --suite libero_...`: success of a checkpoint in LIBERO, task by task."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from hume_core.console import say
from hume_core.errors import ConfigError
from hume_core.json_report import write_json
from hume_libero.environment import libero_python
from hume_libero.player import CONTROLS, LiberoOutcome, Player, Timing, check_variant
from hume_libero.process import LiberoProcess
from hume_libero.robot import ROBOT, libero_robot, stand_in
from hume_libero.suites import find_suite
from hume_libero.world import LiberoWorld
from hume_training.evaluation.intervals import wilson
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.variants import find_variant

PICTURE_SIZE = 256
"""Pixels. As the authors have it."""


@dataclass(frozen=True)
class LiberoOptions:
    """What `hume evaluate` was asked for.

    Attributes:
        suite: one of `suites.NAMES`.
        checkpoint: folder or hub name. Empty: random weights.
        tasks: places in the suite. Empty: all.
        episodes: initial states of each task, as far as it has so many.
        variants: see `find_variant`.
        control: one of `CONTROLS`.
        perturbation: of LIBERO-PRO. Empty: none.
        seed: moves the noise.
        action_space, contract, robot: see `libero_robot`.
        timing: changes to `Timing`.
        json_file, plot: where to write the figures and their picture.
    """

    suite: str
    checkpoint: str = ""
    tasks: Sequence[int] = ()
    episodes: int = 50
    variants: Sequence[str] = ("full",)
    control: str = CONTROLS[0]
    perturbation: str = ""
    seed: int = 0
    action_space: str = ""
    contract: str = ""
    robot: str = ROBOT
    timing: dict[str, float] = field(default_factory=dict)
    json_file: Path | None = None
    plot: Path | None = None


def parse_tasks(text: str) -> tuple[int, ...]:
    """Places in a suite, such as `0,3`. Empty: none is named.

    Raises:
        ConfigError: it is no list of numbers.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ConfigError(f"--tasks is '{text}'. Valid: places in the suite from 0 on, such as 0,3")
    return tuple(dict.fromkeys(int(part) for part in parts))


def run_libero(options: LiberoOptions) -> int:
    """Evaluate, print a table for each variant, write JSON and a plot. Returns 0.

    Raises:
        SimulationError: LIBERO is not set up, or has ended.
        HumeError: an unknown name, or the checkpoint cannot be loaded or is not for the robot.
    """
    suite = find_suite(options.suite, options.perturbation)
    if options.control not in CONTROLS:
        raise ConfigError(f"--control is '{options.control}'. Valid: {', '.join(CONTROLS)}")
    if options.episodes < 1 or not options.variants:
        raise ConfigError("at least one episode and one variant are needed")
    for name in options.variants:
        check_variant(find_variant(name), options.control)
    # Before anything is loaded that takes long.
    libero_python()
    checkpoint = options.checkpoint or stand_in(suite)
    if not options.checkpoint:
        say("no checkpoint is named: random weights act, which shows that everything runs and no more")
    profile = libero_robot(checkpoint, options.robot, options.action_space, options.contract)
    policy = Policy.load(checkpoint)
    torch.set_num_threads(1)
    with LiberoProcess() as process:
        world = LiberoWorld(process, PICTURE_SIZE)
        players = {
            name: Player(
                world, policy, profile, suite, find_variant(name), options.control, Timing(**options.timing),
                options.seed,
            )
            for name in options.variants
        }  # fmt: skip
        tasks = world.tasks(suite.name)
        outcomes = play(world, suite.name, chosen_tasks(options.tasks, len(tasks)), options.episodes, players)
        report = summarise(options, suite.name, checkpoint, tasks, outcomes, process.versions)
    print_tables(report)
    if options.json_file is not None:
        write_json(options.json_file, report, indent=1)
    if options.plot is not None:
        from hume_libero.plot import plot_tasks

        plot_tasks(report, options.plot)
    return 0


def chosen_tasks(wanted: Sequence[int], count: int) -> list[int]:
    """The tasks to play of a suite that has `count`. All where none is named.

    Raises:
        ConfigError: the suite has no such task.
    """
    beyond = [number for number in wanted if number >= count]
    if beyond:
        raise ConfigError(f"task {beyond[0]} is not in the suite. Valid: 0 to {count - 1}")
    return list(wanted) or list(range(count))


def play(
    world: LiberoWorld, suite: str, tasks: Sequence[int], episodes: int, players: Mapping[str, Player]
) -> dict[str, list[LiberoOutcome]]:
    """Outcomes by variant. All variants play the same initial states."""
    found: dict[str, list[LiberoOutcome]] = {name: [] for name in players}
    for number in tasks:
        task = world.open(suite, number)
        for state in range(min(episodes, task.states)):
            for name, player in players.items():
                outcome = player.play(state)
                found[name].append(outcome)
                word = "done" if outcome.success else "not done"
                say(f"{suite}, task {number}, state {state}, {name}: {word} after {outcome.duration:.1f} s")
    return found


def summarise(
    options: LiberoOptions,
    suite: str,
    checkpoint: str,
    tasks: Sequence[Mapping[str, str]],
    outcomes: Mapping[str, Sequence[LiberoOutcome]],
    versions: Mapping[str, str],
) -> dict[str, Any]:
    """The figures, as they go to JSON."""
    return {
        "checkpoint": checkpoint,
        "suite": suite,
        "control": options.control,
        "seed": options.seed,
        "timing": asdict(Timing(**options.timing)),
        "versions": dict(versions),
        "variants": {name: _figures(found, tasks) for name, found in outcomes.items()},
        "outcomes": {name: [asdict(outcome) for outcome in found] for name, found in outcomes.items()},
    }


def _figures(found: Sequence[LiberoOutcome], tasks: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    durations = [outcome.duration for outcome in found if outcome.success]
    numbers = sorted({outcome.task for outcome in found})
    by_task = {number: [outcome for outcome in found if outcome.task == number] for number in numbers}
    return {
        **_rate(found),
        "median_duration_s": statistics.median(durations) if durations else None,
        "held_s": statistics.fmean(outcome.held for outcome in found),
        "faults": dict(Counter(outcome.fault for outcome in found if outcome.fault)),
        "tasks": [
            {"task": number, "instruction": tasks[number]["instruction"], **_rate(mine)}
            for number, mine in by_task.items()
        ],
    }


def _rate(found: Sequence[LiberoOutcome]) -> dict[str, Any]:
    count = sum(outcome.success for outcome in found)
    return {"success": count / len(found), "ci95": list(wilson(count, len(found))), "episodes": len(found)}


def print_tables(report: Mapping[str, Any]) -> None:
    """For people: one table for each variant."""
    console = Console()
    for name, row in report["variants"].items():
        table = Table(title=f"{report['suite']}, {name}, control {report['control']}")
        for column in ("task", "instruction", "success", "95 % interval", "episodes"):
            table.add_column(column)
        for task in (*row["tasks"], {"task": "all", "instruction": "", **row}):
            low, high = (100 * bound for bound in task["ci95"])
            table.add_row(
                str(task["task"]), task["instruction"], f"{100 * task['success']:.1f} %", f"{low:.1f} to {high:.1f} %",
                str(task["episodes"]),
            )  # fmt: skip
        console.print(table)
        for fault, count in row["faults"].items():
            console.print(f"{name}: {count} of {row['episodes']} episodes ended in {fault}", highlight=False)
