"""Whether a checkpoint and a robot fit, by what their numbers mean."""

from __future__ import annotations

from pathlib import Path

from hume_core.config import HumeConfig
from hume_core.errors import ContractError
from hume_core.policy_contract.contract import CONTRACT_FILE, PolicyContract
from hume_core.policy_contract.library import missing_contract
from hume_core.robot import RobotProfile


def check_sizes(config: HumeConfig, contract: PolicyContract) -> None:
    """Refuse a contract that belongs to another checkpoint.

    Raises:
        ContractError: it describes other sizes than the configuration.
    """
    said, found = (contract.state_dim, contract.action_dim), (config.state_dim, config.action_dim)
    if said != found:
        raise ContractError(
            f"{CONTRACT_FILE} describes states and actions of {said[0]} and {said[1]} numbers. Config.json says "
            f"{found[0]} and {found[1]}"
        )


def fitted_robot(
    config: HumeConfig, contract: PolicyContract | None, profile: RobotProfile, checkpoint: str | Path = "?"
) -> RobotProfile:
    """The robot as a checkpoint wants to see it.

    Args:
        config: of the checkpoint.
        contract: what its numbers mean. None: nobody says.
        profile: the robot.
        checkpoint: folder or hub name, for the message.

    Raises:
        ContractError: nobody says what the numbers mean, the sizes contradict each other, or the robot cannot give
            or do what is wanted. Names every field.
    """
    if contract is None:
        raise missing_contract(checkpoint)
    check_sizes(config, contract)
    differences = contract.differences(profile)
    if differences:
        raise ContractError(
            f"the checkpoint was not made for robot '{profile.name}': {'; '.join(differences)}. Choose another "
            "checkpoint or correct the profile"
        )
    return contract.seen_by(profile)
