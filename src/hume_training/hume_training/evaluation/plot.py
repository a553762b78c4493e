"""Plot of an evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hume_core.plot_file import BLUE, plot_file


def plot_success(report: dict[str, Any], path: Path) -> None:
    """Bars of success with their 95 % intervals, one for each variant.

    Args:
        report: as `hume evaluate` writes it.
        path: .svg or .png file.
    """
    variants = report["variants"]
    names = list(variants)
    rates = [100 * variants[name]["success"] for name in names]
    bounds = [[100 * bound for bound in variants[name]["ci95"]] for name in names]
    errors = [
        [max(0.0, rate - low) for rate, (low, _) in zip(rates, bounds, strict=True)],
        [max(0.0, high - rate) for rate, (_, high) in zip(rates, bounds, strict=True)],
    ]
    with plot_file(path, 1.2 + 0.34 * len(names)) as figure:
        axes = figure.subplots()
        axes.barh(names, rates, height=0.62, xerr=errors, capsize=4, color=BLUE, error_kw={"linewidth": 1.2})
        for name, rate in zip(names, rates, strict=True):
            axes.annotate(f"{rate:.0f} %", (100, name), (6, 0), textcoords="offset points", va="center")
        axes.set_xlim(0, 100)
        axes.set_xlabel("success, % of the episodes, with 95 % interval")
        axes.set_title(f"suite {report['suite']['name']}, the same {_episodes(variants)} for each variant")
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)


def _episodes(variants: dict[str, Any]) -> str:
    count = max(row["episodes"] for row in variants.values())
    return f"{count} episodes" if count > 1 else "episode"
