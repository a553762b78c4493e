"""What a robot profile says to the control core."""

from __future__ import annotations

from dataclasses import replace

from hume_core.limits_file import tightened
from hume_core.robot import Gripper, RobotProfile
from hume_system1.control.control_settings import ControlSettings, GripperSettings
from hume_system1.denoiser_settings import DenoiserSettings


def robot_of(settings: DenoiserSettings) -> RobotProfile:
    """The robot of both processes of System 1, with its prefix and within its limits file.

    Raises:
        RobotProfileError: unknown robot, or a wrong profile or prefix.
        ConfigError: the limits file is wrong.
    """
    profile = RobotProfile.load(settings.robot, settings.prefix, settings.prefix_controllers)
    return tightened(profile, settings.limits_file)


def control_settings(profile: RobotProfile, settings: ControlSettings) -> ControlSettings:
    """Settings of the control core for a robot: its rate, controllers, action space and pushes."""
    push = profile.push
    return replace(
        settings,
        rate_hz=profile.rates.stream,
        plays_stop=profile.plays_trajectories,
        action_spaces=(profile.action_layout().action_space,),
        push_settle=push.settle,
        push_timeout=push.timeout,
        push_reach=push.reach,
        jump_speed=push.jump_speed,
    )


def gripper_settings(profile: RobotProfile) -> tuple[GripperSettings, ...]:
    """The profile's grippers for the control core."""
    return tuple(_settings_of(gripper) for gripper in profile.grippers)


def _settings_of(gripper: Gripper) -> GripperSettings:
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
