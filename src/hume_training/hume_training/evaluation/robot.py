"""Which robot an evaluation plays: the simulated arm, with action rows as the checkpoint writes them."""

from __future__ import annotations

import numpy as np

from hume_core.checkpoint import CheckpointReader, resolve_folder
from hume_core.config import HumeConfig
from hume_core.errors import ContractError, HumeError, RobotProfileError
from hume_core.policy_contract import CONTRACT_FILE, PolicyContract, find_contract, fitted_robot
from hume_core.robot import RobotProfile, known_profiles
from hume_sim.arm import ARM_JOINTS, FINGER_JOINT, GRIPPER_CLOSED, GRIPPER_OPEN
from hume_sim.rendering import CAMERAS
from hume_training.evaluation.arm import camera_names

_OPTION = "--action-space"
_SAME_FINGER = 0.003  # m


def checked_robot(checkpoint: str, robot: str, action_space: str = "", contract: str = "") -> RobotProfile:
    """The robot that a checkpoint is judged on. Everything is checked but the weights' content, which is not read.

    Args:
        checkpoint: folder or hub name.
        robot: name of a profile, or a path.
        action_space: what the rows mean, for checkpoints that do not say it. Empty: not given.
        contract: name or path of what the numbers mean. Empty: the checkpoint's own.

    Raises:
        CheckpointError: there is no such checkpoint, or it does not fit the robot.
        ConfigError: its `config.json` is wrong.
        ContractError: its contract is damaged or not for this robot. Or neither it nor the caller says what rows mean.
        RobotProfileError: the robot is unknown or no simulated one.
    """
    profile = simulated_robot(robot)
    folder = resolve_folder(checkpoint)
    config, found = HumeConfig.load(folder / "config.json"), find_contract(checkpoint, folder, contract)
    CheckpointReader(folder)
    profile = robot_for(found, profile, action_space)
    return fitted_robot(config, found or PolicyContract.of(profile), profile, checkpoint)


def robot_for(contract: PolicyContract | None, profile: RobotProfile, action_space: str = "") -> RobotProfile:
    """The robot with the action rows of a checkpoint.

    Args:
        contract: of the checkpoint. None: it has none.
        profile: the robot.
        action_space: what the rows mean where there is no contract. Empty: not given.

    Raises:
        ContractError: nobody says what the rows mean, or the two contradict each other.
        ActionSpaceError: unknown space. Lists the valid ones.
        RobotProfileError: the profile lacks kinematics that the space needs.
    """
    if contract is None:
        if not action_space:
            raise ContractError(
                f"the checkpoint has no {CONTRACT_FILE}, which says what its action rows mean. Give {_OPTION}"
            )
        return profile.with_action(action_space)
    adapted = contract.adapt(profile)
    if action_space not in ("", adapted.action.space):
        raise ContractError(
            f"{CONTRACT_FILE} of the checkpoint says '{adapted.action.space}', {_OPTION} '{action_space}'. "
            f"Leave {_OPTION} out"
        )
    return adapted


def simulated_robot(robot: str) -> RobotProfile:
    """A profile whose arm, gripper and cameras are those of the simulated table.

    Raises:
        RobotProfileError: unknown profile, or one of another arm. Lists those that can be simulated.
    """
    profile = RobotProfile.load(robot)
    problem = _other_than_simulated(profile)
    if problem:
        raise RobotProfileError(
            f"robot '{profile.name}' cannot be simulated: {problem}. Robots that can: {', '.join(_simulated_names())}. "
            "A path to another profile of the simulated arm works too"
        )
    return profile


def _other_than_simulated(profile: RobotProfile) -> str:
    """What the simulated table does not have, in words. Empty: nothing."""
    if profile.joint_names != ARM_JOINTS:
        return f"its joints are {', '.join(profile.joint_names)}, those of the simulated arm {', '.join(ARM_JOINTS)}"
    gripper = profile.gripper
    if gripper is None or gripper.joint != FINGER_JOINT:
        name = "none" if gripper is None else f"'{gripper.joint}'"
        return f"its gripper's joint is {name}, that of the simulated arm '{FINGER_JOINT}'"
    # The joints of several arms of this make have the same names. Their fingers tell them apart.
    if not np.allclose((gripper.closed, gripper.open), (GRIPPER_CLOSED, GRIPPER_OPEN), atol=_SAME_FINGER):
        return (
            f"its finger goes from {gripper.closed:g} to {gripper.open:g} m, that of the simulated arm from "
            f"{GRIPPER_CLOSED:g} to {GRIPPER_OPEN:g} m"
        )
    unknown = [name for name in camera_names(profile).values() if name not in CAMERAS]
    if unknown:
        return f"it has a camera '{unknown[0]}'. The scene has {', '.join(CAMERAS)} (topic camera/NAME/image_raw)"
    return ""


def _simulated_names() -> list[str]:
    return [name for name in known_profiles() if _can_be_simulated(name)]


def _can_be_simulated(name: str) -> bool:
    try:
        return not _other_than_simulated(RobotProfile.load(name))
    except HumeError:
        return False
