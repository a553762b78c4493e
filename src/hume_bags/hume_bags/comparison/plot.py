"""Picture of a comparison: rates with their intervals, and differences with theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hume_bags.comparison.differences import Comparison
from hume_bags.comparison.report import ALL, percent
from hume_core.plot_file import BLUE, GREEN, GREY, ORANGE, RED, plot_file, short_name

_COLOURS = (BLUE, ORANGE, GREEN, RED, GREY)
_LEAST_HEIGHT, _PER_ROW = 1.6, 0.28  # inches


def plot_comparison(found: Comparison, path: Path) -> None:
    """Rates on the left, differences from the first run on the right.

    Args:
        found: to draw.
        path: .svg or .png file.
    """
    rates = _rates(found)
    rows = max(len(rates), len(found.differences)) + len(found.runs)
    with plot_file(path, _LEAST_HEIGHT + _PER_ROW * rows, width=10.0) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        _draw_rates(left, rates)
        _draw_differences(right, found)
        figure.suptitle("\n".join(f"{run.name}: checkpoint {short_name(run.checkpoint)}" for run in found.runs))


def _rates(found: Comparison) -> list[tuple[str, str, float, tuple[float, float]]]:
    """Label, colour, rate and interval of each bar."""
    rows = []
    for k, run in enumerate(found.runs):
        tallies = list(run.tallies.items())
        if len(tallies) > 1:
            tallies.append((ALL, run.whole))
        for text, tally in tallies:
            if tally.rate is not None and tally.interval is not None:
                label = f"{run.name}: {text} ({tally.judged})"
                rows.append((label, _COLOURS[k % len(_COLOURS)], tally.rate, tally.interval))
    return rows


def _draw_rates(axes: Any, rows: list[tuple[str, str, float, tuple[float, float]]]) -> None:
    for k, (_, colour, rate, (low, high)) in enumerate(rows):
        error = [[100 * max(0.0, rate - low)], [100 * max(0.0, high - rate)]]
        axes.barh(k, 100 * rate, height=0.62, xerr=error, capsize=4, color=colour, error_kw={"linewidth": 1.2})
    axes.set_yticks(range(len(rows)), [label for label, *_ in rows])
    axes.set_xlim(0, 100)
    axes.set_xlabel("success, %, with 95 % interval (Wilson)")
    _rows_from_top(axes)


def _draw_differences(axes: Any, found: Comparison) -> None:
    for k, item in enumerate(found.differences):
        low, high = (100 * bound for bound in item.interval)
        colour = GREY if item.contains_zero else BLUE
        axes.plot([low, high], [k, k], color=colour, linewidth=1.6, marker="|", markersize=9)
        axes.plot(100 * item.difference, k, "o", color=colour)
        axes.annotate(percent(item.difference), (100 * item.difference, k), (0, 6), textcoords="offset points")
    labels = [f"{item.run}: {item.instruction or ALL}" for item in found.differences]
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_xlim(-100, 100)
    axes.set_xlabel(f"minus {found.runs[0].name}, percentage points, 95 % (Newcombe)")
    _rows_from_top(axes)


def _rows_from_top(axes: Any) -> None:
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
