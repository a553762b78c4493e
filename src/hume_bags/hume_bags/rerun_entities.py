"""Messages as entities of the rerun viewer: the one place for bags and for the live view.

Everything of one robot lies below its namespace:

    thought/candidates, thought/chosen, segment    paths of the tool
    tool/commanded, tool/measured                  where the tool is asked to be, and is
    joints/NAME/commanded, measured, segment       positions, rad or m
    thought/value, thought/values                  Q of the chunk, and of every candidate
    limiter/NAME, limiter/max_velocity_ratio       what the limiter does
    status/...                                     mode and reason, rates, ages
    instruction, epoch                             texts

Images lie below their topics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hume_bags.errors import BagError
from hume_bags.topics import resolved
from hume_core.epochs import INSTRUCTION
from hume_core.plot_file import BLUE, GREEN, ORANGE, RED, rgb
from hume_core.robot import GripperControllerType, RobotProfile
from hume_core.tool_paths import ToolPaths
from hume_core.value_colors import value_colors
from hume_ros.conversions import commanded_positions, image_to_rgb
from hume_ros.status_reason import mode_with_reason
from hume_ros.thought_paths import CandidatePaths, ThoughtPaths
from hume_system1.inputs import segment_of

TIMELINE = "time"

_QUALITY = 90
_THIN, _THICK, _DOT = -0.8, -1.5, -4.0
"""Radii. For rerun a negative one is in points of the screen, whatever the distance."""
_COLORS = {"commanded": ORANGE, "measured": BLUE, "segment": GREEN}
_ALARMS = {"FAULT": "ERROR", "ESTOP": "ERROR", "HOLD": "WARN"}
_FIGURES = (
    "chunk_age", "segment_age", "joint_state_age", "heartbeat_age", "denoise_rate", "stream_rate",
    "observation_to_command",
)  # fmt: skip


def import_rerun() -> Any:
    """The package rerun, which is large and therefore optional.

    Raises:
        BagError: it is not installed.
    """
    try:
        import rerun
    except ImportError as error:
        raise BagError("rerun is not installed (it is large): pip install -r setup/requirements-rerun.txt") from error
    return rerun


class RerunEntities:
    """Logs messages of one robot into a recording.

    Args:
        rerun: the package.
        recording: a `rerun.RecordingStream`.
        profile: of the robot. None: commands that name no joints are shown by their place.
        tools: its tool paths. None: nothing is drawn in space.
        namespace: of its topics.
    """

    def __init__(
        self,
        rerun: Any,
        recording: Any,
        profile: RobotProfile | None = None,
        tools: ToolPaths | None = None,
        namespace: str = "",
    ) -> None:
        self._rerun, self._recording, self._tools = rerun, recording, tools
        self._root = resolved("", namespace).rstrip("/")
        self._thoughts = None if tools is None else ThoughtPaths(tools)
        self._commands = {} if profile is None else _command_joints(profile, namespace)
        self._joints: dict[str, dict[str, float]] = {"commanded": {}, "measured": {}}
        self._said: dict[str, str] = {}
        self._now = 0.0
        self._loggers: Mapping[str, Callable[[str, Any], None]] = {
            "sensor_msgs/msg/Image": self._image,
            "sensor_msgs/msg/CompressedImage": self._image,
            "sensor_msgs/msg/JointState": self._joint_state,
            "std_msgs/msg/Float64MultiArray": self._command,
            "trajectory_msgs/msg/JointTrajectory": self._command,
            "hume_msgs/msg/ActionChunk": self._chunk,
            "hume_msgs/msg/Thought": self._thought,
            "hume_msgs/msg/Segment": self._segment,
            "hume_msgs/msg/System1Status": self._status,
            "hume_msgs/msg/Epoch": self._epoch,
        }

    def shows(self, kind: str) -> bool:
        """Whether messages of a type, such as "hume_msgs/msg/Thought", are shown."""
        return kind in self._loggers

    def log(self, topic: str, kind: str, message: Any, time: float) -> None:
        """Log one message.

        Args:
            topic: fully qualified name.
            kind: type, such as "hume_msgs/msg/Thought".
            message: decoded.
            time: of its arrival, s.

        Raises:
            HumeError: it cannot be shown. Says why.
        """
        self._now = time
        self._recording.set_time(TIMELINE, timestamp=time)
        self._loggers[kind](topic, message)

    def _log(self, path: str, entity: Any) -> None:
        self._recording.log(f"{self._root}/{path}", entity)

    def _number(self, path: str, value: float) -> None:
        if np.isfinite(value):  # a plot has no place for others
            self._log(path, self._rerun.Scalars(float(value)))

    def _text(self, path: str, text: str, level: str = "INFO") -> None:
        """A line of the log, where it is a new one."""
        if self._said.get(path) != text:
            self._said[path] = text
            self._log(path, self._rerun.TextLog(text, level=level))

    def _lines(self, path: str, strips: Any, colors: Any, radius: float) -> None:
        self._log(path, self._rerun.LineStrips3D(strips, colors=colors, radii=radius))

    def _image(self, topic: str, message: Any) -> None:
        self._recording.log(topic, self._rerun.Image(image_to_rgb(message)).compress(jpeg_quality=_QUALITY))

    def _joint_state(self, topic: str, message: Any) -> None:
        self._positions("measured", dict(zip(message.name, message.position, strict=False)))

    def _command(self, topic: str, message: Any) -> None:
        names = self._commands.get(topic, ())
        found = commanded_positions(message, names, self._now)
        if found:
            self._positions("commanded", found)
        elif hasattr(message, "data") and topic not in self._commands:
            for place, value in enumerate(message.data):
                self._recording.log(f"{topic}/{place}", self._rerun.Scalars(float(value)))

    def _joint(self, name: str, what: str, position: float) -> None:
        path = f"joints/{name}/{what}"
        if path not in self._said:
            self._said[path] = what
            line = self._rerun.SeriesLines(colors=[rgb(_COLORS[what])], names=what)
            self._recording.log(f"{self._root}/{path}", line, static=True)
        self._number(path, position)

    def _positions(self, what: str, positions: Mapping[str, float]) -> None:
        """Positions of joints, and where they bring the tool."""
        for name, position in positions.items():
            self._joint(name, what, position)
        tools, known = self._tools, self._joints[what]
        known.update(positions)
        if tools is None or not positions.keys() & set(tools.joint_names):
            return
        joints = np.array([known.get(name, np.nan) for name in tools.joint_names])
        if np.isfinite(joints).all():
            self._log(f"tool/{what}", self._rerun.Points3D([tools.at(joints)], colors=rgb(_COLORS[what]), radii=_DOT))

    def _chunk(self, topic: str, message: Any) -> None:
        self._number("thought/value", message.value)
        if self._said.get("instruction") != message.instruction:
            self._said["instruction"] = message.instruction
            self._log("instruction", self._rerun.TextDocument(message.instruction))
        if self._thoughts is not None:
            self._draw(self._thoughts.take_chunk(message))

    def _thought(self, topic: str, message: Any) -> None:
        values = np.asarray(message.values, dtype=np.float64)
        if len(values) and np.isfinite(values).all():
            self._log("thought/values", self._rerun.Scalars(values))
        if self._thoughts is not None:
            self._draw(self._thoughts.take_thought(message))

    def _draw(self, found: CandidatePaths | None) -> None:
        if found is None:
            return
        drawn = np.isfinite(found.paths).all(axis=(1, 2))
        self._lines("thought/candidates", found.paths[drawn], value_colors(found.values)[drawn], _THIN)
        self._lines("thought/chosen", [found.chosen], rgb(RED), _THICK)

    def _segment(self, topic: str, message: Any) -> None:
        segment = segment_of(message)
        if segment.positions.ndim != 2 or not np.isfinite(segment.positions).all():
            return
        for name, position in zip(segment.names, segment.positions[0], strict=True):
            self._joint(name, "segment", position)
        if self._tools is not None and segment.names == self._tools.joint_names:
            self._lines("segment", [self._tools.of_joints(segment.positions)], rgb(GREEN), _THICK)

    def _status(self, topic: str, message: Any) -> None:
        for figure in _FIGURES:
            self._number(f"status/{figure}", getattr(message, figure))
        self._number("limiter/max_velocity_ratio", message.max_velocity_ratio)
        for name, limited in zip(message.joint_names, message.limited, strict=False):
            self._number(f"limiter/{name}", float(limited))
        text = mode_with_reason(message)
        self._text("status/mode", text, _ALARMS.get(message.mode_name, "INFO"))

    def _epoch(self, topic: str, message: Any) -> None:
        self._text("epoch", f"epoch {message.epoch}: {message.reason.removeprefix(INSTRUCTION)}")


def _command_joints(profile: RobotProfile, namespace: str) -> dict[str, tuple[str, ...]]:
    """Command topic -> its joints in order."""
    found = {resolved(arm.controller.topic, namespace): arm.joint_names for arm in profile.arms}
    for gripper in profile.grippers:
        controller = gripper.controller
        if controller is not None and controller.type is not GripperControllerType.GRIPPER_ACTION:
            found[resolved(controller.topic, namespace)] = (gripper.joint,)
    return found
