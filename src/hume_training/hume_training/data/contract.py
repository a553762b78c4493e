"""What a policy trained on a dataset emits, as far as the dataset names its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from hume_core.action_spaces import ActionSpace, ArmGroup
from hume_core.errors import ConfigError
from hume_core.policy import PretrainedPolicy
from hume_core.policy_contract import ContractArm, ContractGripper, PolicyContract
from hume_core.robot_sections import StateField
from hume_core.state.parts import state_parts
from hume_training.data.demonstrations import Demonstrations

_ARM = "arm"


def dataset_contract(data: Demonstrations, space: ActionSpace, joints: int) -> PolicyContract | None:
    """The contract of a policy that learns from a dataset of one arm and at most one gripper.

    Args:
        data: its names say which joints the numbers belong to.
        space: what the policy's rows shall mean.
        joints: number of arm joints n.

    Returns:
        None where the dataset does not name its numbers, or they are not joints and a gripper.
    """
    arm, rest = data.action_names[:joints], data.action_names[joints:]
    parts = _state_parts(data.state_names, arm)
    if len(arm) < joints or len(rest) > 1 or parts is None:
        return None
    state, fingers = parts
    if len(fingers) > len(rest):
        return None
    # Actions call the gripper by what it is, states by its joint.
    grippers = tuple(ContractGripper(name=name) for name in fingers or rest)
    return PolicyContract(
        dt=1.0 / data.fps,
        arms=(ContractArm.of(ArmGroup(_ARM, arm, space)),),
        grippers=grippers,
        row=(_ARM, *(gripper.name for gripper in grippers)),
        state=state_parts(state),
    )


def keep_contract(policy: PretrainedPolicy, data: Demonstrations, space: ActionSpace, joints: int) -> None:
    """Let the checkpoint that a training writes say what its numbers mean.

    A checkpoint that says so already must agree with the training.

    Raises:
        ConfigError: it has another action space, number of joints or time step.
    """
    contract = policy.contract
    if contract is None:
        policy.contract = dataset_contract(data, space, joints)
        return
    layout = contract.layout()
    for what, said, wanted in (
        ("action_space", layout.action_space, space.name),
        ("joints", len(layout.joint_names), joints),
        ("dt", f"{contract.dt:.6g} s", f"{1.0 / data.fps:.6g} s"),
    ):
        if said != wanted:
            raise ConfigError(f"{what} is {wanted} in this training; the checkpoint was trained with {said}")


def _state_parts(names: Sequence[str], arm: Sequence[str]) -> tuple[tuple[StateField, ...], tuple[str, ...]] | None:
    """The fields that a state consists of and the joints of its grippers; None where it is something else."""
    fields, fingers, left = [], [], list(names)
    whole = {
        StateField.JOINT_POSITIONS: list(arm),
        StateField.JOINT_VELOCITIES: [f"{name}_velocity" for name in arm],
    }
    while left:
        field = next((kind for kind, found in whole.items() if arm and left[: len(arm)] == found), StateField.GRIPPER)
        size = len(whole.get(field, [""]))
        if field is StateField.GRIPPER:
            fingers += left[:size]
        fields.append(field)
        left = left[size:]
    return (tuple(fields), tuple(fingers)) if fields and len(fingers) <= 1 else None
