"""Which robot profiles are those of the simulated table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hume_core.robot import ArmControllerType, RobotProfile
from hume_sim.arm import GRIPPER_CLOSED, GRIPPER_OPEN, ONE_ARM, TWO_ARMS, ArmNames, cameras_of

_SAME_FINGER = 0.003  # m
_COMMANDS = {
    ArmControllerType.FORWARD_COMMAND: "arm_controller/commands",
    ArmControllerType.JOINT_TRAJECTORY: "arm_controller/joint_trajectory",
}


def camera_names(profile: RobotProfile) -> dict[str, str]:
    """Policy key -> camera of the scene, from topics such as camera/scene/image_raw. Empty: named otherwise."""
    return {key: "".join(camera.topic.strip("/").split("/")[-2:-1]) for key, camera in profile.cameras.items()}


def other_than_simulated(profile: RobotProfile) -> str:
    """What the simulated table does not have, in words. Empty: nothing."""
    arms = ONE_ARM if len(profile.arms) == 1 else TWO_ARMS
    return next(_problems(profile, arms), "")


def _problems(profile: RobotProfile, arms: Sequence[ArmNames]) -> Iterator[str]:
    those = "those of the simulated arm" if len(arms) == 1 else "those of the simulated arms"
    joints = tuple(name for arm in arms for name in arm.joints)
    if profile.joint_names != joints:
        yield f"its joints are {', '.join(profile.joint_names)}, {those} {', '.join(joints)}"
    fingers = tuple(arm.finger for arm in arms)
    if profile.gripper_names != fingers:
        found = ", ".join(f"'{name}'" for name in profile.gripper_names) or "none"
        expected = ", ".join(f"'{name}'" for name in fingers)
        if len(arms) == 1:
            yield f"its gripper's joint is {found}, that of the simulated arm {expected}"
        yield f"its grippers' joints are {found}, {those} {expected}"
    # The joints of several arms of this make have the same names. Their fingers tell them apart.
    for gripper in profile.grippers:
        if not np.allclose((gripper.closed, gripper.open), (GRIPPER_CLOSED, GRIPPER_OPEN), atol=_SAME_FINGER):
            yield (
                f"its finger goes from {gripper.closed:g} to {gripper.open:g} m, that of the simulated arm from "
                f"{GRIPPER_CLOSED:g} to {GRIPPER_OPEN:g} m"
            )
    cameras = cameras_of(arms)
    unknown = [name for name in camera_names(profile).values() if name not in cameras]
    if unknown:
        yield f"it has a camera '{unknown[0]}'. The scene has {', '.join(cameras)} (topic camera/NAME/image_raw)"


def unheard_topic(profile: RobotProfile) -> str:
    """A topic of a robot with two arms to which the simulated table does not listen, in words. Empty: none."""
    for name, arm, gripper in zip(TWO_ARMS, profile.arms, profile.grippers, strict=True):
        wanted = name.prefix + _COMMANDS[arm.controller.type]
        if arm.controller.topic != wanted:
            return f"{arm.controller_field}.topic is '{arm.controller.topic}', that of the simulated arm '{wanted}'"
        wanted = f"{name.prefix}gripper_controller/commands"
        if gripper.controller is not None and gripper.controller.topic != wanted:
            return f"{gripper.controller_field}.topic is '{gripper.controller.topic}', that of the table '{wanted}'"
    return ""
