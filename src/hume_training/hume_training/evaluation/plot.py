"""Picture of an evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def plot_success(report: dict[str, Any], path: Path) -> None:
    """Bars of success with their 95 % intervals. The file's ending decides the format."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(report["variants"])
    rates = [100 * report["variants"][name]["success"] for name in names]
    bounds = [[100 * bound for bound in report["variants"][name]["ci95"]] for name in names]
    errors = [
        [rate - low for rate, (low, _) in zip(rates, bounds, strict=True)],
        [high - rate for rate, (_, high) in zip(rates, bounds, strict=True)],
    ]
    figure, axes = pyplot.subplots(figsize=(1.5 + 0.9 * len(names), 4))
    axes.bar(names, rates, yerr=errors, capsize=4, color="#4477aa")
    axes.set_ylim(0, 100)
    axes.set_ylabel("success, %")
    axes.set_title(f"{report['suite']['name']}, {report['variants'][names[0]]['episodes']} episodes each")
    axes.tick_params(axis="x", rotation=30)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
