"""Messages as what System 1 works on.

The core and the denoiser check it. Here only sizes are bounded: lists that are longer than any robot has use for are
left out and texts are cut, before anything is copied. Admission then refuses what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hume_core.chunk import Chunk, Segment
from hume_core.texts import shortened
from hume_ros.conversions import stamp_seconds
from hume_system1.control.events import ChunkEvent, JointStateEvent, SegmentEvent

_MOST_NUMBERS = 1_000_000
_MOST_NAMES = 1_000
_Value = TypeVar("_Value", float, str)


def chunk_of(message: Any) -> Chunk:
    """A `hume_msgs/ActionChunk`. Data that do not fit its horizon and dim stay flat, and admission refuses them."""
    return Chunk(
        stamp=stamp_seconds(message.header.stamp),
        epoch=int(message.epoch),
        seq=int(message.seq),
        dt=float(message.dt),
        rows=_rows(_numbers(message.data, np.float32), int(message.horizon), int(message.dim)),
        anchor=_numbers(message.anchor, np.float64),
        names=_names(message.names),
        action_space=shortened(message.action_space),
        model_id=shortened(message.model_id),
        instruction=shortened(message.instruction),
        value=float(message.value),
        noise_level=float(message.noise_level),
        think_duration=stamp_seconds(message.think_duration),
    )


def segment_of(message: Any) -> Segment:
    """A `hume_msgs/Segment`. Numbers that do not fit its horizon stay flat, and admission refuses them."""
    rows = int(message.horizon)
    grippers = _numbers(message.gripper, np.float64)
    names = _names(message.names)
    return Segment(
        stamp=stamp_seconds(message.header.stamp),
        dt=float(message.dt),
        epoch=int(message.epoch),
        chunk_seq=int(message.chunk_seq),
        seq=int(message.seq),
        names=names,
        positions=_rows(_numbers(message.positions, np.float64), rows, len(names)),
        grippers=_rows(grippers, rows, grippers.size // rows if rows > 0 else 0),
        observation_stamp=stamp_seconds(message.observation_stamp),
        denoise_duration=float(message.denoise_duration),
    )


def chunk_event(message: Any) -> ChunkEvent:
    """A chunk message that has just arrived."""
    return ChunkEvent(chunk_of(message))


def segment_event(message: Any) -> SegmentEvent:
    """A segment message that has just arrived."""
    return SegmentEvent(segment_of(message))


def joint_state_event(message: Any) -> JointStateEvent:
    """A `sensor_msgs/JointState` that has just arrived."""
    return JointStateEvent(
        names=_few(message.name),
        position=_few(message.position),
        velocity=_few(message.velocity),
        stamp=stamp_seconds(message.header.stamp),
    )


def _numbers(values: Any, kind: type[np.floating[Any]]) -> NDArray[Any]:
    """The numbers of a message. None where there are too many."""
    return np.asarray(values if len(values) <= _MOST_NUMBERS else (), dtype=kind)


def _names(names: Sequence[str]) -> tuple[str, ...]:
    """Names of joints. None where there are too many."""
    return tuple(map(shortened, names)) if len(names) <= _MOST_NAMES else ()


def _few(values: Sequence[_Value]) -> tuple[_Value, ...]:
    """A value per joint. None where there are too many."""
    return tuple(values) if len(values) <= _MOST_NAMES else ()


def _rows(data: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """(rows, columns), row major. As it is where the numbers are too many or too few."""
    return data.reshape(rows, columns) if data.size == rows * columns and rows > 0 else data
