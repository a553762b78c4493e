"""Where a policy's tool frame and world frame are."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator

from hume_core.field_types import Finite
from hume_core.kinematics.rotation import Pose
from hume_core.sections import Section

_ORTHONORMAL = 1e-4
_Three = tuple[Finite, Finite, Finite]


def _a_rotation(rows: tuple[_Three, _Three, _Three]) -> tuple[_Three, _Three, _Three]:
    matrix = np.array(rows)
    if np.abs(matrix @ matrix.T - np.eye(3)).max() > _ORTHONORMAL or np.linalg.det(matrix) < 0.0:
        raise ValueError("must be a rotation matrix: three rows of three numbers, orthonormal and right-handed")
    return rows


RotationMatrix = Annotated[tuple[_Three, _Three, _Three], AfterValidator(_a_rotation)]
"""Three rows."""
IDENTITY: tuple[_Three, _Three, _Three] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


class Placement(Section):
    """A frame seen from another one.

    Attributes:
        translation: m.
        rotation: matrix, by rows.
    """

    translation: _Three = (0.0, 0.0, 0.0)
    rotation: RotationMatrix = IDENTITY

    @property
    def is_plain(self) -> bool:
        """Whether the two frames are the same."""
        return self.translation == (0.0, 0.0, 0.0) and self.rotation == IDENTITY

    def pose(self) -> Pose:
        """As arrays."""
        return Pose(np.array(self.translation), np.array(self.rotation))


class ToolFrame(Section):
    """How the policy sees the tool that the profile's kinematics give.

    Attributes:
        base: the profile's `base_link` in the policy's world frame.
        offset: the policy's tool frame seen from the profile's `tool_link`. Its translation goes along the tool's axes.
    """

    base: Placement = Placement()
    offset: Placement = Placement()

    def seen(self, tool: Pose) -> Pose:
        """The policy's tool in its world frame, of the pose of `tool_link` in `base_link`."""
        return _chained(_chained(self.base.pose(), tool), self.offset.pose())


def _chained(outer: Pose, inner: Pose) -> Pose:
    return Pose(outer.position + outer.rotation @ inner.position, outer.rotation @ inner.rotation)


def as_matrix(rows: tuple[_Three, _Three, _Three]) -> NDArray[np.float64]:
    """(3, 3) of rows."""
    return np.array(rows)
