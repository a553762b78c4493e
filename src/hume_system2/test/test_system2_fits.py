"""Whether a checkpoint was made for a robot: by its contract, and by the sizes where it has none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from hume_core.errors import CheckpointError, ContractError
from hume_core.policy_contract import PolicyContract
from hume_core.robot import RobotProfile
from hume_system2.thinker import check_fits

PROFILE = RobotProfile.load("wx250s_sim")


def system2(state: int = 7, action: int = 7, contract: PolicyContract | None = None) -> Any:
    return SimpleNamespace(config=SimpleNamespace(state_dim=state, action_dim=action), contract=contract)


def test_without_a_contract_the_sizes_are_compared() -> None:
    check_fits(system2(), PROFILE)
    check_fits(system2(), PROFILE.with_action("joint_position", dt=1.0))
    with pytest.raises(CheckpointError, match="checkpoint's action has 6 numbers but robot 'wx250s_sim' gives 7"):
        check_fits(system2(action=6), PROFILE)


def test_with_a_contract_every_field_is_compared() -> None:
    contract = PolicyContract.of(PROFILE)
    check_fits(system2(contract=contract), PROFILE)
    for space in ("joint_position", "ee_delta", "ee_pose"):
        with pytest.raises(ContractError, match=f"'wx250s_sim': action space: .*'joint_delta', the robot '{space}'"):
            check_fits(system2(contract=contract), PROFILE.with_action(space))
    with pytest.raises(ContractError, match=r"action space: .*; dt: the checkpoint has 0\.05 s, the robot 0\.2 s"):
        check_fits(system2(contract=contract), RobotProfile.load("wx250s"))


def test_a_contract_of_other_sizes_than_the_weights_is_refused() -> None:
    with pytest.raises(ContractError, match=r"states and actions of 7 and 7 numbers; config\.json says 8 and 7"):
        check_fits(system2(state=8, contract=PolicyContract.of(PROFILE)), PROFILE)
