"""Plot of an evaluation in LIBERO."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hume_core.plot_file import BLUE, GREY, plot_file, short_name

_HEAD, _PER_TASK = 1.6, 0.32  # inches


def plot_tasks(report: Mapping[str, Any], path: Path) -> None:
    """Bars of success with their 95 % intervals, one for each task, and a panel for each variant.

    Args:
        report: as `hume evaluate --suite libero_...` writes it.
        path: .svg or .png file.
    """
    variants = report["variants"]
    rows = len(next(iter(variants.values()))["tasks"]) + 1
    with plot_file(path, _HEAD + _PER_TASK * rows) as figure:
        panels = figure.subplots(1, len(variants), sharey=True, squeeze=False)[0]
        for axes, (name, row) in zip(panels, variants.items(), strict=True):
            _draw(axes, name, row)
        panels[0].invert_yaxis()
        figure.suptitle(f"checkpoint {short_name(report['checkpoint'])}, {report['suite']}, {report['control']}")


def _draw(axes: Any, name: str, row: Mapping[str, Any]) -> None:
    shown = [(f"task {task['task']}", task, BLUE) for task in row["tasks"]] + [("all", row, GREY)]
    for label, found, colour in shown:
        rate, (low, high) = 100 * found["success"], (100 * bound for bound in found["ci95"])
        errors = [[max(0.0, rate - low)], [max(0.0, high - rate)]]
        axes.barh([label], [rate], height=0.62, xerr=errors, capsize=3, color=colour, error_kw={"linewidth": 1.2})
    axes.set_xlim(0, 100)
    axes.set_xlabel("success, %, with 95 % interval")
    axes.set_title(f"{name}, {row['episodes']} episodes")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
