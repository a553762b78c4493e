"""`hume views draw`: a moment of a bag as a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_bags.errors import BagError
from hume_bags.reader import BagReader
from hume_bags.rerun_export import recorded_tools
from hume_core.plot_file import BLUE, GREY, ORANGE, RED, plot_file
from hume_core.tool_paths import ToolPaths
from hume_core.value_colors import value_colors
from hume_views.recorded_view import Curve, RecordedView, recorded_view

_HEIGHT, _WIDTH = 8.0, 11.0  # inches
_AROUND = 1.0
"""How much of the tool's way is drawn before and after the moment, s."""


def draw_bag(bag: Path, file: Path, at: float | None = None, robot: str = "", namespace: str = "") -> int:
    """Draw a moment of a bag. Returns 0.

    Args:
        bag: folder, or .mcap file.
        file: .svg or .png.
        at: s since the first message. None: the thought whose values differ most.
        robot: profile. Empty: the one that the bag was recorded with.
        namespace: of the recorded topics.

    Raises:
        BagError: the bag cannot be read, has no thoughts, or its robot's tool is unknown.
        ConfigError: unknown suffix.
    """
    reader = BagReader(bag)
    profile, tools, problem = recorded_tools(reader, robot)
    if profile is None or tools is None:
        raise BagError(f"the tool cannot be drawn: {problem}")
    view = recorded_view(reader, profile, tools, at, namespace)
    with plot_file(file, _HEIGHT, _WIDTH) as whole:
        figure: Any = whole
        figure.suptitle(f"{view.instruction}   ({view.mode}, {view.at:.2f} s)")
        above, below = figure.subfigures(2, 1, height_ratios=[3, 2])
        pictures, space = above.subfigures(1, 2, width_ratios=[1, 2])
        _draw_images(pictures, view)
        _draw_space(space, view, tools)
        curves, values = below.subfigures(1, 2, width_ratios=[3, 2])
        _draw_joints(curves, view, profile.joint_names)
        _draw_values(values, view)
    print(f"drawn to {file}", file=sys.stderr)
    return 0


def _draw_images(figure: Any, view: RecordedView) -> None:
    axes = figure.subplots(max(1, len(view.images)), 1, squeeze=False)[:, 0]
    for axis in axes:
        axis.set_axis_off()
    for axis, (key, image) in zip(axes, view.images.items(), strict=False):
        axis.imshow(image)
        axis.set_title(key)


def _draw_space(figure: Any, view: RecordedView, tools: ToolPaths) -> None:
    """Candidates in the colours of their values, the best one, and the tool's way as commanded and measured."""
    axis = figure.add_subplot(projection="3d")
    if view.thought is not None:
        colors = value_colors(view.thought.values) / 255.0
        for path, color in zip(view.thought.paths, colors, strict=True):
            axis.plot(*path.T, color=color, linewidth=1.2)
        axis.plot(*view.thought.chosen.T, color=RED, linewidth=2.5, label=f"chosen: value {view.thought.value:.3f}")
    for name, curve, color in (("commanded", view.commanded, ORANGE), ("measured", view.measured, BLUE)):
        joints = [row for time, row in curve if abs(time - view.at) < _AROUND and np.isfinite(row).all()]
        if joints:
            axis.plot(*tools.of_joints(np.array(joints)).T, color=color, linewidth=1.5, label=name)
    axis.set(
        xlabel="x, m", ylabel="y, m", zlabel="z, m", title="tool: candidates from low value (violet) to high (yellow)"
    )
    axis.set_aspect("equal")
    axis.locator_params(nbins=4)
    axis.legend(loc="upper left")


def _draw_joints(figure: Any, view: RecordedView, names: tuple[str, ...]) -> None:
    commanded, measured = _columns(view.commanded), _columns(view.measured)
    axes = figure.subplots((len(names) + 1) // 2, 2, sharex=True, squeeze=False).ravel()
    for axis in axes[len(names) :]:
        axis.set_axis_off()
    for number, (axis, name) in enumerate(zip(axes, names, strict=False)):
        for (times, rows), color in ((commanded, ORANGE), (measured, BLUE)):
            if len(times):
                axis.plot(times, rows[:, number], color=color, linewidth=1.0)
        axis.axvline(view.at, color=GREY, linewidth=0.8)
        axis.set_title(f"{name}, rad", fontsize="small")
    figure.supxlabel("time, s (commanded orange, measured blue)", fontsize="small")


def _draw_values(figure: Any, view: RecordedView) -> None:
    axis = figure.subplots()
    times, values = _columns(view.values)
    axis.plot(times, values, color=BLUE, marker=".")
    for time, text in view.modes:
        axis.axvline(time, color=GREY, linewidth=0.8, linestyle=":")
        axis.annotate(text.partition(":")[0], (time, 0.02), xycoords=("data", "axes fraction"), rotation=90, fontsize=7)
    axis.axvline(view.at, color=GREY, linewidth=0.8)
    axis.set(title="value of the chunk, and modes", xlabel="time, s")


def _columns(curve: Curve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array([time for time, _ in curve]), np.array([value for _, value in curve])
