"""A layout for Foxglove, made for a robot: import it there as a file.

A layout has a configuration for each panel, by an id such as "Plot!values", and a tree that says where each panel is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hume_core.plot_file import BLUE, GREEN, GREY, ORANGE, RED
from hume_system1.stop_sources import STOP_TOPICS
from hume_views.shown import Shown
from hume_views.topics import JOINTS, MARKERS

_Panels = dict[str, dict[str, Any]]
_Tree = str | dict[str, Any]
_JOINT_COLORS = {"commanded": ORANGE, "measured": BLUE}
_MODES = {
    "UNCONFIGURED": GREY, "INACTIVE": GREY, "IDLE": BLUE, "RUNNING": GREEN, "HOLD": ORANGE, "FAULT": RED, "ESTOP": RED
}  # fmt: skip
_AGES = ("chunk_age", "segment_age", "joint_state_age", "heartbeat_age", "observation_to_command")
_RATES = ("stream_rate", "denoise_rate")


def foxglove_layout(shown: Shown) -> str:
    """The layout's text, JSON."""
    images = _images(shown)
    space = _space(shown) if shown.draws_tool else {}
    texts, values, joints = _texts(shown), _values(shown), _joints(shown)
    buttons, rest = _buttons(shown), _rest(shown)
    left = _stacked([*space, *images])
    right = _split(
        "column",
        30,
        _split("column", 50, _beside([*texts]), _beside([*values])),
        _split("column", 60, _grid([*joints]), _beside([*rest, *buttons])),
    )
    layout = {
        "configById": {**space, **images, **texts, **values, **joints, **rest, **buttons},
        "globalVariables": {},
        "userNodes": {},
        "playbackConfig": {"speed": 1},
        "layout": _split("row", 38, left, right),
    }
    return json.dumps(layout, indent=2) + "\n"


def _images(shown: Shown) -> _Panels:
    return {f"Image!{key}": {"imageMode": {"imageTopic": topic}} for key, topic in shown.cameras.items()}


def _space(shown: Shown) -> _Panels:
    """Candidates, chosen path, segment, commanded and measured tool, and the arm where its description is published."""
    return {
        "3D!tool": {
            "followTf": shown.base_link,
            "followMode": "follow-pose",
            "topics": {shown.topic(MARKERS): {"visible": True}},
            "layers": {
                "grid": {"layerId": "foxglove.Grid", "instanceId": "grid", "size": 2, "divisions": 20, "visible": True},
                "arm": {
                    "layerId": "foxglove.Urdf", "instanceId": "arm", "sourceType": "topic",
                    "topic": shown.topic("robot_description"), "visible": True,
                },
            },
        }
    }  # fmt: skip


def _texts(shown: Shown) -> _Panels:
    """Mode in colour, its reason, the instruction."""
    status = shown.topic("hume/status")
    rules = [{"operator": "=", "rawValue": name, "color": color, "label": name} for name, color in _MODES.items()]
    mode = {"path": f"{status}.mode_name", "style": "background", "fallbackColor": GREY, "fallbackLabel": "silent"}
    return {
        "Indicator!mode": {**mode, "rules": rules},
        "RawMessages!reason": {"topicPath": f"{status}.reason"},
        "RawMessages!instruction": {"topicPath": f"{shown.topic('hume/action_chunk')}.instruction"},
    }


def _values(shown: Shown) -> _Panels:
    status = shown.topic("hume/status")
    limited = {f"{status}.limited[{k}]": name for k, name in enumerate(shown.profile.joint_names)}
    return {
        "Plot!value": _plot("Value of the chunk", {f"{shown.topic('hume/action_chunk')}.value": "value"}),
        "Plot!limiter": _plot("Limiter", {**limited, f"{status}.max_velocity_ratio": "velocity / limit"}),
    }


def _joints(shown: Shown) -> _Panels:
    """Commanded against measured, a plot each."""
    return {
        f"Plot!{name}": _plot(
            f"{name}, rad",
            {f"{shown.topic(topic)}.position[{k}]": what for what, topic in JOINTS.items()},
            _JOINT_COLORS,
        )
        for k, name in enumerate(shown.profile.joint_names)
    }


def _rest(shown: Shown) -> _Panels:
    status = shown.topic("hume/status")
    return {
        "Plot!ages": _plot("Ages, s", {f"{status}.{name}": name for name in _AGES}),
        "Plot!rates": _plot("Rates, Hz", {f"{status}.{name}": name for name in _RATES}),
        "DiagnosticSummary!all": {"topicToRender": "/diagnostics", "minLevel": 0},
    }


def _buttons(shown: Shown) -> _Panels:
    return {
        "Publish!estop": {
            "topicName": shown.topic(STOP_TOPICS[0]), "datatype": "std_msgs/msg/Bool", "value": '{"data": true}',
            "buttonText": "E-STOP", "buttonColor": RED, "advancedView": False,
        },
        "CallService!reset": {"serviceName": shown.topic("hume_system1/reset"), "requestPayload": "{}"},
    }  # fmt: skip


def _plot(title: str, paths: dict[str, str], colors: dict[str, str] | None = None) -> dict[str, Any]:
    """A panel of curves: message path -> label."""
    lines = []
    for path, label in paths.items():
        line = {"value": path, "label": label, "enabled": True, "timestampMethod": "receiveTime"}
        lines.append({**line, "color": colors[label]} if colors else line)
    return {"title": title, "paths": lines, "showLegend": True, "isSynced": True, "followingViewWidth": 20}


def _split(direction: str, share: float, first: _Tree, second: _Tree) -> _Tree:
    return {"direction": direction, "splitPercentage": share, "first": first, "second": second}


def _stacked(panels: Sequence[_Tree], direction: str = "column") -> _Tree:
    """Panels of equal size in a column, or in a row."""
    if len(panels) == 1:
        return panels[0]
    return _split(direction, 100.0 / len(panels), panels[0], _stacked(panels[1:], direction))


def _beside(panels: Sequence[_Tree]) -> _Tree:
    return _stacked(panels, "row")


def _grid(panels: Sequence[_Tree], columns: int = 2) -> _Tree:
    rows = [panels[k : k + columns] for k in range(0, len(panels), columns)]
    return _stacked([_beside(row) for row in rows])
