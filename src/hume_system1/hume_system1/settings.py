"""Parameters of the System 1 node: those of the denoiser, of the command loop and of the watchdogs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rclpy.node import Node

from hume_core.robot import RobotProfile
from hume_ros.parameters import declare
from hume_system1 import denoiser_settings
from hume_system1.control.settings import ControlSettings, GripperSettings

# name: lowest, highest, meaning
_WATCHDOGS = {
    "chunk_age": (0.1, 60.0, "Oldest chunk to act on, counted from its observation, s."),
    "segment_age": (0.05, 60.0, "Longest time without a new segment before the arm holds, s."),
    "observation_age": (0.05, 60.0, "Oldest observation that a segment may rest on, s."),
    "joint_state_age": (0.02, 10.0, "Longest time without a joint state before a fault, s."),
    "heartbeat_age": (0.1, 60.0, "Longest silence of the denoiser before a fault, s."),
    "tracking_grace": (0.01, 5.0, "How long |command - measured| may exceed the profile's bound, s."),
    "clock_frozen": (0.05, 10.0, "How long the ROS clock may stand still before a fault, s."),
    "clock_jump": (0.05, 10.0, "Largest step of the ROS clock against the steady clock before a fault, s."),
    "blend": (0.01, 1.0, "Time over which the old motion passes into a new segment, s."),
}


@dataclass(frozen=True)
class System1Settings:
    """What the node was started with.

    Attributes:
        denoiser: handed on to the denoiser process.
        control: of the control core.
        limits_file: tightens the profile's limits; empty: none.
        dry_run: publish no commands, only status.
        priority: SCHED_FIFO priority of the command loop; 0: ordinary scheduling.
        lock_memory: mlockall.
        startup_timeout: how long configure waits for the denoiser, s.
        clock_offset_limit: largest offset of System 2's clock without a warning, s.
        black_box: file for the last minutes of commands, written at clean-up; empty: none.
    """

    denoiser: denoiser_settings.DenoiserSettings
    control: ControlSettings
    limits_file: str
    dry_run: bool
    priority: int
    lock_memory: bool
    startup_timeout: float
    clock_offset_limit: float
    black_box: str


def declare_settings(node: Node) -> System1Settings:
    """Declare every parameter and read it.

    Raises:
        ConfigError: a type is wrong or a value is out of range.
    """
    defaults = ControlSettings()
    ages = {
        name: declare(node, name, getattr(defaults, name), meaning, low=low, high=high)
        for name, (low, high, meaning) in _WATCHDOGS.items()
    }
    denoiser = denoiser_settings.declare_settings(node)
    return System1Settings(
        denoiser=denoiser,
        control=replace(defaults, **ages),
        limits_file=denoiser.limits_file,
        dry_run=declare(node, "dry_run", False, "Publish no commands, only the status."),
        priority=declare(
            node, "priority", 60, "SCHED_FIFO priority of the command loop; 0: ordinary scheduling.", low=0, high=99
        ),
        lock_memory=declare(node, "lock_memory", True, "Keep the process in memory (mlockall) where allowed."),
        startup_timeout=declare(
            node, "startup_timeout", 120.0, "How long configure waits for the denoiser, s.", low=1.0, high=3600.0
        ),
        clock_offset_limit=declare(
            node, "clock_offset_limit", 0.05, "Offset of System 2's clock from which to warn, s.", low=0.001, high=60.0
        ),
        black_box=declare(node, "black_box", "", "File for the last minutes of commands, written at clean-up."),
    )


def control_settings(profile: RobotProfile, settings: ControlSettings) -> ControlSettings:
    """Settings of the control core for a robot: its rate, its action space, and what to do when it is pushed."""
    push = profile.push
    return replace(
        settings,
        rate_hz=profile.rates.stream,
        action_spaces=(profile.action.space.value,),
        push_settle=push.settle,
        push_timeout=push.timeout,
        push_reach=push.reach,
        jump_speed=push.jump_speed,
    )


def gripper_settings(profile: RobotProfile) -> GripperSettings | None:
    """The profile's gripper for the control core; None without one."""
    gripper = profile.gripper
    if gripper is None:
        return None
    return GripperSettings(
        policy_closed=gripper.policy_closed,
        policy_open=gripper.policy_open,
        closed=gripper.closed,
        open=gripper.open,
        rate=gripper.speed,
        binary=gripper.binary,
        close_below=gripper.hysteresis[0],
        open_above=gripper.hysteresis[1],
        joint=gripper.joint,
    )
