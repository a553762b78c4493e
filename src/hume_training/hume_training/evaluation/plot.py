"""Plot of an evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hume_core.plot_file import BLUE, GREY, plot_file, short_name

_HEAD, _PER_VARIANT = 1.9, 0.34  # inches
_WIDE = 10.0


def plot_success(report: dict[str, Any], path: Path) -> None:
    """Bars of success with their 95 % intervals, one for each variant, and beside them the paired differences.

    Args:
        report: as `hume evaluate` writes it.
        path: .svg or .png file.
    """
    variants = report["variants"]
    paired = len(variants) > 1
    with plot_file(path, _HEAD + _PER_VARIANT * len(variants), *([_WIDE] if paired else [])) as figure:
        if paired:
            left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
            _draw_differences(right, report)
        else:
            left = figure.subplots()
        _draw_rates(left, variants)
        left.invert_yaxis()
        figure.suptitle(_title(report))


def _title(report: dict[str, Any]) -> str:
    same = f"the same {_episodes(report['variants'])} for each variant"
    suite = f"suite {report['suite']['name']}, {same}"
    return f"checkpoint {short_name(report['checkpoint'])}, seed {report['seed']}\n{suite}"


def _draw_rates(axes: Any, variants: dict[str, Any]) -> None:
    names = list(variants)
    rates = [100 * variants[name]["success"] for name in names]
    bounds = [[100 * bound for bound in variants[name]["ci95"]] for name in names]
    errors = [
        [max(0.0, rate - low) for rate, (low, _) in zip(rates, bounds, strict=True)],
        [max(0.0, high - rate) for rate, (_, high) in zip(rates, bounds, strict=True)],
    ]
    axes.barh(names, rates, height=0.62, xerr=errors, capsize=4, color=BLUE, error_kw={"linewidth": 1.2})
    for name, rate in zip(names, rates, strict=True):
        axes.annotate(f"{rate:.0f} %", (100, name), (6, 0), textcoords="offset points", va="center")
    axes.set_xlim(0, 100)
    axes.set_xlabel("success, % of the episodes, with 95 % interval")
    _only_rows(axes)


def _draw_differences(axes: Any, report: dict[str, Any]) -> None:
    """The first variant minus each other one, on the same episodes."""
    first, *others = report["variants"]
    for name in others:
        found = report["differences"][f"{first}_minus_{name}"]
        mean, low, high = (100 * number for number in (found["mean"], *found["ci95"]))
        colour = GREY if low <= 0.0 <= high else BLUE
        axes.plot([low, high], [name, name], color=colour, linewidth=1.6, marker="|", markersize=9)
        axes.plot(mean, name, "o", color=colour)
        axes.annotate(f"{mean:+.0f}", (mean, name), (0, 6), textcoords="offset points", ha="center")
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_xlabel(f"{first} minus this, points, paired, 95 %")
    _only_rows(axes)


def _only_rows(axes: Any) -> None:
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _episodes(variants: dict[str, Any]) -> str:
    count = max(row["episodes"] for row in variants.values())
    return f"{count} episodes" if count > 1 else "episode"
