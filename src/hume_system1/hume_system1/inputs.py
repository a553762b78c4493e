"""Messages as what System 1 works on. The core and the denoiser check it; nothing is checked here."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.chunk import Chunk, Segment
from hume_ros.conversions import stamp_seconds
from hume_system1.control.events import ChunkEvent, JointStateEvent, SegmentEvent


def chunk_of(message: Any) -> Chunk:
    """A `hume_msgs/ActionChunk`. Data that do not fit its horizon and dim stay flat, and admission refuses them."""
    return Chunk(
        stamp=stamp_seconds(message.header.stamp),
        epoch=int(message.epoch),
        seq=int(message.seq),
        dt=float(message.dt),
        rows=_rows(np.asarray(message.data, dtype=np.float32), int(message.horizon), int(message.dim)),
        anchor=np.asarray(message.anchor, dtype=np.float64),
        names=tuple(message.names),
        action_space=str(message.action_space),
        model_id=str(message.model_id),
        instruction=str(message.instruction),
        value=float(message.value),
        noise_level=float(message.noise_level),
        think_duration=stamp_seconds(message.think_duration),
    )


def segment_of(message: Any) -> Segment:
    """A `hume_msgs/Segment`. Numbers that do not fit its horizon stay flat, and admission refuses them."""
    rows = int(message.horizon)
    grippers = np.asarray(message.gripper, dtype=np.float64)
    return Segment(
        stamp=stamp_seconds(message.header.stamp),
        dt=float(message.dt),
        epoch=int(message.epoch),
        chunk_seq=int(message.chunk_seq),
        seq=int(message.seq),
        names=tuple(message.names),
        positions=_rows(np.asarray(message.positions, dtype=np.float64), rows, len(message.names)),
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
        names=tuple(message.name),
        position=tuple(message.position),
        velocity=tuple(message.velocity),
        stamp=stamp_seconds(message.header.stamp),
    )


def _rows(data: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """(rows, columns), row major; as it is where the numbers are too many or too few."""
    return data.reshape(rows, columns) if data.size == rows * columns and rows > 0 else data
