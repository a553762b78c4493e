"""The report as one self-contained HTML page."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hume_bags.regress.facts import sentence
from hume_bags.regress.figures import chosen_values
from hume_bags.regress.report import lines, verdict
from hume_bags.regress.result import RegressResult
from hume_bags.regress.stream import CommandStream
from hume_ros.observation_buffer import JOINT_STATES

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1c1c1c; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.same { color: #17713a; } .differs { color: #b3261e; }
pre { background: #f4f4f4; padding: .8rem; white-space: pre-wrap; } img { width: 100%; }
table { border-collapse: collapse; } th { text-align: left; font-weight: 600; padding: .1rem 1.2rem .1rem 0; }
td { font-family: ui-monospace, monospace; font-size: .87em; overflow-wrap: anywhere; } th, td { vertical-align: top; }
.sentence { font-size: 1.1rem; font-weight: 600; }
"""
_WIDTH = 12.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 1.35, 0.15, 0.15, 0.55
"""Margins of every plot, inches. The same ones for all, so that equal times lie below each other."""
_GOLDEN: dict[str, Any] = {"color": "#9a9a9a", "linewidth": 2.2}
_NOW: dict[str, Any] = {"color": "#1f5fa8", "linewidth": 1.0}
_ARM: dict[str, Any] = {"color": "#d98b2b", "linewidth": 0.8, "linestyle": ":"}


def write_page(result: RegressResult, path: Path) -> None:
    """Write the page."""
    mpl.use("Agg")
    same = result.comparison is None or result.comparison.same
    plots = [("Commands", _commands), ("Values", _values), ("Limiter and distance to the recorded arm", _limiter)]
    plots.append(("Latencies", _latencies))
    if result.golden is not None:
        plots.insert(1, ("Differences of the commands", _differences))
    facts = "".join(
        f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>" for name, value in result.facts.rows() if value
    )
    parts = [
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>hume regress</title>",
        f"<style>{_STYLE}</style></head><body>",
        f"<h1 class='{'same' if same else 'differs'}'>hume regress: {html.escape(verdict(result))}</h1>",
        f"<p class='sentence'>{html.escape(sentence(result.comparison))}</p>",
        f"<table>{facts}</table>",
        f"<pre>{html.escape(chr(10).join(lines(result)))}</pre>",
    ]
    for title, draw in plots:
        parts.append(f"<h2>{title}</h2><img alt='{title}' src='data:image/png;base64,{_image(result, draw)}'>")
    path.write_text("\n".join([*parts, "</body></html>\n"]), encoding="utf-8")


def _image(result: RegressResult, draw: Callable[[RegressResult, Figure], None]) -> str:
    data = io.BytesIO()
    drawn(result, draw).savefig(data, format="png", dpi=90)
    return base64.b64encode(data.getvalue()).decode()


def drawn(result: RegressResult, draw: Callable[[RegressResult, Figure], None]) -> Figure:
    """One of the plots, with the time axis that all of them have."""
    figure = Figure()
    draw(result, figure)
    for axis in figure.axes:
        axis.set_xlim(*_span(result))
    return figure


def _span(result: RegressResult) -> tuple[float, float]:
    """The time that all plots show, s: from the first to the last tick of either run."""
    ends = [float(_time(stream.commands)[-1]) for stream, *_ in _streams(result) if len(stream.commands)]
    return 0.0, max(ends)


def _rows(figure: Figure, count: int, height: float = 1.7) -> list[Axes]:
    inches = height * count + _TOP + _BOTTOM
    figure.set_size_inches(_WIDTH, inches)
    axes = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
    figure.subplots_adjust(_LEFT / _WIDTH, _BOTTOM / inches, 1.0 - _RIGHT / _WIDTH, 1.0 - _TOP / inches, hspace=0.18)
    figure.align_ylabels(axes)
    axes[-1].set_xlabel("time, s")
    return list(axes)


def _time(rows: NDArray[np.void], field: str = "time") -> NDArray[np.float64]:
    return np.asarray(rows[field] * 1e-9)


def _commands(result: RegressResult, figure: Figure) -> None:
    names = result.stream.joints
    axes = _rows(figure, len(names) + 1)
    measured = result.stream.sources[JOINT_STATES]
    for i, (axis, name) in enumerate(zip(axes, names, strict=False)):
        axis.plot(_time(measured, "arrival"), measured["values"][:, i], label="recorded arm", **_ARM)
        for stream, style, label in _streams(result):
            axis.plot(_time(stream.commands), stream.commands["position"][:, i], label=label, **style)
        axis.set_ylabel(f"{name}, rad")
    for stream, style, _ in _streams(result):
        axes[-1].plot(_time(stream.commands), stream.commands["gripper"], **style)
    axes[-1].set_ylabel("gripper, m")
    axes[0].legend(loc="upper right", ncols=3, fontsize="small")


def _streams(result: RegressResult) -> list[tuple[CommandStream, dict[str, Any], str]]:
    golden = [(result.golden, _GOLDEN, "golden")] if result.golden is not None else []
    return [*golden, (result.stream, _NOW, "now")]


def _differences(result: RegressResult, figure: Figure) -> None:
    assert result.golden is not None
    before, now = result.golden.commands, result.stream.commands
    count = min(len(before), len(now))
    position, velocity = _rows(figure, 2, 2.6)
    if before["position"].shape[1:] != now["position"].shape[1:]:
        position.set_title("the runs have different joints")
        return
    for i, name in enumerate(result.stream.joints):
        for axis, field in ((position, "position"), (velocity, "velocity")):
            axis.plot(_time(now[:count]), now[field][:count, i] - before[field][:count, i], label=name, linewidth=1.0)
    position.set_ylabel("now - golden, rad")
    velocity.set_ylabel("now - golden, rad/s")
    position.legend(loc="upper right", ncols=4, fontsize="small")


def _values(result: RegressResult, figure: Figure) -> None:
    (axis,) = _rows(figure, 1, 3.0)
    thoughts = result.stream.thoughts
    if len(thoughts):
        axis.plot(_time(thoughts, "end"), thoughts["values"], ".", color="#bcd0e8", markersize=4)
    for stream, style, label in _streams(result):
        axis.plot(_time(stream.thoughts, "end"), chosen_values(stream), marker="o", markersize=3, label=label, **style)
    axis.set_ylabel("value (dots: all candidates)")
    axis.legend(loc="upper right", fontsize="small")


def _limiter(result: RegressResult, figure: Figure) -> None:
    activity, distance = _rows(figure, 2, 2.2)
    commands = result.stream.commands
    for i in range(len(result.stream.joints)):
        limited = np.flatnonzero((commands["limited"] >> np.uint64(i)) & np.uint64(1))
        activity.plot(_time(commands)[limited], np.full(len(limited), i), "|", color="#b3261e", markersize=8)
        activity.axhline(i, color="#e4e4e4", linewidth=0.6, zorder=0)
    activity.set_yticks(range(len(result.stream.joints)), result.stream.joints)
    for stream, style, _ in _streams(result):
        distance.plot(_time(stream.commands), stream.commands["tracking"], **style)
    distance.axhline(1.0, color="#b3261e", linewidth=0.8, linestyle="--")
    distance.set_ylabel("|command - recorded|\n/ bound")


def _latencies(result: RegressResult, figure: Figure) -> None:
    axes = _rows(figure, 3, 1.9)
    for stream, style, label in _streams(result):
        thoughts, segments = stream.thoughts, stream.segments
        axes[0].plot(_time(thoughts, "start"), (thoughts["end"] - thoughts["start"]) * 1e-6, label=label, **style)
        axes[1].plot(_time(segments, "start"), (segments["end"] - segments["start"]) * 1e-6, **style)
        axes[2].plot(_time(segments, "end"), (segments["end"] - segments["observation"]) * 1e-6, **style)
    for axis, what in zip(axes, ("thought, ms", "segment, ms", "observation to\nsegment, ms"), strict=True):
        axis.set_ylabel(what)
    axes[0].legend(loc="upper right", fontsize="small")
