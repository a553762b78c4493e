"""Kinematics of a robot profile."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from hume_core.errors import KinematicsError, RobotProfileError
from hume_core.kinematics.description import read_urdf
from hume_core.kinematics.model import ArmModel
from hume_core.kinematics.solver import Kinematics, KinematicsOptions
from hume_core.robot import Arm, KinematicsSection, RobotProfile
from hume_core.robot_parts import limits_of
from hume_core.robot_prefix import prefix_by_hand, with_prefixed_names


def load_kinematics(
    profile: RobotProfile, urdf: str = "", fallback: Callable[[], str] | None = None, arm: Arm | None = None
) -> Kinematics:
    """The kinematics of an arm.

    Args:
        profile: names links, joints, limits and, with `kinematics.urdf`, a file.
        urdf: text of the description. Taken instead of the file.
        fallback: gives the text where there is neither, from a topic, say.
        arm: of the profile. None: its only one.

    Raises:
        RobotProfileError: the arm has no `kinematics`, none of several arms is named, or there is no description.
        KinematicsError: the description cannot be read, or lacks something the profile names.
    """
    arm = arm or profile.arm
    model = load_arm_model(profile, urdf, fallback, arm)
    section = _section(profile, arm)
    options = KinematicsOptions(
        position_tolerance=section.position_tolerance,
        rotation_tolerance=section.rotation_tolerance,
        rotation_weight=section.rotation_weight,
        posture_gain=section.posture_gain,
    )
    return Kinematics(model, limits_of(arm.joints), np.array(arm.home), options)


def load_needed_kinematics(
    profile: RobotProfile, urdf: str = "", fallback: Callable[[], str] | None = None
) -> dict[str, Kinematics]:
    """The kinematics of each arm whose rows are about its tool, by the arm's name. Empty: there is none.

    Arguments and errors as of `load_kinematics`.
    """
    once = None if fallback is None else cache(fallback)
    return {arm.name: load_kinematics(profile, urdf, once, arm) for arm in profile.moved_tools}


def load_seen_models(
    profile: RobotProfile, urdf: str = "", fallback: Callable[[], str] | None = None
) -> dict[str, ArmModel]:
    """The forward kinematics of each arm whose tool the state is about, by the arm's name. Empty: there is none.

    Arguments and errors as of `load_kinematics`.
    """
    once = None if fallback is None else cache(fallback)
    return {arm.name: load_arm_model(profile, urdf, once, arm) for arm in profile.seen_tools}


def load_arm_model(
    profile: RobotProfile, urdf: str = "", fallback: Callable[[], str] | None = None, arm: Arm | None = None
) -> ArmModel:
    """The forward kinematics of an arm alone. Arguments and errors as of `load_kinematics`."""
    arm = arm or profile.arm
    section = _section(profile, arm)
    text = urdf or _described(profile, arm.kinematics_field, section, fallback)
    try:
        text = with_prefixed_names(text, profile.prefix, arm.joint_names)
        return ArmModel(text, arm.joint_names, section.base_link, section.tool_link)
    except KinematicsError as error:
        found = "" if profile.prefix or len(profile.arms) > 1 else prefix_by_hand(text, arm.joint_names)
        hint = f". Write the profile's names without '{found}', and add prefix: {found}" if found else ""
        raise KinematicsError(f"robot '{profile.name}', section {arm.kinematics_field}: {error}{hint}") from error


def _section(profile: RobotProfile, arm: Arm) -> KinematicsSection:
    if arm.kinematics is None:
        raise RobotProfileError(
            f"robot '{profile.name}' has no section {arm.kinematics_field}: add base_link, tool_link and urdf"
        )
    return arm.kinematics


def _described(
    profile: RobotProfile, field: str, section: KinematicsSection, fallback: Callable[[], str] | None
) -> str:
    if section.urdf is not None:
        return read_urdf(section.urdf)
    if fallback is None:
        raise RobotProfileError(f"robot '{profile.name}': {field}.urdf is not set. Give the path of the URDF")
    return fallback()
