"""ActionChunk and Thought messages from the results of System 2."""

from __future__ import annotations

from array import array

import numpy as np
from hume_msgs.msg import ActionChunk, Thought

from hume_core.chunk import Chunk
from hume_ros.conversions import set_stamp
from hume_system2.thinker import ThoughtResult


def action_chunk(chunk: Chunk) -> ActionChunk:
    """A chunk as a message."""
    horizon, dim = chunk.rows.shape
    message = ActionChunk(
        epoch=chunk.epoch,
        seq=chunk.seq,
        model_id=chunk.model_id,
        instruction=chunk.instruction,
        action_space=chunk.action_space,
        names=list(chunk.names),
        dt=chunk.dt,
        horizon=horizon,
        dim=dim,
        data=array("f", chunk.rows.astype(np.float32).tobytes()),
        anchor=array("d", chunk.anchor.astype(np.float64).tobytes()),
        noise_level=chunk.noise_level,
        value=chunk.value,
    )
    set_stamp(message.header.stamp, chunk.stamp)
    set_stamp(message.think_duration, chunk.think_duration)
    return message


def thought(result: ThoughtResult, chunk: Chunk) -> Thought:
    """All candidates behind a chunk as a message."""
    count, horizon, dim = result.candidates.shape
    message = Thought(
        epoch=chunk.epoch,
        seq=chunk.seq,
        instruction=chunk.instruction,
        action_space=chunk.action_space,
        num_candidates=count,
        horizon=horizon,
        dim=dim,
        candidates=array("f", result.candidates.astype(np.float32).tobytes()),
        values=array("f", result.values.astype(np.float32).tobytes()),
        noise_levels=array("f", result.noise_levels.astype(np.float32).tobytes()),
        index=result.index,
        value_spread=result.spread,
    )
    set_stamp(message.header.stamp, chunk.stamp)
    return message
