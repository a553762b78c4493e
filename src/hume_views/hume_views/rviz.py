"""A configuration of rviz2, made for a robot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from hume_core.cache_folder import cache_folder
from hume_views.shown import Shown
from hume_views.topics import MARKERS, MOTION


def rviz_config(shown: Shown) -> str:
    """The configuration's text, YAML. Mode, reason, limiter and instruction are texts among the markers."""
    displays = [
        _display("Grid", "Grid", {"Cell Size": 0.1, "Plane Cell Count": 12}),
        _display("RobotModel", "Arm", {"Description Source": "Topic", "Description Topic": _description(shown)}),
        _display("TF", "Frames", {}, enabled=False),
    ]
    if shown.draws_tool:
        displays += [
            _display("MarkerArray", name, {"Topic": _topic(shown.topic(topic), "Reliable", 5)})
            for name, topic in (("Candidates and mode", MARKERS), ("Tool commanded and measured", MOTION))
        ]
    displays += [
        _display("Image", f"Camera {key}", {"Topic": _topic(topic, "Best Effort", 1)})
        for key, topic in shown.cameras.items()
    ]
    view = {
        "Class": "rviz_default_plugins/Orbit", "Name": "Current View", "Distance": 1.4,
        "Focal Point": {"X": 0.2, "Y": 0, "Z": 0.15}, "Pitch": 0.45, "Yaw": 0.9,
    }  # fmt: skip
    config = {
        "Panels": [{"Class": "rviz_common/Displays", "Name": "Displays"}],
        "Visualization Manager": {
            "Class": "",
            "Global Options": {"Background Color": "48; 48; 48", "Fixed Frame": shown.base_link, "Frame Rate": 30},
            "Displays": displays,
            "Tools": [{"Class": "rviz_default_plugins/MoveCamera"}],
            "Views": {"Current": view},
        },
    }
    text: str = yaml.safe_dump(config, sort_keys=False)
    return text


def write_rviz_config(shown: Shown) -> Path:
    """The configuration as a file in the cache, for an rviz2 that is about to start."""
    base = cache_folder("views")
    base.mkdir(parents=True, exist_ok=True)
    where = shown.namespace.strip("/").replace("/", ".")
    path = base / f"{'.'.join(part for part in (shown.profile.name, shown.profile.prefix, where) if part)}.rviz"
    path.write_text(rviz_config(shown), encoding="utf-8")
    return path


def _display(kind: str, name: str, more: dict[str, Any], enabled: bool = True) -> dict[str, Any]:
    return {"Class": f"rviz_default_plugins/{kind}", "Name": name, "Enabled": enabled, **more}


def _topic(name: str, reliability: str, depth: int) -> dict[str, Any]:
    return {
        "Value": name, "Reliability Policy": reliability, "Durability Policy": "Volatile",
        "History Policy": "Keep Last", "Depth": depth,
    }  # fmt: skip


def _description(shown: Shown) -> dict[str, Any]:
    """Of `robot_state_publisher`, which latches it."""
    return _topic(shown.topic("robot_description"), "Reliable", 1) | {"Durability Policy": "Transient Local"}
