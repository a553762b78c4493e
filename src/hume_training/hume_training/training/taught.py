"""What a training teaches: the dataset's numbers understood, its rows in the action space, and the contract."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hume_core.action_spaces import ActionSpace, find_action_space
from hume_core.errors import ConfigError
from hume_core.kinematics import Kinematics
from hume_core.policy import PretrainedPolicy
from hume_core.policy_contract import ContractArm, PolicyContract
from hume_core.robot_errors import describe_problem
from hume_core.robot_kinematics import load_kinematics
from hume_core.texts import listed
from hume_training.data.arranged import arranged
from hume_training.data.contract import check_run, check_same_meaning, dataset_contract
from hume_training.data.deduce import deduce_layout
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.row_layout import DataLayout, Rows
from hume_training.data.taught_rows import TaughtRows
from hume_training.data.tool_check import check_tool_rows
from hume_training.training.policy_config import PolicyConfig


def taught_rows(config: PolicyConfig, data: Demonstrations, checkpoint: PolicyContract | None = None) -> TaughtRows:
    """The rows that a training teaches.

    Args:
        config: of the training.
        data: as it was read.
        checkpoint: contract of the checkpoint that the training starts from. How rows about the tool are written is
            taken from it where the configuration does not say it.

    Raises:
        DatasetError: neither names nor configuration say what the dataset's numbers are.
        ConfigError: the action space cannot be taught from them.
        RobotProfileError, KinematicsError: the robot that the configuration names lacks kinematics.
    """
    data, layout = arranged(data, deduce_layout(data, config.layout_options))
    if isinstance(config.joints, int) and config.joints != len(layout.joints):
        raise ConfigError(
            f"joints is {config.joints} in this training. The dataset has {len(layout.joints)}: {listed(layout.joints)}"
        )
    space = _space(config, layout, checkpoint)
    if layout.rows is Rows.TOOL and space.needs_kinematics:
        check_tool_rows(data, layout, space)
    return TaughtRows(data, layout, space, _kinematics(config, layout, space))


def keep_contract(policy: PretrainedPolicy, rows: TaughtRows, output: str | Path) -> None:
    """Let the checkpoint that a training writes say what its numbers mean.

    A checkpoint that says so already must agree with the training, and so must one that the run has written before.

    Raises:
        ConfigError: names every difference.
    """
    contract = dataset_contract(rows)
    check_run(Path(output), contract)
    if policy.contract is None:
        policy.contract = contract
    else:
        check_same_meaning(policy.contract, contract)


def _space(config: PolicyConfig, layout: DataLayout, checkpoint: PolicyContract | None) -> ActionSpace:
    """The action space with its conventions: the configuration's, else the checkpoint's, else the names'.

    Raises:
        ConfigError: nobody says what decides how the tool moves.
    """
    useful = find_action_space(config.action_space).written_with
    arm = None if checkpoint is None else checkpoint.arms[0]
    known: dict[str, Any] = {} if arm is None or arm.space != config.action_space else arm.model_dump(mode="json")
    named = {"rotation": layout.rotation or None, "unit": layout.unit.value}
    said = {field: getattr(config, field, None) or known.get(field) or named.get(field) for field in useful}
    if layout.rows is Rows.TOOL:
        _check_said(config.action_space, said)
    given = {field: value for field, value in said.items() if value}
    content = {"name": "arm", "joints": layout.arms[0].joints, "space": config.action_space, **given}
    try:
        return ContractArm.model_validate(content).meaning()
    except ValidationError as error:
        raise ConfigError(f"training configuration: {describe_problem(error, content, ContractArm)}") from error


def _check_said(space: str, said: Mapping[str, Any]) -> None:
    lines = {
        "rotation": "rotation: rotation_vector   # or rpy: how the last three numbers of a row turn the tool",
        "reference": "reference: measured   # each row from the pose measured at its step, as robosuite's OSC_POSE, or "
        "previous_row, or observation",
    }
    missing = [f"\n  {line}" for field, line in lines.items() if field in said and not said[field]]
    if missing:
        raise ConfigError(
            f"the dataset's action rows are about the tool, and nobody says how '{space}' is written. Write in the "
            "training's configuration:" + "".join(missing)
        )


def _kinematics(config: PolicyConfig, layout: DataLayout, space: ActionSpace) -> Kinematics | None:
    """Of the arm, where rows about the tool are made of joints."""
    if not space.needs_kinematics or layout.rows is Rows.TOOL:
        return None
    profile = config.profile
    if profile is None:
        raise ConfigError(
            f"action_space '{space.name}' of a dataset of joints needs the arm's kinematics. Write robot: NAME of a "
            "profile with the section kinematics. Where the rows are about the tool already: dataset_actions: tool"
        )
    if layout.joints != profile.joint_names:
        raise ConfigError(
            f"the dataset's joints are {listed(layout.joints)}. Robot '{profile.name}' has "
            f"{listed(profile.joint_names)}"
        )
    return load_kinematics(profile)
