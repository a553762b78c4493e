"""Chunks and segments as messages, and back."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from hume_msgs.msg import Segment as SegmentMessage

from hume_core.chunk import Chunk, Segment
from hume_core.errors import ChunkError
from hume_ros.conversions import chunk_rows, set_stamp, stamp_seconds


def to_chunk(message: Any) -> Chunk:
    """A `hume_msgs/ActionChunk`, whatever it holds; `ChunkAdmission` checks it.

    Raises:
        ChunkError: the data do not fit horizon and dim.
    """
    return Chunk(
        stamp=stamp_seconds(message.header.stamp),
        epoch=int(message.epoch),
        seq=int(message.seq),
        dt=float(message.dt),
        rows=chunk_rows(message),
        anchor=np.asarray(message.anchor, dtype=np.float64),
        names=tuple(message.names),
        action_space=str(message.action_space),
        model_id=str(message.model_id),
        instruction=str(message.instruction),
        value=float(message.value),
        noise_level=float(message.noise_level),
        think_duration=stamp_seconds(message.think_duration),
    )


def to_segment(message: Any) -> Segment:
    """A `hume_msgs/Segment`, whatever it holds; `SegmentAdmission` checks it.

    Raises:
        ChunkError: the numbers do not fit horizon and names.
    """
    rows = int(message.horizon)
    return Segment(
        stamp=stamp_seconds(message.header.stamp),
        dt=float(message.dt),
        epoch=int(message.epoch),
        chunk_seq=int(message.chunk_seq),
        seq=int(message.seq),
        names=tuple(message.names),
        positions=_table("positions", message.positions, rows),
        grippers=_table("gripper", message.gripper, rows),
        observation_stamp=stamp_seconds(message.observation_stamp),
        denoise_duration=float(message.denoise_duration),
    )


def _table(field: str, values: Any, rows: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    numbers = np.asarray(values, dtype=np.float64)
    if rows < 1 or numbers.size % rows:
        raise ChunkError(f"segment has {numbers.size} numbers of '{field}'; they do not fit {rows} rows")
    return numbers.reshape(rows, -1)


def segment_message(segment: Segment) -> SegmentMessage:
    """A segment as a message."""
    message = SegmentMessage(
        epoch=segment.epoch,
        chunk_seq=segment.chunk_seq,
        seq=segment.seq,
        names=list(segment.names),
        dt=segment.dt,
        horizon=len(segment.positions),
        positions=array("d", segment.positions.astype(np.float64).tobytes()),
        gripper=array("d", segment.grippers.astype(np.float64).tobytes()),
        denoise_duration=segment.denoise_duration,
    )
    set_stamp(message.header.stamp, segment.stamp)
    set_stamp(message.observation_stamp, segment.observation_stamp)
    return message
