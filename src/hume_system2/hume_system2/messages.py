"""ActionChunk and Thought messages from the results of System 2."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np
from hume_msgs.msg import ActionChunk, Thought
from numpy.typing import NDArray

from hume_core.action_spaces import ActionLayout
from hume_core.robot import RobotProfile
from hume_ros.conversions import set_stamp
from hume_ros.observation_buffer import Frame
from hume_system2.cycle import Assignment
from hume_system2.thinker import ThoughtResult


@dataclass(frozen=True)
class ThoughtContext:
    """What a message needs besides the result.

    Attributes:
        stamp: time of the observation, s on the ROS clock.
        epoch, seq: see ActionChunk.msg.
        instruction: what the robot was told.
        anchor: (n,) joint positions at the observation, rad.
        model_id: identifies the checkpoint.
    """

    stamp: float
    epoch: int
    seq: int
    instruction: str
    anchor: NDArray[np.float64]
    model_id: str

    @classmethod
    def of(cls, assignment: Assignment, frame: Frame, seq: int, model_id: str) -> ThoughtContext:
        """Of a thought about a frame."""
        return cls(frame.stamp, assignment.epoch, seq, assignment.instruction, frame.joint_positions, model_id)


def action_chunk(result: ThoughtResult, context: ThoughtContext, profile: RobotProfile) -> ActionChunk:
    """The chosen chunk as a message."""
    horizon, dim = result.chunk.shape
    message = ActionChunk(
        epoch=context.epoch,
        seq=context.seq,
        model_id=context.model_id,
        instruction=context.instruction,
        action_space=ActionLayout.of(profile).action_space,
        names=list(profile.joint_names),
        dt=profile.action.dt,
        horizon=horizon,
        dim=dim,
        data=array("f", result.chunk.astype(np.float32).tobytes()),
        anchor=array("d", context.anchor.astype(np.float64).tobytes()),
        noise_level=result.noise_level,
        value=result.value,
    )
    set_stamp(message.header.stamp, context.stamp)
    set_stamp(message.think_duration, result.duration)
    return message


def thought(result: ThoughtResult, context: ThoughtContext, profile: RobotProfile) -> Thought:
    """All candidates as a message."""
    count, horizon, dim = result.candidates.shape
    message = Thought(
        epoch=context.epoch,
        seq=context.seq,
        instruction=context.instruction,
        action_space=ActionLayout.of(profile).action_space,
        num_candidates=count,
        horizon=horizon,
        dim=dim,
        candidates=array("f", result.candidates.astype(np.float32).tobytes()),
        values=array("f", result.values.astype(np.float32).tobytes()),
        noise_levels=array("f", result.noise_levels.astype(np.float32).tobytes()),
        index=result.index,
        value_spread=result.spread,
    )
    set_stamp(message.header.stamp, context.stamp)
    return message
