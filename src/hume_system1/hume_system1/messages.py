"""Segments as messages. `inputs` goes the other way."""

from __future__ import annotations

from array import array

import numpy as np
from hume_msgs.msg import Segment as SegmentMessage

from hume_core.chunk import Segment
from hume_ros.conversions import set_stamp


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
