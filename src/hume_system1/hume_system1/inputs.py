"""Messages of System 1's command process as events of the control core."""

from __future__ import annotations

from typing import Any

import numpy as np

from hume_ros.conversions import stamp_seconds
from hume_system1.control.events import ChunkEvent, JointStateEvent, SegmentEvent


def chunk_event(message: Any) -> ChunkEvent:
    """A `hume_msgs/ActionChunk`; the core checks it."""
    return ChunkEvent(
        stamp=stamp_seconds(message.header.stamp),
        epoch=int(message.epoch),
        seq=int(message.seq),
        dt=float(message.dt),
        horizon=int(message.horizon),
        dim=int(message.dim),
        names=tuple(message.names),
        action_space=str(message.action_space),
        data=np.asarray(message.data, dtype=np.float32),
        model_id=str(message.model_id),
    )


def segment_event(message: Any, now: float) -> SegmentEvent:
    """A `hume_msgs/Segment` received at `now` (s, ROS clock); the core checks it."""
    positions = np.asarray(message.positions, dtype=np.float64)
    columns = len(message.names)
    rows = int(message.horizon)
    observed = stamp_seconds(message.observation_stamp)
    return SegmentEvent(
        stamp=stamp_seconds(message.header.stamp),
        dt=float(message.dt),
        epoch=int(message.epoch),
        chunk_seq=int(message.chunk_seq),
        seq=int(message.seq),
        names=tuple(message.names),
        positions=positions.reshape(rows, columns) if positions.size == rows * columns else positions,
        gripper=np.asarray(message.gripper, dtype=np.float64) if len(message.gripper) else None,
        observation_stamp=observed,
        latency=now - observed,
    )


def joint_state_event(message: Any) -> JointStateEvent:
    """A `sensor_msgs/JointState`."""
    return JointStateEvent(
        names=tuple(message.name),
        position=tuple(message.position),
        velocity=tuple(message.velocity),
        stamp=stamp_seconds(message.header.stamp),
    )
