"""How the rerun viewer arranges what `rerun_entities` logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_bags.topics import resolved

_FROM = np.array([0.6, -0.7, 0.2])
"""From where the tool is looked at, as a share of its distance from the base."""
_BELOW = np.array([1.0, 1.0, 0.35])
"""A tool works below its rest position."""


def arrangement(
    rerun: Any,
    cameras: Sequence[str],
    joints: Sequence[str],
    namespace: str = "",
    home: NDArray[np.float64] | None = None,
) -> Any:
    """A blueprint: space and cameras on the left, texts and curves on the right.

    Args:
        rerun: the package.
        cameras: fully qualified image topics.
        joints: a plot each.
        namespace: of the robot.
        home: (3,) where its tool rests, m. None: unknown.
    """
    import rerun.blueprint as blueprint

    root = resolved("", namespace).rstrip("/")
    curves = blueprint.TimeSeriesView
    space = blueprint.Spatial3DView(
        eye_controls=None if home is None else _eye(blueprint, home),
        origin=root or "/",
        contents=[f"{root}/thought/**", f"{root}/segment", f"{root}/tool/**"],
        name="tool",
    )
    images = [blueprint.Spatial2DView(origin=topic, name=topic) for topic in cameras]
    texts = blueprint.Horizontal(
        blueprint.TextDocumentView(origin=f"{root}/instruction", name="instruction"),
        blueprint.TextLogView(
            origin=root or "/", contents=[f"{root}/status/mode", f"{root}/epoch"], name="mode and reason"
        ),
        column_shares=[1, 2],
    )
    plots = blueprint.Tabs(
        blueprint.Grid(*(curves(origin=f"{root}/joints/{name}", name=name) for name in joints), name="joints"),
        curves(origin=f"{root}/limiter", name="limiter"),
        curves(origin=f"{root}/status", name="rates and ages"),
    )
    values = curves(
        origin=f"{root}/thought", contents=[f"{root}/thought/value", f"{root}/thought/values"], name="values"
    )
    left = blueprint.Vertical(space, blueprint.Grid(*images), row_shares=[3, 2]) if images else space
    right = blueprint.Vertical(texts, values, plots, row_shares=[1, 1, 3])
    return blueprint.Blueprint(blueprint.Horizontal(left, right), collapse_panels=True)


def _eye(blueprint: Any, home: NDArray[np.float64]) -> Any:
    """Near enough that paths of a few centimetres can be seen, whatever the size of the arm."""
    target = home * _BELOW
    place = target + float(np.linalg.norm(home)) * _FROM
    return blueprint.EyeControls3D(position=place.tolist(), look_target=target.tolist(), eye_up=[0.0, 0.0, 1.0])
