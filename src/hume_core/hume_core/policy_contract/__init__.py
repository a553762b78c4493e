"""What a checkpoint's numbers mean, in `policy_contract.json` beside its `config.json`.

`config.json` has the released layout and says only how many numbers there are. Units: m, rad, s.
"""

from hume_core.policy_contract.arm import ContractArm, ContractGripper
from hume_core.policy_contract.cameras import ContractCamera
from hume_core.policy_contract.contract import CONTRACT_FILE, PolicyContract
from hume_core.policy_contract.fitting import check_sizes, fitted_robot
from hume_core.policy_contract.library import (
    built_in_contracts,
    find_contract,
    missing_contract,
    named_contract,
    released_contract,
)

__all__ = [
    "CONTRACT_FILE", "ContractArm", "ContractCamera", "ContractGripper", "PolicyContract", "built_in_contracts",
    "check_sizes", "find_contract", "fitted_robot", "missing_contract", "named_contract", "released_contract",
]  # fmt: skip
