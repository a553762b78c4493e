"""Which robot a policy drives in LIBERO: robosuite's Panda, seen as the checkpoint wants it."""

from __future__ import annotations

import numpy as np

from hume_core.checkpoint import CheckpointReader, resolve_folder
from hume_core.config import HumeConfig
from hume_core.errors import RobotProfileError
from hume_core.policy_contract import PolicyContract, find_contract, fitted_robot, named_contract
from hume_core.robot import RobotProfile
from hume_libero.arm import libero_cameras
from hume_libero.suites import LiberoSuite
from hume_training.default_checkpoint import random_checkpoint
from hume_training.evaluation.robot import robot_for

ROBOT = "franka_panda"
_JOINTS = 7
_OSC_SCALE = (0.05, 0.05, 0.05, 0.5, 0.5, 0.5)


def stand_in(suite: LiberoSuite) -> str:
    """A checkpoint of random weights that fits a suite: it shows that everything runs, and succeeds never."""
    contract = named_contract(suite.contract or "libero_goal")
    return str(random_checkpoint(contract.adapt(RobotProfile.load(ROBOT))))


def libero_robot(checkpoint: str, robot: str, action_space: str = "", contract: str = "") -> RobotProfile:
    """The robot that a checkpoint drives. Arguments and errors as of `checked_robot` of the simulated table.

    Args:
        checkpoint: folder or hub name.
        robot: name of a profile of the Panda, or a path.
        action_space: what the rows mean, for checkpoints that do not say it. Empty: not given.
        contract: name or path of what the numbers mean. Empty: the checkpoint's own.
    """
    profile = RobotProfile.load(robot)
    gripper = profile.gripper
    if len(profile.joint_names) != _JOINTS or gripper is None:
        raise RobotProfileError(
            f"robot '{profile.name}' is no Panda: LIBERO's arm has {_JOINTS} joints and a gripper. Valid: {ROBOT}, or "
            "a path to another profile of that arm"
        )
    folder = resolve_folder(checkpoint)
    config, found = HumeConfig.load(folder / "config.json"), find_contract(checkpoint, folder, contract)
    CheckpointReader(folder)
    profile = robot_for(found, profile, action_space)
    fitted = fitted_robot(config, found or PolicyContract.of(profile), profile, checkpoint)
    libero_cameras(fitted)
    return fitted


def check_osc(profile: RobotProfile) -> None:
    """Refuse rows that OSC_POSE does not take.

    Raises:
        RobotProfileError: says what they are, and what takes them.
    """
    action = profile.action
    scale = np.ones(6) if action.scale is None else np.asarray(action.scale, dtype=np.float64)
    found = (action.space, action.frame.value, action.rotation.value)
    if found != ("ee_delta", "base", "rotation_vector") or not np.allclose(scale, _OSC_SCALE):
        raise RobotProfileError(
            f"OSC_POSE takes ee_delta rows in the base frame with rotation vectors and scale {list(_OSC_SCALE)}, the "
            f"checkpoint's are {', '.join(found)}, {scale.tolist()}. Give --control joints"
        )
