"""The checkpoint that simulation uses when none is named."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from hume_core.robot import RobotProfile

_PRESET = "small"
_SEED = 0
_SYSTEM1_STEPS = 5  # Euler steps; ten take 17 ms on one core, too long beside a simulator on two
_SPREAD = 0.05  # rad; random actions then stay clear of the table


def default_checkpoint(robot: str = "wx250s_sim") -> Path:
    """A small checkpoint for a simulated robot: real architecture, random weights; made once and kept in the cache.

    Returns:
        The checkpoint folder.
    """
    profile = RobotProfile.load(robot)
    key = hashlib.sha256(f"{_PRESET} {_SEED} {_SYSTEM1_STEPS} {profile!r}".encode()).hexdigest()[:12]
    folder = cache_directory() / f"{_PRESET}-{profile.name}-{key}"
    if not (folder / "model.safetensors").is_file():
        _create(folder, profile)
    return folder


def cache_directory() -> Path:
    """Where checkpoints made on this machine are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hume" / "checkpoints"


def _create(folder: Path, profile: RobotProfile) -> None:
    """Write the checkpoint, centred on the home pose so that random actions stay near it."""
    from hume_training.initialize import create_checkpoint

    arm = list(profile.home)
    if profile.gripper is None:
        state_mean, action_mean = arm, arm
    else:
        middle = 0.5 * (profile.gripper.policy_closed + profile.gripper.policy_open)
        state_mean = [*arm, 0.5 * (profile.gripper.closed + profile.gripper.open)]
        action_mean = [*arm, middle]
    spread = [_SPREAD] * len(arm)
    gripper = [] if profile.gripper is None else [0.3]
    temporary = folder.with_name(folder.name + f".{os.getpid()}")
    create_checkpoint(
        temporary,
        _PRESET,
        _SEED,
        cameras=tuple(profile.cameras),
        state_dim=profile.state_dim,
        action_dim=profile.action_dim,
        state_mean=state_mean,
        state_std=np.resize([*spread, 0.01], profile.state_dim).tolist(),
        action_mean=action_mean,
        action_std=[*spread, *gripper],
        s1_num_steps=_SYSTEM1_STEPS,
    )
    try:
        temporary.rename(folder)
    except OSError:
        if not (folder / "model.safetensors").is_file():
            raise
