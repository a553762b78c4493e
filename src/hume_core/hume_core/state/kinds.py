"""The words for parts of `observation.state` and for how they are written."""

from __future__ import annotations

from enum import Enum


class StateField(str, Enum):
    """Parts that `observation.state` can be put together from, in the order listed."""

    JOINT_POSITIONS = "joint_positions"
    JOINT_VELOCITIES = "joint_velocities"
    TOOL_POSITION = "tool_position"
    TOOL_ROTATION = "tool_rotation"
    GRIPPER = "gripper"
    PADDING = "padding"


class ToolRotationFormat(str, Enum):
    """How numbers give the tool's rotation."""

    ROTATION_VECTOR = "rotation_vector"
    """Axis times angle, rad."""
    ROLL_PITCH_YAW = "roll_pitch_yaw"
    """About the fixed axes x, y, z, rad (REP 103)."""
    QUATERNION_XYZW = "quaternion_xyzw"
    QUATERNION_WXYZ = "quaternion_wxyz"
    ROTATION_6D = "rotation_6d"
    """The first two columns of the rotation matrix (Zhou et al., 2019)."""
    ROTATION_6D_ROWS = "rotation_6d_rows"
    """The first two rows of the rotation matrix, as PyTorch3D writes it."""


class Branch(str, Enum):
    """Which of the two quaternions of a rotation is meant, and with it which rotation vector."""

    SHORTEST = "shortest"
    """qw >= 0: the angle lies in [0, pi]."""
    POSITIVE_QX = "positive_qx"
    """qx > 0: the angle lies in [0, 2 pi], and the vector does not jump where the tool points down."""


class GripperForm(str, Enum):
    """How numbers give a gripper's state."""

    POSITION = "position"
    """Of its joint, m or rad."""
    OPENING = "opening"
    """0 closed .. 1 open."""
    CLOSEDNESS = "closedness"
    """0 open .. 1 closed."""
    PERCENT = "percent"
    """0 closed .. 100 open."""
    FINGERS = "fingers"
    """The positions of two fingers that move against each other, [+q, -q], m."""
