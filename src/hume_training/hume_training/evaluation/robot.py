"""Which robot an evaluation plays: the simulated arm, with action rows as the checkpoint writes them."""

from __future__ import annotations

from hume_core.checkpoint import CheckpointReader, resolve_folder
from hume_core.config import HumeConfig
from hume_core.errors import ContractError, HumeError, RobotProfileError
from hume_core.policy_contract import CONTRACT_FILE, PolicyContract, find_contract, fitted_robot
from hume_core.robot import RobotProfile, known_profiles
from hume_sim.robots import other_than_simulated

_OPTION = "--action-space"


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
    problem = other_than_simulated(profile)
    if not problem and len(profile.arms) > 1:
        raise RobotProfileError(
            f"robot '{profile.name}' has {len(profile.arms)} arms, and this plays the simulated table with one: "
            f"{', '.join(_played_names())}. Both arms move in hume up sim robot:={robot}"
        )
    if problem:
        raise RobotProfileError(
            f"robot '{profile.name}' cannot be simulated: {problem}. Robots that can: "
            f"{', '.join(_played_names())}. A path to another profile of the simulated arm works too"
        )
    return profile


def _played_names() -> list[str]:
    return [name for name in known_profiles() if _is_played(name)]


def _is_played(name: str) -> bool:
    try:
        profile = RobotProfile.load(name)
        return len(profile.arms) == 1 and not other_than_simulated(profile)
    except HumeError:
        return False
