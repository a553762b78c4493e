"""The contract of a policy that is taught a dataset, and whether a checkpoint agrees with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hume_core.action_spaces import ActionSpace, ArmGroup
from hume_core.errors import ConfigError
from hume_core.policy_contract import ContractArm, ContractGripper, PolicyContract
from hume_core.texts import shown
from hume_training.data.row_layout import ArmColumns, GripperColumn
from hume_training.data.taught_rows import TaughtRows

_SAME = 1e-6
_COMPARED = ("dt", "arms", "grippers", "row", "state")


def dataset_contract(rows: TaughtRows) -> PolicyContract:
    """What a policy that learns these rows takes and emits."""
    layout = rows.layout
    return PolicyContract(
        dt=1.0 / rows.data.fps,
        arms=tuple(_arm(arm, rows.space) for arm in layout.arms),
        grippers=tuple(_gripper(gripper) for gripper in layout.grippers),
        row=tuple(group.name for group in layout.groups),
        state=tuple(part.part for part in layout.state),
    )


def _arm(arm: ArmColumns, space: ActionSpace) -> ContractArm:
    """Everything is said, also what is as everywhere: what a contract leaves out is the robot profile's."""
    written = space.conventions
    said = {"reference": written.reference, "response": written.response, "unit": written.joint_units.unit}
    useful = {field: value for field, value in said.items() if field in space.written_with}
    return ContractArm.of(ArmGroup(arm.name, arm.joints, space)).model_copy(update=useful)


def _gripper(gripper: GripperColumn) -> ContractGripper:
    return ContractGripper(name=gripper.name, closed=gripper.closed, open=gripper.open)


def check_same_meaning(checkpoint: PolicyContract, training: PolicyContract, where: str = "the checkpoint") -> None:
    """Refuse to go on with a checkpoint whose numbers mean something else than those of the training.

    Raises:
        ConfigError: names every difference.
    """
    theirs, mine = (contract.model_dump(mode="json") for contract in (checkpoint, training))
    found = [line for name in _COMPARED for line in _differences(name, theirs[name], mine[name])]
    if found:
        raise ConfigError(". ".join(found) + f". Valid: {where} of the same meaning, or another dataset or field")


def _differences(name: str, theirs: Any, mine: Any) -> list[str]:
    """What differs, a line each. What one side does not know is no difference."""
    if theirs is None or mine is None or theirs == mine:
        return []
    if isinstance(theirs, Mapping) and isinstance(mine, Mapping):
        label = theirs.get("name", "")
        return [line for key in theirs for line in _differences(_label(name, label, key), theirs[key], mine.get(key))]
    if isinstance(theirs, float) and isinstance(mine, float) and abs(theirs - mine) <= _SAME * max(abs(theirs), 1.0):
        return []
    same_length = isinstance(theirs, list) and isinstance(mine, list) and len(theirs) == len(mine)
    if same_length and theirs and isinstance(theirs[0], Mapping):
        pairs = zip(theirs, mine, strict=True)
        return [line for one, other in pairs for line in _differences(name, one, other)]
    said, wanted = (_said(name, value) for value in (theirs, mine))
    return [f"{name} is {wanted} in this training. The checkpoint was trained with {said}"]


def _label(name: str, label: str, key: str) -> str:
    """A field as a training's configuration calls it."""
    if name == "arms":
        return {"space": "action_space", "name": "name of the arm"}.get(key, key)
    return f"{key} of gripper '{label}'" if name == "grippers" else f"{name}.{key}"


def _said(name: str, value: Any) -> str:
    if name == "dt":
        return f"{value:.6g} s"
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return shown([part.get("name") for part in value])
    return str(value) if isinstance(value, str) else shown(value)


def check_run(folder: Path, contract: PolicyContract) -> None:
    """Refuse to resume a run whose checkpoint was written for numbers of another meaning.

    Raises:
        ConfigError: names every difference.
        ContractError: its contract is damaged.
    """
    written = PolicyContract.load(folder / "checkpoint")
    if written is not None:
        check_same_meaning(written, contract, f"{folder}")
