"""What reaches the control core from outside, as immutable events.

Threads: any thread builds an event and appends it to `ControlCore.inbox`; only the loop thread reads it.
`received` is the steady clock (`time.monotonic()`, s) at which the event arrived here; every age is measured from it.
`stamp` is ROS time in seconds, as in the message header.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ChunkEvent:
    """An action chunk of System 2, as received (it is checked by `admission.ChunkAdmission`).

    Attributes:
        stamp: ROS time of the observation that was thought about, s; row k belongs to stamp + k * dt.
        epoch: epoch the chunk was thought in.
        seq: sequence number, growing within an epoch.
        dt: time between rows, s.
        horizon: number of rows.
        dim: number of columns.
        names: names of the columns (may be empty).
        action_space: e.g. "joint_position".
        data: normalised policy units, (horizon, dim) or flat (horizon * dim,).
        model_id: identity of the checkpoint.
        received: steady clock, s.
    """

    stamp: float
    epoch: int
    seq: int
    dt: float
    horizon: int
    dim: int
    names: tuple[str, ...]
    action_space: str
    data: NDArray[np.floating]
    model_id: str = ""
    received: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, eq=False)
class SegmentEvent:
    """A denoised segment of System 1, in joint space and real units.

    Attributes:
        stamp: ROS time of row 0, s.
        dt: time between rows, s.
        epoch: epoch of the chunk it was made from.
        chunk_seq: sequence number of that chunk.
        seq: sequence number of the segment, growing within an epoch.
        names: joint names of the columns of `positions`.
        positions: (h, n), rad.
        gripper: policy's gripper value per row (h,), see `GripperSettings`; None without gripper.
        observation_stamp: ROS time of the newest observation used, s.
        latency: observation to finished segment, s.
        received: steady clock, s.
    """

    stamp: float
    dt: float
    epoch: int
    chunk_seq: int
    seq: int
    names: tuple[str, ...]
    positions: NDArray[np.floating]
    gripper: NDArray[np.floating] | None
    observation_stamp: float
    latency: float = 0.0
    received: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, eq=False)
class JointStateEvent:
    """Measured joints, in the publisher's own order.

    Attributes:
        names: joint names; more than the arm's are fine.
        position: rad, one per name.
        velocity: rad/s, one per name, or empty.
        stamp: ROS time of the measurement, s; 0.0 if the driver does not stamp.
        received: steady clock, s.
    """

    names: tuple[str, ...]
    position: tuple[float, ...]
    velocity: tuple[float, ...]
    stamp: float
    received: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class HeartbeatEvent:
    """The denoiser is alive (it sends this while idle too)."""

    received: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class EpochEvent:
    """A new epoch began elsewhere (new instruction, cancel, reset): older motion ends.

    Attributes:
        epoch: the new epoch; one that is not newer is ignored.
    """

    epoch: int


@dataclass(frozen=True)
class EStopEvent:
    """Stop now and latch. `ControlCore.estop()` does the same without waiting in the inbox."""


@dataclass(frozen=True)
class ResetEvent:
    """Leave FAULT or ESTOP once the arm is still, enabled, and a fresh chunk and segment have come."""


@dataclass(frozen=True)
class EnableEvent:
    """Allow (True) or forbid (False) following segments; forbidding decelerates and holds."""

    enabled: bool


@dataclass(frozen=True)
class ActivateEvent:
    """Lifecycle: start publishing, from the measured position."""


@dataclass(frozen=True)
class DeactivateEvent:
    """Lifecycle: decelerate, then stop publishing."""


@dataclass(frozen=True)
class TakeoverEvent:
    """A person or another controller takes the arm: decelerate, then publish nothing until hand-back."""


@dataclass(frozen=True)
class HandbackEvent:
    """The arm is ours again: hold where it is measured and wait for a segment of the new epoch."""


DataEvent: TypeAlias = ChunkEvent | SegmentEvent | JointStateEvent | HeartbeatEvent
ControlEvent: TypeAlias = (
    EpochEvent | EStopEvent | ResetEvent | EnableEvent | ActivateEvent | DeactivateEvent | TakeoverEvent | HandbackEvent
)
Event: TypeAlias = DataEvent | ControlEvent
