"""The checkpoint that is used where none is named and no real arm moves.

    python -m hume_training.default_checkpoint wx250s_pair_sim

makes a small one with random weights for a robot, and prints its folder.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from hume_core.action_spaces import ActionSpace, GripperGroup
from hume_core.cache_folder import cache_folder
from hume_core.errors import ActionSpaceError, CheckpointError, ConfigError, HumeError
from hume_core.policy_contract import PolicyContract
from hume_core.robot import RobotProfile
from hume_core.state_composer import StateComposer
from hume_sim.scene import FRAGILE, PILLAR, PLAIN
from hume_sim.suites import find_suite

_SHIPPED = {"wx250s_sim": {PLAIN: "wx250s_tabletop", FRAGILE: "wx250s_tabletop", PILLAR: "wx250s_detour"}}
"""Robot -> kind of scene -> trained checkpoint in hume_training/checkpoints."""

_PRESET = "small"
_SEED = 0
_SYSTEM1_STEPS = 5  # Euler steps. Ten take 17 ms on one core, too long beside a simulator on two
_SPREAD = 0.05  # rad. Random actions then stay clear of the table
_TWIST = (0.002,) * 3 + (0.01,) * 3  # m and rad per action step


def default_checkpoint(robot: str | Path | RobotProfile = "wx250s_sim", suite: str = "") -> Path:
    """The trained checkpoint that ships for a robot, or where none fits its profile, `random_checkpoint`.

    Args:
        robot: name or path of its profile, or the profile.
        suite: whose scenes the simulator shows. Empty: plain ones.

    Returns:
        The checkpoint folder.

    Raises:
        ConfigError: unknown suite.
    """
    profile = _profile(robot)
    shipped = _SHIPPED.get(profile.name)
    if shipped is None:
        return random_checkpoint(profile)
    folder = shipped_checkpoint(shipped[find_suite(suite).scene if suite else PLAIN])
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


def _actions(profile: RobotProfile) -> tuple[list[float], list[float]]:
    """Mean and spread of an action row: arms near home or hardly moving, grippers half open.

    Raises:
        ConfigError: poses have no mean that suits every arm.
    """
    homes = {arm.name: arm.home for arm in profile.arms}
    halves = {part.joint: 0.5 * (part.policy_closed + part.policy_open) for part in profile.grippers}
    mean: list[float] = []
    spread: list[float] = []
    for group in profile.action_layout().groups:
        if isinstance(group, GripperGroup):
            mean.append(halves[group.name])
            spread.append(0.3)
            continue
        mean += _resting_row(profile, group.space, homes[group.name])
        spread += group.space.row_spread(len(group.joints), _SPREAD, _TWIST).tolist()
    return mean, spread


def _resting_row(profile: RobotProfile, space: ActionSpace, home: Sequence[float]) -> list[float]:
    try:
        row: list[float] = space.resting_row(np.array(home)).tolist()
    except ActionSpaceError as error:
        raise ConfigError(
            f"there is no small checkpoint for action space '{space.name}' of robot '{profile.name}'. Name a checkpoint"
        ) from error
    return row


def _state(profile: RobotProfile) -> tuple[list[float], list[float]]:
    """Mean and spread of the state: arms at home, grippers half open."""
    halves = [0.5 * (gripper.closed + gripper.open) for gripper in profile.grippers]
    if len(profile.arms) == 1 and not profile.seen_tools:
        spread = np.resize([*([_SPREAD] * len(profile.joints)), 0.01], profile.state_dim)
        return [*profile.home, *halves], spread.tolist()
    composer = StateComposer.of(profile)
    wanted = [half for half, name in zip(halves, profile.gripper_names, strict=True) if name in composer.gripper_names]
    mean = composer.compose(np.array(profile.home), np.zeros(len(profile.joints)), wanted)
    return mean.tolist(), [part.spread() for part in profile.state for _ in range(composer.size_of(part))]


def _create(folder: Path, profile: RobotProfile) -> None:
    """Write the checkpoint, centred on the home pose so that random actions stay near it."""
    from hume_training.initialize import create_checkpoint

    (state_mean, state_std), (action_mean, action_std) = _state(profile), _actions(profile)
    temporary = folder.with_name(folder.name + f".{os.getpid()}")
    create_checkpoint(
        temporary,
        _PRESET,
        _SEED,
        cameras=tuple(profile.cameras),
        state_dim=profile.state_dim,
        action_dim=profile.action_dim,
        state_mean=state_mean,
        state_std=state_std,
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a random checkpoint and print its folder. 2: the robot is wrong.

    Args:
        arguments: of the command line. None: those of the process.
    """
    parser = argparse.ArgumentParser(description="Make a small checkpoint with random weights. Prints its folder.")
    parser.add_argument("robot", help="robot profile: a name or the path of a YAML file")
    try:
        print(random_checkpoint(parser.parse_args(arguments).robot))
    except HumeError as error:
        print(f"hume: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
