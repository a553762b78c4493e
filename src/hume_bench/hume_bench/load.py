"""`hume bench load`: the demo's episodes on a quiet computer, and with busy processes beside it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hume_bench.demo.run import INTERRUPTED, DemoOptions, play, summarise
from hume_bench.plot import plot_load
from hume_core.json_report import write_json
from hume_core.parent_death import tied

RUNS = {"quiet": 0, "busy2": 2, "busy4": 4}
"""Name of each run, and how many processes of ordinary priority compute all the time beside it."""

_KEYS = ("successes", "episodes", "faults", "holds", "hold_reasons", "system1_hz", "system2_hz",
         "observation_to_command_ms", "outcomes")  # fmt: skip
_BUSY = "while True: pass"


@contextmanager
def busy_processes(count: int) -> Iterator[list[int]]:
    """So many processes that compute all the time. Gives their process ids. They end with the block."""
    children = [subprocess.Popen(tied([sys.executable, "-c", _BUSY])) for _ in range(count)]
    try:
        yield [child.pid for child in children]
    finally:
        for child in children:
            child.kill()
            child.wait()


def run_bench(json_file: Path | None, plot: Path | None, episodes: int, seed: int) -> int:
    """Run the same episodes under every load, and report.

    Args:
        json_file: None: no file.
        plot: None: no plot.
        episodes: for each load.
        seed: of the first scene.

    Returns:
        Exit code: 0, or 130 after Ctrl-C.

    Raises:
        HumeError: a node did not become active, or the simulator does not answer.
    """
    console = Console(stderr=True)
    runs: dict[str, dict[str, Any]] = {}
    for name, count in RUNS.items():
        console.print(f"{name}: {episodes} episodes with {count} busy processes")
        try:
            with busy_processes(count):
                report = summarise(*play(DemoOptions(episodes=episodes, seed=seed), console))
        except KeyboardInterrupt:
            console.print("interrupted. Nothing is left running")
            return INTERRUPTED
        runs[name] = {"busy_processes": count, **{key: report[key] for key in _KEYS}}
    content = {"runs": runs}
    _print(runs)
    if json_file is not None:
        write_json(json_file, content)
    if plot is not None:
        plot_load(content, plot)
    return 0


def _print(runs: dict[str, dict[str, Any]]) -> None:
    table = Table(title="The same episodes on a busy computer")
    for column in ("", "busy processes", "successes", "faults", "holds", "System 1, Hz", "System 2, Hz",
                   "observation to command p50 / p99, ms"):  # fmt: skip
        table.add_column(column)
    for name, run in runs.items():
        delay = run["observation_to_command_ms"]
        table.add_row(
            name, str(run["busy_processes"]), f"{run['successes']} of {run['episodes']}", str(run["faults"]),
            str(run["holds"]), f"{run['system1_hz']:.1f}", f"{run['system2_hz']:.2f}",
            f"{delay['p50']:.0f} / {delay['p99']:.0f}",
        )  # fmt: skip
    Console().print(table)
    for name, run in runs.items():
        for reason, times in run["hold_reasons"].items():
            print(f"{name}: held {times} times: {reason}")
