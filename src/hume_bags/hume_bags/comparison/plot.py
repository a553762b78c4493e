"""Picture of a comparison: rates with their intervals, and below them differences with theirs."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import Any

from hume_bags.comparison.differences import Comparison, RateDifference
from hume_bags.comparison.report import ALL, percent
from hume_bags.comparison.run import Run
from hume_core.plot_file import BLUE, GREEN, GREY, ORANGE, RED, plot_file, short_name

_COLOURS = (BLUE, ORANGE, GREEN, RED, GREY)
_HEAD, _PER_ROW = 1.9, 0.34  # inches
_MOST_INSTRUCTIONS = 6
"""With more of them only all together is drawn. The tables have each."""
_LABEL_WIDTH = 40


def plot_comparison(found: Comparison, path: Path) -> None:
    """Rates above, differences from the first run below.

    Args:
        found: to draw.
        path: .svg or .png file.
    """
    rates = [row for run in found.runs for row in _rates(run, _each(found))]
    differences = [item for item in found.differences if _each(found) or not item.instruction or _alone(found, item)]
    height = _HEAD + _PER_ROW * (len(rates) + len(differences) + len(found.runs))
    with plot_file(path, height) as figure:
        upper, lower = figure.subplots(2, 1, height_ratios=(len(rates) + 1, len(differences) + 1))
        colours = {run.name: _COLOURS[k % len(_COLOURS)] for k, run in enumerate(found.runs)}
        _draw_rates(upper, rates, colours)
        _draw_differences(lower, differences, found.runs[0].name)
        figure.suptitle("\n".join(f"{run.name}: checkpoint {short_name(run.checkpoint)}" for run in found.runs))


def _each(found: Comparison) -> bool:
    """Whether every instruction is drawn, not only all together."""
    return max(len(run.tallies) for run in found.runs) <= _MOST_INSTRUCTIONS


def _alone(found: Comparison, item: RateDifference) -> bool:
    """Whether a run is compared by one instruction, so that there is nothing to take together."""
    return sum(other.run == item.run for other in found.differences) == 1


def _rates(run: Run, each: bool) -> list[tuple[str, str, float, tuple[float, float]]]:
    """Run, label, rate and interval of each bar."""
    tallies = list(run.tallies.items()) if each else []
    if len(tallies) != 1:
        tallies.append((ALL, run.whole))
    return [
        (run.name, f"{run.name}: {text} ({tally.judged})", tally.rate, tally.interval)
        for text, tally in tallies
        if tally.rate is not None and tally.interval is not None
    ]


def _draw_rates(axes: Any, rows: list[tuple[str, str, float, tuple[float, float]]], colours: dict[str, str]) -> None:
    for k, (name, _, rate, (low, high)) in enumerate(rows):
        error = [[100 * max(0.0, rate - low)], [100 * max(0.0, high - rate)]]
        axes.barh(k, 100 * rate, height=0.62, xerr=error, capsize=4, color=colours[name], error_kw={"linewidth": 1.2})
        axes.annotate(f"{100 * rate:.0f} %", (100, k), (6, 0), textcoords="offset points", va="center")
    axes.set_xlim(0, 100)
    axes.set_xlabel("success, % of the judged episodes, with 95 % interval (Wilson)")
    _rows_from_top(axes, [label for _, label, *_ in rows])


def _draw_differences(axes: Any, differences: list[RateDifference], first: str) -> None:
    for k, item in enumerate(differences):
        low, high = (100 * bound for bound in item.interval)
        colour = GREY if item.contains_zero else BLUE
        axes.plot([low, high], [k, k], color=colour, linewidth=1.6, marker="|", markersize=9)
        axes.plot(100 * item.difference, k, "o", color=colour)
        axes.annotate(percent(item.difference), (100, k), (6, 0), textcoords="offset points", va="center")
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_xlim(-100, 100)
    axes.set_xlabel(f"minus {first}, percentage points, with 95 % interval (Newcombe)")
    _rows_from_top(axes, [f"{item.run}: {item.instruction or ALL}" for item in differences])


def _rows_from_top(axes: Any, labels: list[str]) -> None:
    axes.set_yticks(range(len(labels)), [fill(label, _LABEL_WIDTH) for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
