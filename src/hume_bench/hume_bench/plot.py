"""Plot of a model benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot


def plot_results(content: Mapping[str, Any], path: Path) -> None:
    """Time per thought against N, one panel per size, and System 1 as bars.

    Args:
        content: see ``hume_bench.model.summary``.
        path: PNG file to write.
    """
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for item in content["results"]:
        groups.setdefault((item["system"], item["size"]), []).append(item)
    figure, axes = pyplot.subplots(1, len(groups), figsize=(4.2 * len(groups), 3.6), squeeze=False)
    for axis, ((system, size), items) in zip(axes[0], groups.items(), strict=True):
        draw = _draw_lines if system == "system2" else _draw_bars
        draw(axis, items)
        axis.set_title(f"System {system[-1]}, {size}")
        axis.set_ylabel("processor time, ms (median, range)")
    figure.suptitle(f"{content['dtype']}, {content['threads']} thread")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _draw_lines(axis: Any, items: list[Mapping[str, Any]]) -> None:
    counts = [item["candidates"] for item in items]
    for schedule in ("straightforward", "shipped"):
        times = [item[schedule] for item in items]
        axis.plot(counts, [time["median_ms"] for time in times], marker="o", label=schedule)
        axis.fill_between(counts, [time["min_ms"] for time in times], [time["max_ms"] for time in times], alpha=0.2)
    axis.set_xlabel("candidates N")
    axis.set_yscale("log")
    axis.legend()


def _draw_bars(axis: Any, items: list[Mapping[str, Any]]) -> None:
    for i, schedule in enumerate(("straightforward", "shipped")):
        time = items[0][schedule]
        low, high = time["median_ms"] - time["min_ms"], time["max_ms"] - time["median_ms"]
        axis.bar(i, time["median_ms"], yerr=[[low], [high]], capsize=4)
    axis.set_xticks([0, 1], ["straightforward", "shipped"])
