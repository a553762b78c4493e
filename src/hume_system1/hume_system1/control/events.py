"""What reaches the control core from outside, as immutable events.

Threads: any thread builds an event and appends it to `ControlCore.inbox`. Only the loop thread reads it.
`received` is the steady clock (`time.monotonic()`, s) at which the event arrived here. Every age is measured from it.
`stamp` is ROS time in seconds, as in the message header.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TypeAlias

from hume_core.chunk import Chunk, Segment


@dataclass(frozen=True, eq=False)
class ChunkEvent:
    """A chunk of System 2 has arrived. `admission.ChunkAdmission` checks it.

    Attributes:
        chunk: as received.
        received: steady clock, s.
    """

    chunk: Chunk
    received: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, eq=False)
class SegmentEvent:
    """A segment of the denoiser has arrived. `segment_admission.SegmentAdmission` checks it.

    Attributes:
        segment: as received.
        received: steady clock, s.
    """

    segment: Segment
    received: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, eq=False)
class JointStateEvent:
    """Measured joints, in the publisher's own order.

    Attributes:
        names: joint names. More than the arm's are fine.
        position: rad, one per name.
        velocity: rad/s, one per name, or empty.
        stamp: ROS time of the measurement, s. 0.0 if the driver does not stamp.
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
class DenoiserEvent:
    """What the kernel says of the denoiser's process has changed.

    Attributes:
        ended: how it ended or was stopped, for people. Empty: it runs.
    """

    ended: str


@dataclass(frozen=True)
class EpochEvent:
    """A new epoch began elsewhere (new instruction, cancel, reset): older motion ends.

    Attributes:
        epoch: the new epoch. One that is not newer is ignored.
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
    """Allow (True) or forbid (False) following segments. Forbidding decelerates and holds."""

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


@dataclass(frozen=True)
class ControllersEvent:
    """What is known of the robot's controllers has changed.

    Attributes:
        away: which do not take commands, and why, for people. Empty: all listen.
    """

    away: str


@dataclass(frozen=True)
class CommandersEvent:
    """What is known of others who command this robot has changed.

    Attributes:
        foreign: which nodes publish on which topics, for people. Empty: nobody else does.
    """

    foreign: str


DataEvent: TypeAlias = ChunkEvent | SegmentEvent | JointStateEvent | HeartbeatEvent
ControlEvent: TypeAlias = (
    EpochEvent
    | EStopEvent
    | ResetEvent
    | EnableEvent
    | ActivateEvent
    | DeactivateEvent
    | TakeoverEvent
    | HandbackEvent
    | ControllersEvent
    | CommandersEvent
    | DenoiserEvent
)
Event: TypeAlias = DataEvent | ControlEvent
