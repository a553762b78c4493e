"""The checkpoint that is used where none is named and no real arm moves."""

from __future__ import annotations

import hashlib
import os
from importlib.resources import files
from pathlib import Path

import numpy as np

from hume_core.cache_folder import cache_folder
from hume_core.errors import ActionSpaceError, CheckpointError, ConfigError
from hume_core.policy_contract import PolicyContract
from hume_core.robot import RobotProfile

_SHIPPED = {"wx250s_sim": "wx250s_tabletop"}
"""Robot -> trained checkpoint in hume_training/checkpoints."""

_PRESET = "small"
_SEED = 0
_SYSTEM1_STEPS = 5  # Euler steps. Ten take 17 ms on one core, too long beside a simulator on two
_SPREAD = 0.05  # rad. Random actions then stay clear of the table
_TWIST = (0.002,) * 3 + (0.01,) * 3  # m and rad per action step


def default_checkpoint(robot: str | Path | RobotProfile = "wx250s_sim") -> Path:
    """The trained checkpoint that ships for a robot, or where none fits its profile, `random_checkpoint`.

    Args:
        robot: name or path of its profile, or the profile.

    Returns:
        The checkpoint folder.
    """
    profile = _profile(robot)
    name = _SHIPPED.get(profile.name)
    if name is None:
        return random_checkpoint(profile)
    folder = shipped_checkpoint(name)
    contract = PolicyContract.load(folder)
    # A profile of the same arm whose rows mean something else, such as motions of the tool.
    other = contract is not None and contract.differences(profile)
    return random_checkpoint(profile) if other else folder


def shipped_checkpoint(name: str) -> Path:
    """Folder of a checkpoint that is part of hume_training.

    Raises:
        CheckpointError: it is not installed.
    """
    folder = Path(str(files("hume_training"))) / "checkpoints" / name
    if not (folder / "model.safetensors").is_file():
        raise CheckpointError(f"{folder} holds no model.safetensors. Install hume_training with its package data")
    return folder


def random_checkpoint(robot: str | Path | RobotProfile = "wx250s_sim") -> Path:
    """A small checkpoint for a robot: real architecture, random weights. Made once and kept in the cache.

    Args:
        robot: name or path of its profile, or the profile, such as one `with_action` of another space.

    Returns:
        The checkpoint folder.
    """
    profile = _profile(robot)
    key = hashlib.sha256(f"{_PRESET} {_SEED} {_SYSTEM1_STEPS} {profile!r}".encode()).hexdigest()[:12]
    folder = cache_folder("checkpoints") / f"{_PRESET}-{profile.name}-{key}"
    if not (folder / "model.safetensors").is_file():
        _create(folder, profile)
    return folder


def _profile(robot: str | Path | RobotProfile) -> RobotProfile:
    return robot if isinstance(robot, RobotProfile) else RobotProfile.load(robot)


def _arm_actions(profile: RobotProfile) -> tuple[list[float], list[float]]:
    """Mean and spread of the arm's part of an action row: near home, or hardly moving.

    Raises:
        ConfigError: poses have no mean that suits every arm.
    """
    space = profile.action_space
    try:
        mean = space.resting_row(np.array(profile.home))
    except ActionSpaceError as error:
        raise ConfigError(
            f"there is no small checkpoint for action space '{space.name}' of robot '{profile.name}'. Name a checkpoint"
        ) from error
    return mean.tolist(), space.row_spread(len(profile.home), _SPREAD, _TWIST).tolist()


def _create(folder: Path, profile: RobotProfile) -> None:
    """Write the checkpoint, centred on the home pose so that random actions stay near it."""
    from hume_training.initialize import create_checkpoint

    arm = list(profile.home)
    state_mean, (action_mean, action_std) = arm, _arm_actions(profile)
    if profile.gripper is not None:
        state_mean = [*arm, 0.5 * (profile.gripper.closed + profile.gripper.open)]
        action_mean = [*action_mean, 0.5 * (profile.gripper.policy_closed + profile.gripper.policy_open)]
        action_std = [*action_std, 0.3]
    temporary = folder.with_name(folder.name + f".{os.getpid()}")
    create_checkpoint(
        temporary,
        _PRESET,
        _SEED,
        cameras=tuple(profile.cameras),
        state_dim=profile.state_dim,
        action_dim=profile.action_dim,
        state_mean=state_mean,
        state_std=np.resize([*([_SPREAD] * len(arm)), 0.01], profile.state_dim).tolist(),
        action_mean=action_mean,
        action_std=action_std,
        contract=PolicyContract.of(profile),
        s1_num_steps=_SYSTEM1_STEPS,
    )
    try:
        temporary.rename(folder)
    except OSError:
        if not (folder / "model.safetensors").is_file():
            raise
