"""Settings of the control core; times in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from hume_core.errors import ConfigError


@dataclass(frozen=True)
class ControlSettings:
    """Settings of `ControlCore`. The node declares one parameter for each.

    Attributes:
        rate_hz: nominal rate of the command stream, 50 to 1000 Hz.
        segment_age: longest time without a new segment before HOLD.
        chunk_age: oldest chunk to act on (steady time since its observation) before HOLD.
        observation_age: oldest observation a segment may rest on.
        joint_state_age: longest time without a new joint state before FAULT.
        heartbeat_age: longest silence of the denoiser before FAULT.
        tracking_ratio: part of the limit on |command - measured| that a healthy arm stays below. The command keeps the
            limit itself, so a blocked arm is known by a command that stands close to it.
        tracking_grace: how long |command - measured| may stay above that part before FAULT.
        push_settle: how long a pushed arm must follow again before motion goes on.
        push_timeout: longest push before FAULT.
        push_reach: how far the command comes along with a pushed arm, as a multiple of the tracking limit.
        jump_speed: multiple of the velocity limit at which no arm moves, whoever pushes it (at least 10 rad/s).
        clock_frozen: how long the ROS clock may stand still before FAULT.
        clock_jump: largest step of the ROS clock against the steady clock before FAULT.
        future: how far a stamp may lie ahead of the ROS clock.
        committed: time after the arrival of a segment in which the old motion stays as it is.
        blend: time in which most of a small difference between old and new motion fades; a larger one takes longer.
        bandwidth: of the tracking law, rad/s (a third of its fastest pole; at most rate_hz / 2).
        max_step_ratio: largest step between rows of a segment, as a multiple of velocity limit * dt.
        range_margin: how far a segment may lie outside the position limits (it is clamped), rad.
        max_chunk_value: largest |value| in a chunk, normalised units.
        max_chunk_step: largest step between rows of a chunk, normalised units.
        max_horizon: largest number of rows of a chunk or segment.
        max_epoch_step: largest growth of the epoch that a chunk is believed.
        action_spaces: action spaces accepted in chunks; empty accepts all.
        chunk_rows: rows of a chunk; 0 accepts any.
        chunk_dim: columns of a chunk; 0 accepts any.
        require_chunk: segments need a chunk that was admitted here (False when replaying segments alone).
        require_heartbeat: watch the denoiser's heartbeat (False when nothing sends one).
        still_velocity: a joint slower than this is still, rad/s.
        start_margin: how far outside the position limits the arm may be on activation, rad.
        max_tick: tick length above which the motion brakes during the gap instead of following.
        min_tick_ratio: part of the period below which a tick makes no new command.
        reset_timeout: how long a reset waits for its conditions before it must be asked for again.
        max_events_per_tick: events taken from the inbox per tick.
    """

    rate_hz: float = 200.0
    segment_age: float = 0.5
    chunk_age: float = 2.0
    observation_age: float = 1.0
    joint_state_age: float = 0.25
    heartbeat_age: float = 0.5
    tracking_ratio: float = 0.9
    tracking_grace: float = 0.1
    push_settle: float = 0.1
    push_timeout: float = 1.5
    push_reach: float = 1.0
    jump_speed: float = 5.0
    clock_frozen: float = 0.2
    clock_jump: float = 0.25
    future: float = 0.1
    committed: float = 0.005
    blend: float = 0.1
    bandwidth: float = 60.0
    max_step_ratio: float = 10.0
    range_margin: float = 0.2
    max_chunk_value: float = 100.0
    max_chunk_step: float = 100.0
    max_horizon: int = 1000
    max_epoch_step: int = 1000
    action_spaces: tuple[str, ...] = ()
    chunk_rows: int = 0
    chunk_dim: int = 0
    require_chunk: bool = True
    require_heartbeat: bool = True
    still_velocity: float = 0.05
    start_margin: float = 0.05
    max_tick: float = 0.05
    min_tick_ratio: float = 0.25
    reset_timeout: float = 30.0
    max_events_per_tick: int = 32

    def __post_init__(self) -> None:
        """Check every number.

        Raises:
            ConfigError: a number is not finite, not positive, or out of its range.
        """
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, bool | tuple) or item.name in ("chunk_rows", "chunk_dim"):
                continue
            may_be_zero = item.name in ("committed", "range_margin", "start_margin")
            if not math.isfinite(value) or value < 0 or (value == 0 and not may_be_zero):
                raise ConfigError(f"control setting '{item.name}' is {value}; it must be finite and above 0")
        if not 50.0 <= self.rate_hz <= 1000.0:
            raise ConfigError(f"control setting 'rate_hz' is {self.rate_hz}; valid: 50 to 1000 Hz")
        if self.min_tick_ratio > 0.5 or self.max_tick < 2.0 * self.period:
            raise ConfigError(
                f"control: needs min_tick_ratio <= 0.5 and max_tick >= 2 / rate_hz = {2.0 * self.period} s, "
                f"got {self.min_tick_ratio} and {self.max_tick}"
            )

    @property
    def period(self) -> float:
        """Nominal tick length, s."""
        return 1.0 / self.rate_hz


@dataclass(frozen=True)
class GripperSettings:
    """How a policy's gripper value becomes a gripper command.

    Attributes:
        policy_closed: policy value that means closed.
        policy_open: policy value that means open.
        closed: command when closed, m.
        open: command when open, m.
        rate: largest change of the command, m/s.
        binary: True: only fully open or closed, with hysteresis.
        close_below: openness (0 closed, 1 open) below which a binary gripper closes.
        open_above: openness above which a binary gripper opens.
        joint: joint in the joint states whose position is the opening, "" if there is none.
    """

    policy_closed: float = 0.0
    policy_open: float = 1.0
    closed: float = 0.0
    open: float = 0.04
    rate: float = 0.1
    binary: bool = False
    close_below: float = 0.4
    open_above: float = 0.6
    joint: str = ""

    def __post_init__(self) -> None:
        """Check the mapping.

        Raises:
            ConfigError: a number is not finite, the policy range is empty, or the hysteresis is upside down.
        """
        for item in fields(self):
            value = getattr(self, item.name)
            if not isinstance(value, bool | str) and not math.isfinite(value):
                raise ConfigError(f"gripper setting '{item.name}' is {value}; it must be finite")
        if self.policy_closed == self.policy_open or self.rate <= 0:
            raise ConfigError("gripper: policy_closed and policy_open must differ, and rate must be above 0")
        if not 0.0 <= self.close_below <= self.open_above <= 1.0:
            raise ConfigError(
                f"gripper: needs 0 <= close_below <= open_above <= 1, got {self.close_below} and {self.open_above}"
            )
