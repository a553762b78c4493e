"""Action spaces: what the numbers of an action row mean."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ActionSpaceError


class ActionSpace(str, Enum):
    """What the arm part of an action row holds; a gripper number may follow it.

    Relative spaces are anchored at the robot state of the observation that was thought about: `joint_delta` row by row,
    `ee_delta` by its first row.
    """

    JOINT_POSITION = "joint_position"
    """Joint positions, rad."""
    JOINT_DELTA = "joint_delta"
    """Joint positions minus the joint positions at the observation, rad."""
    EE_DELTA = "ee_delta"
    """End-effector displacement from the row before: translation (m) and rotation (rad), 6 numbers."""
    EE_POSE = "ee_pose"
    """End-effector pose in the base frame: position (m) and rotation (rad), 6 numbers."""

    @property
    def end_effector(self) -> bool:
        """Whether rows are about the tool, so that inverse kinematics is needed."""
        return self in (ActionSpace.EE_DELTA, ActionSpace.EE_POSE)

    def arm_dim(self, num_joints: int) -> int:
        """How many numbers of a row belong to the arm."""
        return 6 if self.end_effector else num_joints


class DeltaFrame(str, Enum):
    """The axes in which an `ee_delta` row is given. In both the tool turns about its own origin."""

    BASE = "base"
    """Axes of the base link, as in LIBERO (robosuite's OSC_POSE) and BridgeData V2."""
    TOOL = "tool"
    """Axes of the tool itself."""


class RotationFormat(str, Enum):
    """How three numbers give a rotation."""

    ROTATION_VECTOR = "rotation_vector"
    """Axis times angle, rad."""
    RPY = "rpy"
    """Roll, pitch, yaw about fixed axes, rad (REP 103)."""


def parse_action_space(name: str) -> ActionSpace:
    """The action space called `name`.

    Raises:
        ActionSpaceError: unknown name; lists the valid ones.
    """
    try:
        return ActionSpace(name)
    except ValueError:
        valid = ", ".join(space.value for space in ActionSpace)
        raise ActionSpaceError(f"action space '{name}' is unknown; valid: {valid}") from None


def joint_targets(space: ActionSpace, rows: NDArray[np.float64], anchor: NDArray[np.float64]) -> NDArray[np.float64]:
    """Absolute joint positions of action rows in a joint space; `hume_core.kinematics.ChunkPath` does the others.

    Args:
        space: meaning of the rows.
        rows: (k, a) actions in real units; the first n columns are the arm's.
        anchor: (n,) joint positions at the observation that was thought about, rad.

    Returns:
        (k, n) joint positions, rad.

    Raises:
        ActionSpaceError: the space needs inverse kinematics, or the rows are too narrow.
    """
    n = len(anchor)
    if space.end_effector:
        raise ActionSpaceError(
            f"action space '{space.value}' needs inverse kinematics (hume_core.kinematics.ChunkPath); valid here: "
            "joint_position, joint_delta"
        )
    if rows.ndim != 2 or rows.shape[1] < n:
        raise ActionSpaceError(f"action rows have shape {rows.shape}; {n} joints need at least (k, {n})")
    arm = rows[:, :n]
    return arm + anchor if space is ActionSpace.JOINT_DELTA else arm.copy()
