"""`visualization_msgs/MarkerArray` of what System 2 weighs and of where the tool is asked to be and is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker

from hume_core.plot_file import BLUE, GREEN, GREY, ORANGE, RED, rgb
from hume_core.value_colors import value_colors
from hume_ros.conversions import set_stamp
from hume_ros.status_reason import mode_with_reason
from hume_ros.thought_paths import CandidatePaths

CANDIDATES, CHOSEN, VALUE = "candidates", "chosen", "value"
COMMANDED, MEASURED, DEVIATION = "commanded", "measured", "deviation"
STATUS = "status"

_THIN, _THICK, _TRAIL = 0.002, 0.006, 0.004  # m
_TEXT = 0.025  # m
_THOUGHT_LIFE, _MOTION_LIFE = 2, 1  # s
_COLORS = {CHOSEN: RED, COMMANDED: ORANGE, MEASURED: BLUE}
_STATUS_PLACE = np.array([0.0, 0.0, 0.65])  # m, above the base of a table-top arm
MODE_COLORS = {"RUNNING": GREEN, "HOLD": ORANGE, "FAULT": RED, "ESTOP": RED}
"""Modes of System 1 that have a colour. The others are grey."""


class MarkerMaker:
    """Makes the messages. It fills the same ones again and again, so publish them before you ask for the next.

    Args:
        frame_id: frame of every marker.
        prefix: before every namespace, such as the arm's name where a robot has several.
    """

    def __init__(self, frame_id: str, prefix: str = "") -> None:
        self._frame, self._prefix = frame_id, prefix
        self._markers: dict[tuple[str, int], Marker] = {}
        self._white = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
        self._colors = {name: _named(text) for name, text in _COLORS.items()}

    def thought(self, found: CandidatePaths) -> list[Marker]:
        """Every candidate in the colour of its value, the chunk that was sent, and its value beside it."""
        lines = [
            self._line(CANDIDATES, number, path, _THIN, _color(color), found.stamp, _THOUGHT_LIFE)
            for number, (path, color) in enumerate(zip(found.paths, value_colors(found.values), strict=True))
            if np.isfinite(path).all()
        ]
        if not np.isfinite(found.chosen).all():
            return lines
        lines.append(self._line(CHOSEN, 0, found.chosen, _THICK, self._colors[CHOSEN], found.stamp, _THOUGHT_LIFE))
        text = f"{found.value:.3f} ({np.min(found.values):.3f} to {np.max(found.values):.3f})"
        return [*lines, self._text(VALUE, text, found.chosen[-1], found.stamp, _THOUGHT_LIFE)]

    def motion(
        self,
        stamp: float,
        commanded: Sequence[NDArray[np.float64]],
        measured: Sequence[NDArray[np.float64]],
    ) -> list[Marker]:
        """The way of the tool as commanded and as measured, and how far they are apart.

        Args:
            stamp: ROS time, s.
            commanded, measured: positions (3,) of the tool, m, oldest first.
        """
        paths = {COMMANDED: np.array(commanded), MEASURED: np.array(measured)}
        markers = [
            self._line(name, 0, path, _TRAIL, self._colors[name], stamp, _MOTION_LIFE)
            for name, path in paths.items()
            if len(path) > 1
        ]
        if len(commanded) and len(measured):
            away = float(np.linalg.norm(commanded[-1] - measured[-1]))
            markers.append(self._text(DEVIATION, f"{1e3 * away:.1f} mm", measured[-1], stamp, _MOTION_LIFE))
        return markers

    def status(self, stamp: float, status: Any, instruction: str) -> Marker:
        """Mode and reason, what the limiter does, and the instruction, as a text above the base.

        Args:
            stamp: ROS time, s.
            status: a `System1Status`.
            instruction: of the newest chunk. Empty: there was none.
        """
        limited = [name for name, on in zip(status.joint_names, status.limited, strict=False) if on]
        lines = [mode_with_reason(status), instruction, f"limiter: {', '.join(limited)}" if limited else ""]
        marker = self._text(STATUS, "\n".join(line for line in lines if line), _STATUS_PLACE, stamp, _MOTION_LIFE)
        marker.color = _named(MODE_COLORS.get(status.mode_name, GREY))
        return marker

    def _line(
        self, name: str, number: int, path: NDArray[np.float64], width: float, color: ColorRGBA, stamp: float, life: int
    ) -> Marker:
        marker = self._marker(name, number, Marker.LINE_STRIP, stamp, life)
        marker.scale.x, marker.color = width, color
        points = marker.points
        del points[len(path) :]
        points.extend(Point() for _ in range(len(path) - len(points)))
        for point, (x, y, z) in zip(points, path.tolist(), strict=True):
            point.x, point.y, point.z = x, y, z
        return marker

    def _text(self, name: str, text: str, place: NDArray[np.float64], stamp: float, life: int) -> Marker:
        marker = self._marker(name, 0, Marker.TEXT_VIEW_FACING, stamp, life)
        marker.scale.z, marker.color, marker.text = _TEXT, self._white, text
        x, y, z = place.tolist()
        marker.pose.position.x, marker.pose.position.y, marker.pose.position.z = x, y, z + _TEXT
        return marker

    def _marker(self, name: str, number: int, kind: int, stamp: float, life: int) -> Marker:
        marker = self._markers.get((name, number))
        if marker is None:
            namespace = name if name == STATUS else self._prefix + name
            marker = Marker(ns=namespace, id=number, type=kind, action=Marker.ADD, lifetime=Duration(sec=life))
            marker.header.frame_id, marker.pose.orientation.w = self._frame, 1.0
            self._markers[name, number] = marker
        set_stamp(marker.header.stamp, stamp)
        return marker


def _named(text: str) -> ColorRGBA:
    """Of a text such as "#0072b2"."""
    return _color(rgb(text))


def _color(rgb: Sequence[int] | NDArray[np.uint8]) -> ColorRGBA:
    red, green, blue = (float(part) / 255.0 for part in rgb)
    return ColorRGBA(r=red, g=green, b=blue, a=1.0)
