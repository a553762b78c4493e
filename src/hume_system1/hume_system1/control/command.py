"""What the control core gives back: the command of a tick, and its status."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hume_system1.control.states import Mode, Reason


@dataclass(frozen=True)
class ClockReading:
    """Both clocks at one instant, s: steady (`time.monotonic`) and ROS (the node's clock, /clock in simulation)."""

    steady: float
    ros: float


class Command:
    """The command of one tick. One object is reused for ever: copy what you keep.

    Attributes:
        publish: False when nothing may be sent: not active, nobody listens, the arm is another's, or it rests and
            nothing moves it.
        starts: how often the stream has begun again, each time from the measured position.
        mode: mode after this tick.
        reason: why.
        position: (n,) rad. Continuous joints are counted in the turns of the driver's last report.
        velocity: (n,) rad/s, feed-forward that belongs to `position`.
        acceleration: (n,) rad/s^2.
        grippers: (g,) gripper commands, m. NaN before the first value.
        gripper_targets: (g,) where the policy wants the grippers, m. NaN before the first value of a stream.
        time: steady clock the command is for, s.
    """

    __slots__ = (
        "acceleration", "gripper_targets", "grippers", "mode", "position", "publish", "reason", "starts", "time",
        "velocity",
    )  # fmt: skip

    def __init__(self, size: int, grippers: int = 0) -> None:
        self.publish = False
        self.starts = 0
        self.mode = Mode.UNCONFIGURED
        self.reason = Reason.NONE
        self.position: NDArray[np.float64] = np.zeros(size)
        self.velocity: NDArray[np.float64] = np.zeros(size)
        self.acceleration: NDArray[np.float64] = np.zeros(size)
        self.grippers: NDArray[np.float64] = np.full(grippers, math.nan)
        self.gripper_targets: NDArray[np.float64] = np.full(grippers, math.nan)
        self.time = 0.0

    @property
    def gripper(self) -> float:
        """Command of the first gripper, m. NaN without one."""
        return float(self.grippers[0]) if len(self.grippers) else math.nan

    @property
    def gripper_target(self) -> float:
        """Where the policy wants the first gripper, m. NaN without one."""
        return float(self.gripper_targets[0]) if len(self.gripper_targets) else math.nan


@dataclass(frozen=True)
class CoreStatus:
    """A snapshot of the core for the status topic. Ages are in s, on the steady clock. Inf if never seen.

    Attributes:
        mode, reason: state of the machine.
        text: both, with details, for people.
        epoch: current epoch (the core raises it on e-stop, reset and takeover; publish it when it changes).
        chunk_seq, chunk_epoch: newest admitted chunk. -1 if none.
        chunk_age: since the observation of that chunk.
        segment_seq: newest admitted segment. -1 if none.
        segment_age, joint_state_age, heartbeat_age: since the last one arrived.
        observation_age: of the newest observation behind the motion.
        tracking_error: (n,) |command - measured|, rad.
        limiter_activity: (n,) part of the ticks since the last status in which the joint was limited, 0 to 1.
        rejected: counters by "kind: reason", e.g. {"chunk: epoch": 2, "segment: age": 1}.
        chunks_accepted, segments_accepted, splices, long_ticks, events_dropped: counters.
        delay: conservative estimate of observation-to-command delay, s. NaN until known.
        latest_delay: that delay of the newest segment, s. NaN until known.
        max_velocity_ratio: largest |commanded velocity| / limit since the start, <= 1.
        clock: what is odd about /clock, for people. Empty: nothing.
        enabled, active, still, released: flags. `released` is True while another controller may move the arm.
    """

    mode: Mode
    reason: Reason
    text: str
    epoch: int
    chunk_seq: int
    chunk_epoch: int
    chunk_age: float
    segment_seq: int
    segment_age: float
    joint_state_age: float
    heartbeat_age: float
    observation_age: float
    tracking_error: tuple[float, ...]
    limiter_activity: tuple[float, ...]
    rejected: dict[str, int]
    chunks_accepted: int
    segments_accepted: int
    splices: int
    long_ticks: int
    events_dropped: int
    delay: float
    latest_delay: float
    max_velocity_ratio: float
    clock: str
    enabled: bool
    active: bool
    still: bool
    released: bool
