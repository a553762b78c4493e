"""What a bag shows at one moment: the newest thought, the cameras, and the curves around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_bags.errors import BagError
from hume_bags.reader import BagMessage, BagReader
from hume_bags.topics import THOUGHTS, resolved
from hume_core.robot import RobotProfile
from hume_core.tool_paths import ToolPaths
from hume_ros.conversions import commanded_positions, image_to_rgb, known_joint_values
from hume_ros.status_reason import mode_with_reason
from hume_ros.thought_paths import CandidatePaths, ThoughtPaths

_CHUNKS, _STATUS = "hume/action_chunk", "hume/status"

Curve = list[tuple[float, Any]]


@dataclass
class RecordedView:
    """A moment of a bag and what surrounds it. Times are s since the bag's first message.

    Attributes:
        at: the moment.
        thought: the newest then, as paths of the tool.
        images: camera key -> its newest picture then.
        values: of the chunks.
        modes: mode and reason, where they change.
        commanded, measured: joint positions (n,), rad.
        instruction: of the newest chunk then.
    """

    at: float
    thought: CandidatePaths | None = None
    images: dict[str, NDArray[np.uint8]] = field(default_factory=dict)
    values: Curve = field(default_factory=list)
    modes: Curve = field(default_factory=list)
    commanded: Curve = field(default_factory=list)
    measured: Curve = field(default_factory=list)
    instruction: str = ""

    @property
    def mode(self) -> str:
        """Mode and reason at the moment."""
        return next((text for time, text in reversed(self.modes) if time <= self.at), "")


def recorded_view(
    reader: BagReader, profile: RobotProfile, tools: ToolPaths, at: float | None = None, namespace: str = ""
) -> RecordedView:
    """Read a bag.

    Args:
        reader: the bag.
        profile: of its robot.
        tools: its tool paths.
        at: s since the first message. None: the thought whose values differ most.
        namespace: of the recorded topics.

    Raises:
        BagError: it holds no thoughts.
    """
    topic = resolved(THOUGHTS, namespace)
    if topic not in reader.topics or not reader.topics[topic].count:
        raise BagError(f"{reader.path} has no thoughts on '{topic}'. Record without --no-thoughts")
    view = RecordedView(_widest(reader, topic) if at is None else at)
    takers = _takers(view, profile, tools, namespace, reader.start_ns * 1e-9)
    for time, item in _timed(reader, [name for name in takers if name in reader.topics]):
        takers[item.topic](time, item.message)
    return view


def _timed(reader: BagReader, topics: list[str]) -> Iterator[tuple[float, BagMessage]]:
    for item in reader.messages(topics):
        yield (item.log_time_ns - reader.start_ns) * 1e-9, item


def _widest(reader: BagReader, topic: str) -> float:
    """When the thought came that tells its candidates apart best."""
    return max(((float(item.message.value_spread), time) for time, item in _timed(reader, [topic])))[1]


def _takers(
    view: RecordedView, profile: RobotProfile, tools: ToolPaths, namespace: str, start: float
) -> dict[str, Any]:
    thoughts, names = ThoughtPaths(tools), profile.joint_names

    def draw(time: float, found: CandidatePaths | None) -> None:
        if found is not None and (time <= view.at or view.thought is None):
            view.thought = found

    def chunk(time: float, message: Any) -> None:
        view.values.append((time, float(message.value)))
        if time <= view.at or not view.instruction:
            view.instruction = str(message.instruction)
        draw(time, thoughts.take_chunk(message))

    def status(time: float, message: Any) -> None:
        text = mode_with_reason(message)
        if not view.modes or view.modes[-1][1] != text:
            view.modes.append((time, text))

    def command(time: float, message: Any) -> None:
        found = commanded_positions(message, names, start + time)
        view.commanded.append((time, np.array([found.get(name, np.nan) for name in names])))

    def image(key: str, time: float, message: Any) -> None:
        if time <= view.at or key not in view.images:
            view.images[key] = image_to_rgb(message)

    takers: dict[str, Any] = {
        THOUGHTS: lambda time, message: draw(time, thoughts.take_thought(message)),
        _CHUNKS: chunk,
        _STATUS: status,
        profile.arm.controller.topic: command,
        profile.joint_states: lambda time, message: view.measured.append((time, known_joint_values(message, names))),
    }
    for key, camera in profile.cameras.items():
        takers[camera.topic] = lambda time, message, key=key: image(key, time, message)
    return {resolved(topic, namespace): take for topic, take in takers.items()}
