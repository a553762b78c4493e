"""What System 2 hands to System 1, and what the denoiser hands to the control core. One type each, without ROS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Chunk:
    """An action chunk that System 2 chose. Row k belongs to the time stamp + k * dt.

    Attributes:
        stamp: ROS time of the observation that was thought about, s.
        epoch: task epoch in which it was thought.
        seq: sequence number, growing within an epoch.
        dt: time between two rows, s.
        rows: (H, A) float32, normalised policy units, padded to the policy's widest action.
        anchor: (n,) joint positions at the observation in the order of `names`, rad.
        names: arm joints of all groups, in policy order.
        action_space: what the rows mean. See `ActionLayout.action_space`.
        model_id: identity of the checkpoint.
        instruction: what the robot was told.
        value: Q of the chunk.
        noise_level: flow time left in it: 0 clean .. 1 noise.
        think_duration: how long the thought took, s.
    """

    stamp: float
    epoch: int
    seq: int
    dt: float
    rows: NDArray[np.float32]
    anchor: NDArray[np.float64]
    names: tuple[str, ...]
    action_space: str
    model_id: str = ""
    instruction: str = ""
    value: float = 0.0
    noise_level: float = 0.0
    think_duration: float = 0.0


@dataclass(frozen=True, eq=False)
class Segment:
    """Joint setpoints that System 1 denoised. Row k belongs to the time stamp + k * dt.

    Attributes:
        stamp: ROS time of row 0, s: of a row of the chunk, or now, where System 1 starts from the newest state.
        dt: time between two rows, s.
        epoch, chunk_seq: of the chunk that was refined.
        seq: sequence number of the segment, growing within an epoch.
        names: joints of the columns of `positions`. All groups together.
        positions: (h, n) rad.
        grippers: (h, g) policy units, one column per gripper in the order of the robot profile. g may be 0.
        observation_stamp: ROS time of the newest observation used, s.
        denoise_duration: how long it took, s.
        unreachable: why the tool does not come where the rows ask it to. Empty: it does, or the rows are joints.
    """

    stamp: float
    dt: float
    epoch: int
    chunk_seq: int
    seq: int
    names: tuple[str, ...]
    positions: NDArray[np.float64]
    grippers: NDArray[np.float64]
    observation_stamp: float
    denoise_duration: float = 0.0
    unreachable: str = ""
