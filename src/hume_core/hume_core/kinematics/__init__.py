"""Kinematics of an arm: tool poses, and inverse kinematics within limits.

Importing this needs numpy only. Pinocchio is imported when an `ArmModel` is built.
"""

from collections.abc import Mapping

from hume_core.kinematics.description import read_urdf
from hume_core.kinematics.model import ArmModel
from hume_core.kinematics.rotation import Pose
from hume_core.kinematics.solver import Kinematics, KinematicsOptions, Reach, Solution

ArmsKinematics = Kinematics | Mapping[str, Kinematics]
"""Of the only arm, or of several by their names. Arms whose rows are about joints may be left out."""

__all__ = ["ArmModel", "ArmsKinematics", "Kinematics", "KinematicsOptions", "Pose", "Reach", "Solution", "read_urdf"]
