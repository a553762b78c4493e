"""What a checkpoint's numbers mean, in `policy_contract.json` beside its `config.json`.

`config.json` has the released layout and says only how many numbers there are. Units: m, rad, s.
"""

from hume_core.policy_contract.arm import ContractArm, ContractGripper
from hume_core.policy_contract.contract import CONTRACT_FILE, PolicyContract

__all__ = ["CONTRACT_FILE", "ContractArm", "ContractGripper", "PolicyContract"]
