"""Settings of the control core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hume_core.epochs import LARGEST_STEP
from hume_core.errors import ConfigError
from hume_core.node_settings import STREAM_RATE
from hume_core.settings import check, same_as, setting

_PROFILE = "robot profile"
_CALLER = "caller"
"""Tests and replays set it. A running node must not be able to."""
_LONGEST_TICK = 1.5
"""In periods. A tick that is late by less has missed none."""


@dataclass(frozen=True)
class ControlSettings:
    """Settings of `ControlCore`. Each is a parameter of the System 1 node, but for those given by something else."""

    rate_hz: float = same_as(STREAM_RATE, given_by=_PROFILE)
    segment_age: float = setting(
        0.5, "Longest time without a new segment before the arm holds.", unit="s", low=0.05, high=60.0, policy=True
    )
    chunk_age: float = setting(
        2.0,
        "Oldest chunk to act on, counted from its observation, before the arm holds.",
        unit="s",
        low=0.1,
        high=60.0,
        policy=True,
    )
    observation_age: float = setting(
        1.0, "Oldest observation that a segment may rest on.", unit="s", low=0.05, high=60.0, policy=True
    )
    joint_state_age: float = setting(
        0.25, "Longest time without a new joint state before a fault.", unit="s", low=0.02, high=10.0
    )
    heartbeat_age: float = setting(
        0.5, "Longest silence of the denoiser before the arm holds.", unit="s", low=0.1, high=60.0
    )
    denoiser_timeout: float = setting(
        5.0, "Longest silence of the denoiser before a fault: it hangs.", unit="s", low=0.1, high=600.0
    )
    # The command keeps the limit itself: a blocked arm is known by a command that stands close to it.
    tracking_ratio: float = setting(
        0.9, "Part of the limit on |command - measured| that a healthy arm stays below.", low=0.01, high=1.0
    )
    tracking_grace: float = setting(
        0.1, "How long |command - measured| may stay above that part before a fault.", unit="s", low=0.01, high=5.0
    )
    push_settle: float = setting(
        0.1,
        "How long a pushed arm must follow again before motion goes on.",
        unit="s",
        low=0.001,
        high=10.0,
        given_by=_PROFILE,
    )
    push_timeout: float = setting(
        1.5, "Longest push that is not a fault.", unit="s", low=0.001, high=60.0, given_by=_PROFILE
    )
    push_reach: float = setting(
        1.0,
        "How far the command follows a pushed arm, as a multiple of its bound on |command - measured|.",
        low=0.001,
        high=10.0,
        given_by=_PROFILE,
    )
    jump_speed: float = setting(
        5.0,
        "Multiple of the velocity limit at which no arm moves, even when it is pushed. Never below 10 rad/s.",
        low=1.0,
        high=100.0,
        given_by=_PROFILE,
    )
    clock_frozen: float = setting(
        0.2, "How long the ROS clock may stand still before a fault.", unit="s", low=0.05, high=10.0
    )
    clock_jump: float = setting(
        0.25,
        "Largest step of the ROS clock against the steady clock before a fault.",
        unit="s",
        low=0.05,
        high=10.0,
    )
    future: float = setting(0.1, "How far a stamp may lie ahead of the ROS clock.", unit="s", low=0.001, high=10.0)
    committed: float = setting(
        0.005,
        "Time after the arrival of a segment in which the old motion stays as it is.",
        unit="s",
        low=0.0,
        high=1.0,
    )
    blend: float = setting(
        0.1,
        "Time in which most of a small difference between old and new motion fades. A larger one takes longer.",
        unit="s",
        low=0.01,
        high=1.0,
        policy=True,
    )
    bandwidth: float = setting(
        60.0,
        "Bandwidth of the tracking law, a third of its fastest pole.",
        unit="rad/s",
        low=1.0,
        high=500.0,
    )
    max_step_ratio: float = setting(
        10.0, "Largest step between rows of a segment, as a multiple of velocity limit * dt.", low=0.1, high=1000.0
    )
    range_margin: float = setting(
        0.2,
        "How far a segment may lie outside the position limits, to which it is clamped.",
        unit="rad",
        low=0.0,
        high=10.0,
    )
    max_chunk_value: float = setting(100.0, "Largest |value| in a chunk, in normalised units.", low=0.001, high=1e9)
    max_chunk_step: float = setting(
        100.0, "Largest step between rows of a chunk, in normalised units.", low=0.001, high=1e9
    )
    max_horizon: int = setting(1000, "Largest number of rows of a chunk or segment.", low=1, high=1_000_000)
    max_epoch_step: int = setting(
        LARGEST_STEP, "Largest growth of the epoch that is accepted from a message.", low=1, high=1_000_000_000
    )
    action_spaces: tuple[str, ...] = setting((), "Action spaces accepted in chunks. Empty: all.", given_by=_PROFILE)
    chunk_rows: int = setting(0, "Rows of a chunk. 0: any.", low=0, high=1_000_000, given_by=_CALLER)
    chunk_dim: int = setting(0, "Columns of a chunk. 0: any.", low=0, high=1_000_000, given_by=_PROFILE)
    require_chunk: bool = setting(
        True, "Segments need a chunk that was admitted here. False when replaying segments alone.", given_by=_CALLER
    )
    require_heartbeat: bool = setting(
        True, "Watch the denoiser's heartbeat. False when nothing sends one.", given_by=_CALLER
    )
    still_velocity: float = setting(0.05, "A joint slower than this is still.", unit="rad/s", low=0.0001, high=10.0)
    start_states: int = setting(3, "Joint states in a row that must agree before the stream starts.", low=1, high=100)
    start_margin: float = setting(
        0.05,
        "How far outside the position limits the arm may be on activation.",
        unit="rad",
        low=0.0,
        high=10.0,
    )
    plays_stop: bool = setting(
        False,
        "Where no command comes, the controller plays the stop that came with the last one. False: it stays there.",
        given_by=_PROFILE,
    )
    max_tick: float = setting(
        0.05,
        "Time without a tick after which an arm whose controller stays at the last command has come to rest there.",
        unit="s",
        low=0.002,
        high=1.0,
    )
    min_tick_ratio: float = setting(
        0.25, "Part of the period below which a tick makes no new command.", low=0.01, high=0.5
    )
    reset_timeout: float = setting(
        30.0,
        "How long a reset waits for its conditions before it must be asked for again.",
        unit="s",
        low=0.1,
        high=3600.0,
    )
    max_events_per_tick: int = setting(32, "Events taken from the inbox per tick.", low=1, high=100_000)

    def __post_init__(self) -> None:
        """Check every value, and those that depend on each other.

        Raises:
            ConfigError: a value is out of its range, or shorter than two ticks where it must not be.
        """
        check(self, "control setting")
        if self.max_tick < 2.0 * self.period:
            raise ConfigError(
                f"control setting 'max_tick' is {self.max_tick}. Valid: at least 2 / rate_hz = {2.0 * self.period} s"
            )

    @property
    def period(self) -> float:
        """Nominal tick length, s."""
        return 1.0 / self.rate_hz

    @property
    def longest_tick(self) -> float:
        """A longer tick has missed others, s."""
        return _LONGEST_TICK * self.period


@dataclass(frozen=True)
class GripperSettings:
    """How a policy's gripper value becomes a gripper command. The robot profile gives all of it."""

    policy_closed: float = setting(0.0, "Policy value that means closed.", given_by=_PROFILE)
    policy_open: float = setting(1.0, "Policy value that means open.", given_by=_PROFILE)
    closed: float = setting(0.0, "Command when closed.", unit="m", given_by=_PROFILE)
    open: float = setting(0.04, "Command when open.", unit="m", given_by=_PROFILE)
    rate: float = setting(0.1, "Largest change of the command.", unit="m/s", given_by=_PROFILE)
    binary: bool = setting(False, "Only fully open or closed, with hysteresis.", given_by=_PROFILE)
    close_below: float = setting(
        0.4, "Openness (0 closed, 1 open) below which a binary gripper closes.", low=0.0, high=1.0, given_by=_PROFILE
    )
    open_above: float = setting(
        0.6, "Openness above which a binary gripper opens.", low=0.0, high=1.0, given_by=_PROFILE
    )
    joint: str = setting("", "Joint whose position is the opening. Empty: there is none.", given_by=_PROFILE)

    def __post_init__(self) -> None:
        """Check the mapping.

        Raises:
            ConfigError: a number is not finite, the policy range is empty, or the hysteresis is upside down.
        """
        check(self, "gripper setting")
        if self.policy_closed == self.policy_open or self.rate <= 0:
            raise ConfigError("gripper: policy_closed and policy_open must differ, and rate must be above 0")
        if self.close_below > self.open_above:
            raise ConfigError(f"gripper: needs close_below <= open_above, got {self.close_below} and {self.open_above}")


def gripper_tuple(grippers: Sequence[GripperSettings] | GripperSettings | None) -> tuple[GripperSettings, ...]:
    """Several grippers, one, or none, as a tuple."""
    if grippers is None:
        return ()
    return (grippers,) if isinstance(grippers, GripperSettings) else tuple(grippers)
