"""`hume libero expert`: success through OSC_POSE and through the stack, and how far the tool strays, task by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from hume_core.console import say
from hume_core.errors import ConfigError
from hume_core.json_report import write_json
from hume_libero.expert import TASKS, Task
from hume_libero.expert_runs import Demonstration, Followed, Follower, demonstrate
from hume_libero.process import LiberoProcess
from hume_libero.suites import find_suite
from hume_libero.world import LiberoWorld
from hume_training.evaluation.intervals import newcombe_paired, wilson

_MM = 1000.0
_PICTURE = 64
"""Nobody looks at a picture."""


@dataclass(frozen=True, eq=False)
class ExpertEpisode:
    """One initial state, played twice.

    Attributes:
        state: number of the initial state.
        demonstration: by OSC_POSE.
        followed: its rows through the stack.
    """

    state: int
    demonstration: Demonstration
    followed: Followed


def parse_tasks(texts: Sequence[str]) -> list[Task]:
    """Tasks as people name them: `libero_spatial:0`. None: all that the expert knows.

    Raises:
        ConfigError: the expert does not know one. Lists those that it knows.
    """
    names = {f"{suite}:{number}": (suite, number) for suite, number in TASKS}
    unknown = [text for text in texts if text not in names]
    if unknown:
        raise ConfigError(f"there is no expert for '{unknown[0]}'. Valid: {', '.join(names)}")
    return [names[text] for text in texts] or list(TASKS)


def run_expert(tasks: Sequence[Task], episodes: int, json_file: Path | None = None) -> int:
    """Play, print the table, write the figures. Returns 0.

    Args:
        tasks: which.
        episodes: of each task: its first initial states.
        json_file: where the figures go.

    Raises:
        SimulationError: LIBERO is not set up, or has ended.
        ConfigError: a task has fewer initial states.
    """
    found: dict[Task, list[ExpertEpisode]] = {}
    with LiberoProcess() as process:
        world = LiberoWorld(process, _PICTURE)
        for suite_name, number in tasks:
            suite = find_suite(suite_name)
            follower = Follower(suite)
            world.open(suite_name, number)
            played = found[suite_name, number] = []
            for state in range(episodes):
                demonstration = demonstrate(world, suite, state)
                played.append(ExpertEpisode(state, demonstration, follower.follow(world, state, demonstration)))
                say(f"{suite_name}:{number}, state {state}: {_said(played[-1])}")
        report = summarise(found, process.versions)
    print_table(report)
    if json_file is not None:
        write_json(json_file, report, indent=1)
    return 0


def summarise(found: Mapping[Task, Sequence[ExpertEpisode]], versions: Mapping[str, str]) -> dict[str, Any]:
    """The figures, as they go to JSON. Deviations are those of all rows of all episodes, mm."""
    tasks = [
        {"task": f"{suite}:{number}", **_figures(played), "outcomes": [_outcome(episode) for episode in played]}
        for (suite, number), played in found.items()
    ]
    total = _figures([episode for played in found.values() for episode in played])
    return {"versions": dict(versions), "tasks": tasks, "total": total}


def print_table(report: Mapping[str, Any]) -> None:
    """For people."""
    table = Table(title="The expert by OSC_POSE, and its rows through the stack")
    for column in ("task", "OSC_POSE, 95 %", "stack, 95 %", "tool strays, mean / 95 % / most", "from the way, most"):
        table.add_column(column)
    for row in (*report["tasks"], {"task": "all", **report["total"]}):
        strays = " / ".join(f"{row['deviation_mm'][name]:.1f}" for name in ("mean", "p95", "max"))
        table.add_row(
            row["task"], _rate(row["osc"]), _rate(row["stack"]), f"{strays} mm", f"{row['path_deviation_mm']:.1f} mm"
        )
    Console().print(table)
    low, high = (100 * bound for bound in report["total"]["difference"]["ci95"])
    mean = 100 * report["total"]["difference"]["mean"]
    print(f"OSC_POSE minus stack, paired: {mean:+.1f} points (95 %: {low:+.1f} to {high:+.1f})")


def _figures(played: Sequence[ExpertEpisode]) -> dict[str, Any]:
    pairs = [(episode.demonstration.success, episode.followed.success) for episode in played]
    strays = _MM * np.concatenate([episode.followed.deviation for episode in played])
    away = [_MM * float(episode.followed.path_deviation.max()) for episode in played]
    mean = sum(int(first) - int(second) for first, second in pairs) / len(pairs)
    return {
        "episodes": len(played),
        "osc": _success([first for first, _ in pairs]),
        "stack": _success([second for _, second in pairs]),
        "difference": {"mean": mean, "ci95": list(newcombe_paired(pairs))},
        "deviation_mm": {
            "mean": float(strays.mean()), "p95": float(np.percentile(strays, 95)), "max": float(strays.max()),
        },
        "path_deviation_mm": max(away),
    }  # fmt: skip


def _success(found: Sequence[bool]) -> dict[str, Any]:
    return {"success": sum(found) / len(found), "ci95": list(wilson(sum(found), len(found)))}


def _outcome(episode: ExpertEpisode) -> dict[str, Any]:
    demonstration, followed = episode.demonstration, episode.followed
    return {
        "state": episode.state,
        "osc": demonstration.success,
        "stack": followed.success,
        "rows": len(demonstration.rows),
        "deviation_mm": _MM * float(followed.deviation.max()),
        "fault": followed.fault,
    }


def _rate(figures: Mapping[str, Any]) -> str:
    low, high = (100 * bound for bound in figures["ci95"])
    return f"{100 * figures['success']:.0f} % ({low:.0f} to {high:.0f})"


def _said(episode: ExpertEpisode) -> str:
    outcome = _outcome(episode)
    words = {True: "done", False: "not done"}
    return (
        f"OSC_POSE {words[outcome['osc']]}, stack {words[outcome['stack']]}, "
        f"tool strays up to {outcome['deviation_mm']:.1f} mm"
    )
