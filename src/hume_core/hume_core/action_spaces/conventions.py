"""How action rows are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces.joint_units import JointUnits
from hume_core.action_spaces.response import AnyResponse, Exact, Reference
from hume_core.errors import ActionSpaceError
from hume_core.kinematics.rotation import (
    rotation_from_rpy,
    rotation_from_vector,
    rotation_to_rpy,
    rotation_to_vector,
    rotations_from_vectors,
)


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

    @property
    def column_names(self) -> tuple[str, str, str]:
        """Names of the three numbers."""
        return ("roll", "pitch", "yaw") if self is RotationFormat.RPY else ("rx", "ry", "rz")

    def matrix(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """(3, 3) rotation matrix of three numbers."""
        return rotation_from_rpy(numbers) if self is RotationFormat.RPY else rotation_from_vector(numbers)

    def matrices(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 3, 3) rotation matrices of (..., 3) numbers."""
        if self is RotationFormat.ROTATION_VECTOR:
            return rotations_from_vectors(numbers)
        x, y, z = (rotations_from_vectors(numbers[..., axis, None] * np.eye(3)[axis]) for axis in range(3))
        return np.asarray(z @ y @ x)

    def numbers(self, rotation: NDArray[np.float64]) -> NDArray[np.float64]:
        """The three numbers of a (3, 3) rotation matrix. The inverse of `matrix`."""
        return rotation_to_rpy(rotation) if self is RotationFormat.RPY else rotation_to_vector(rotation)


@dataclass(frozen=True)
class Conventions:
    """How the numbers of an action row are written.

    Attributes:
        frame: axes of `ee_delta`. `ee_pose` is always in the base frame.
        rotation: format of the last three numbers.
        scale: (6,) what the policy's numbers are multiplied by to give m and rad.
        reference: what rows of `ee_delta` are counted from.
        response: how the arm of the demonstrations followed rows of `ee_delta`.
        tool_offset: (3,) where the frame that rows are about lies in the axes of `tool_link`, m.
        tool_rotation: (3, 3) its axes in those of `tool_link`, by rows. Empty: the same.
        joint_units: how rows of joint spaces are written.

    Raises:
        ActionSpaceError: the scale has not six positive numbers, or the offset not three.
    """

    frame: DeltaFrame = DeltaFrame.BASE
    rotation: RotationFormat = RotationFormat.ROTATION_VECTOR
    scale: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    reference: Reference = Reference.PREVIOUS_ROW
    response: AnyResponse = field(default_factory=Exact)
    tool_offset: tuple[float, ...] = (0.0, 0.0, 0.0)
    tool_rotation: tuple[tuple[float, ...], ...] = ()
    joint_units: JointUnits = field(default_factory=JointUnits)

    @classmethod
    def given(cls, **fields: Any) -> Conventions:
        """With the defaults in the place of None."""
        return cls(**{name: value for name, value in fields.items() if value is not None})

    def __post_init__(self) -> None:
        if len(self.scale) != 6 or not all(0.0 < factor < np.inf for factor in self.scale):
            raise ActionSpaceError(f"scale is {list(self.scale)}. It must be six positive numbers")
        if len(self.tool_offset) != 3 or not np.isfinite(self.tool_offset).all():
            raise ActionSpaceError(f"tool_offset is {list(self.tool_offset)}. It must be three numbers, m")
