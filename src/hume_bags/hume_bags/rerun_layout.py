"""How the rerun viewer arranges what `rerun_entities` logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hume_bags.topics import resolved


def arrangement(rerun: Any, cameras: Sequence[str], joints: Sequence[str], namespace: str = "") -> Any:
    """A blueprint: space and cameras on the left, texts and curves on the right.

    Args:
        rerun: the package.
        cameras: fully qualified image topics.
        joints: a plot each.
        namespace: of the robot.
    """
    import rerun.blueprint as blueprint

    root = resolved("", namespace).rstrip("/")
    curves = blueprint.TimeSeriesView
    space = blueprint.Spatial3DView(
        origin=root or "/", contents=[f"{root}/thought/**", f"{root}/segment", f"{root}/tool/**"], name="tool"
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
