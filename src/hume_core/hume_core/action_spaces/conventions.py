"""How action rows about the tool are written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ActionSpaceError
from hume_core.kinematics.rotation import (
    rotation_from_rpy,
    rotation_from_vector,
    rotation_to_rpy,
    rotation_to_vector,
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

    def numbers(self, rotation: NDArray[np.float64]) -> NDArray[np.float64]:
        """The three numbers of a (3, 3) rotation matrix; the inverse of `matrix`."""
        return rotation_to_rpy(rotation) if self is RotationFormat.RPY else rotation_to_vector(rotation)


@dataclass(frozen=True)
class Conventions:
    """How the six numbers of an end-effector row are written.

    Attributes:
        frame: axes of `ee_delta`; `ee_pose` is always in the base frame.
        rotation: format of the last three numbers.
        scale: (6,) what the policy's numbers are multiplied by to give m and rad.

    Raises:
        ActionSpaceError: the scale has not six positive numbers.
    """

    frame: DeltaFrame = DeltaFrame.BASE
    rotation: RotationFormat = RotationFormat.ROTATION_VECTOR
    scale: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)

    @classmethod
    def given(
        cls, frame: DeltaFrame | None, rotation: RotationFormat | None, scale: tuple[float, ...] | None
    ) -> Conventions:
        """With the defaults in the place of None."""
        plain = cls()
        return cls(frame or plain.frame, rotation or plain.rotation, scale or plain.scale)

    def __post_init__(self) -> None:
        if len(self.scale) != 6 or not all(0.0 < factor < np.inf for factor in self.scale):
            raise ActionSpaceError(f"scale is {list(self.scale)}; it must be six positive numbers")
