"""Plots of the benchmarks. Each takes what the benchmark writes as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from hume_core.plot_file import BLUE, GREEN, GREY, ORANGE, RED, plot_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROW = 0.3  # inches for a row of a table of bars
_LABEL = 44  # letters of a line beside a bar
_FRAME = 0.9  # inches for its title and axis
_LEAST_ERROR = 1.0  # us. Less is below what clocks tell
_LOOPS = {
    "clock_limit": ("bare loop", GREY),
    "stream_200hz": ("command stream", BLUE),
    "stream_500hz": ("command stream", GREEN),
    "stream_200hz_without_fifo": ("command stream", ORANGE),
}


def plot_stream(figures: Mapping[str, Any], path: Path) -> None:
    """Share of the periods with a larger error, for the stream and the bare loop. Below, time to rest after faults.

    Args:
        figures: see `hume_bench.stream`.
        path: .svg or .png file.
    """
    faults = {name: row for name, row in figures["faults"].items() if "error" not in row}
    heights = [3.3] + [_FRAME + _ROW * len(faults)] * bool(faults)
    with plot_file(path, sum(heights)) as figure:
        axes = figure.subplots(len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
        _draw_period_errors(axes[0], figures)
        if faults:
            _draw_faults(axes[1], faults)
            _legend_below(figure, axes[1])


def _draw_period_errors(axes: Any, figures: Mapping[str, Any]) -> None:
    for name, (label, colour) in _LOOPS.items():
        if name not in figures:
            continue
        values = figures[name]
        curve = values["distribution"]
        text = f"{label}, {values['rate_hz']:.0f} Hz, {_scheduling(values['scheduler'])}"
        style = "--" if name == "clock_limit" else "-"
        axes.plot(curve["period_error_us"], curve["share_above"], style, color=colour, label=text)
    axes.set(xscale="log", yscale="log", title="How punctual is the command stream?")
    axes.set_xlim(left=_LEAST_ERROR)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter(lambda share, _: f"{100.0 * share:g} %")
    axes.set_xlabel("period error |measured - nominal|, µs")
    axes.set_ylabel("share of periods with a larger error")
    axes.legend(loc="lower left", fontsize="small")


def _scheduling(scheduler: str) -> str:
    kind, _, priority = scheduler.partition(":")
    return f"SCHED_FIFO {priority}" if kind == "fifo" else "ordinary scheduling"


def _draw_faults(axes: Any, faults: Mapping[str, Any]) -> None:
    names = list(faults)
    noticed = [faults[name]["detection_ms"] for name in names]
    braking = [faults[name]["standstill_ms"] for name in names]
    allowed = [faults[name]["detection_ms"] + faults[name]["allowed_standstill_ms"] for name in names]
    labels = [name.replace("_", " ") for name in names]
    axes.barh(labels, noticed, color=GREY, label="until it is noticed")
    axes.barh(labels, braking, left=noticed, color=BLUE, label="until standstill")
    axes.plot(allowed, labels, "|", color=RED, markersize=10, label="longest stop within the limits")
    _finish_bars(axes, "time after the fault, ms", "How soon does the arm stand still after a fault?")


def plot_stops(figures: Mapping[str, Any], path: Path) -> None:
    """Time to standstill after every kind of stop, and after every end of the set of processes.

    Args:
        figures: see `hume_bench.stops`.
        path: .svg or .png file.
    """
    groups = [
        ("How soon does the arm stand still after a stop?", "stop", figures["stops"]),
        ("... and when hume up ends?", "end of hume up", figures["endings"]),
    ]
    groups = [group for group in groups if group[2]]
    heights = [_FRAME + _ROW * len(rows) for *_, rows in groups]
    with plot_file(path, sum(heights)) as figure:
        panels = figure.subplots(len(groups), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
        for axes, (title, cause, rows) in zip(panels, groups, strict=True):
            _draw_stops(axes, rows)
            _finish_bars(axes, f"time after the {cause}, ms", title)
        _legend_below(figure, panels[-1])


def _draw_stops(axes: Any, rows: Mapping[str, Any]) -> None:
    times = [float(row.get("standstill_ms", 0.0)) for row in rows.values()]
    axes.barh(range(len(rows)), times, color=BLUE, label="until the last command that moves the arm")
    for k, (row, time) in enumerate(zip(rows.values(), times, strict=True)):
        text = "failed" if "error" in row else f"{time:.0f}" if time else "never moved"
        axes.annotate(text, (time, k), (4, 0), textcoords="offset points", va="center", fontsize="small")
    ended = [(row["ended_ms"], k) for k, row in enumerate(rows.values()) if "ended_ms" in row]
    if ended:
        axes.plot(*zip(*ended, strict=True), "|", color=RED, markersize=10, label="until the last process is gone")
    axes.set_yticks(range(len(rows)), [fill(name, _LABEL) for name in rows], fontsize="small")


def _finish_bars(axes: Any, what: str, title: str) -> None:
    """Scale from 0, first row on top."""
    axes.set(xlabel=what, title=title)
    axes.margins(x=0.1, y=0.03)  # room for a number beside the longest bar
    axes.set_xlim(left=0.0)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _legend_below(figure: Figure, axes: Any) -> None:
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small")


def plot_model(content: Mapping[str, Any], path: Path) -> None:
    """Time per thought against N, one panel per size, and System 1 as bars.

    Args:
        content: see `hume_bench.model.summary`.
        path: .svg or .png file.
    """
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for item in content["results"]:
        groups.setdefault((item["system"], item["size"]), []).append(item)
    columns = min(len(groups), 2)
    rows = -(-len(groups) // columns)
    with plot_file(path, 2.9 * rows) as figure:
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, ((system, size), items) in zip(panels, groups.items(), strict=False):
            draw = _draw_thoughts if system == "system2" else _draw_segments
            draw(axes, items)
            axes.set_title(f"System {system[-1]}, {size}")
            axes.set_ylim(bottom=0.0)
        for axes in panels[len(groups) :]:
            axes.remove()
        figure.suptitle(f"processor time, median and range; {content['dtype']}, {content['threads']} thread")


_SCHEDULES = (("straightforward", ORANGE), ("shipped", BLUE))


def _unit(items: Sequence[Mapping[str, Any]]) -> tuple[float, str]:
    """What to divide ms by, and the unit that comes out."""
    longest = max(item[schedule]["median_ms"] for item in items for schedule, _ in _SCHEDULES)
    return (1e3, "s") if longest > 2e3 else (1.0, "ms")


def _draw_thoughts(axes: Any, items: Sequence[Mapping[str, Any]]) -> None:
    counts = [item["candidates"] for item in items]
    scale, unit = _unit(items)
    for schedule, colour in _SCHEDULES:
        low, median, high = (
            [item[schedule][key] / scale for item in items] for key in ("min_ms", "median_ms", "max_ms")
        )
        axes.plot(counts, median, "o-", color=colour, label=schedule)
        axes.fill_between(counts, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.set(xlabel="candidates N", ylabel=f"time per thought, {unit}", xticks=counts)
    axes.set_xlim(left=0.0)
    axes.legend()


def _draw_segments(axes: Any, items: Sequence[Mapping[str, Any]]) -> None:
    scale, unit = _unit(items)
    for schedule, colour in _SCHEDULES:
        low, median, high = (items[0][schedule][key] / scale for key in ("min_ms", "median_ms", "max_ms"))
        axes.bar(schedule, median, yerr=[[median - low], [high - median]], capsize=4, color=colour)
        axes.annotate(f"{median:.3g}", (schedule, 0), (0, 4), textcoords="offset points", ha="center", color="white")
    axes.set_ylabel(f"time per segment, {unit}")
    axes.grid(visible=False, axis="x")


def plot_splice(figures: Mapping[str, Any], path: Path) -> None:
    """Position and velocity of one joint while segments replace each other, with the splice and without.

    Args:
        figures: see `hume_bench.splice.summarise`.
        path: .svg or .png file.
    """
    times, limit = figures["time_s"], figures["velocity_limit"]
    with plot_file(path, 4.6) as figure:
        position, velocity = figure.subplots(2, 1, sharex=True)
        for axes in (position, velocity):
            for moment in figures["replaced_s"]:
                axes.axvline(moment, color=GREY, linewidth=0.8, linestyle=":")
        for name, colour, width in (("plain switch", ORANGE, 1.0), ("splice", BLUE, 1.8)):
            curve = figures[name]
            factor = curve["ratios"]["acceleration"]
            label = f"{name}. Largest acceleration of all joints: {factor:.{0 if factor > 10 else 2}f} x limit"
            position.plot(times, curve["position_rad"], color=colour, linewidth=width, label=label)
            velocity.plot(times[1:], curve["velocity_rad_s"], color=colour, linewidth=width)
        for bound in (-limit, limit):
            velocity.axhline(bound, color=RED, linewidth=1.0, linestyle="--")
        velocity.annotate("velocity limit", (times[0], limit), (0, 3), textcoords="offset points", color=RED,
                          fontsize="small")  # fmt: skip
        position.set(ylabel=f"{figures['joint']}, rad", title="A new segment takes the place of the old one (dotted)")
        velocity.set(ylabel="velocity, rad/s", xlabel="time, s")
        position.legend(fontsize="small")
        position.set_xlim(times[0], times[-1])


def plot_load(content: Mapping[str, Any], path: Path) -> None:
    """Successes, rates and delays of the same episodes under each load.

    Args:
        content: see `hume_bench.load`.
        path: .svg or .png file.
    """
    runs = content["runs"]
    names = [f"{name}\n{run['busy_processes']} busy" for name, run in runs.items()]
    panels: list[tuple[str, list[float], str]] = [
        ("successes, %", [100.0 * run["successes"] / run["episodes"] for run in runs.values()], GREEN),
        ("faults and holds", [float(run["faults"] + run["holds"]) for run in runs.values()], RED),
        ("System 1, Hz", [run["system1_hz"] for run in runs.values()], BLUE),
        (
            "observation to command,\nmedian, ms",
            [run["observation_to_command_ms"]["p50"] for run in runs.values()],
            GREY,
        ),
    ]
    with plot_file(path, 2.8) as figure:
        for axes, (title, values, colour) in zip(figure.subplots(1, len(panels)), panels, strict=True):
            axes.bar(names, values, color=colour)
            for k, value in enumerate(values):
                axes.annotate(f"{value:.0f}", (k, value), (0, 2), textcoords="offset points", ha="center")
            axes.set_title(title)
            axes.margins(y=0.15)
            axes.grid(visible=False, axis="x")
        figure.suptitle("The same episodes on a busy computer")
