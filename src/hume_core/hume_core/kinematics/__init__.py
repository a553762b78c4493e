"""Kinematics of an arm: tool poses, inverse kinematics within limits, end-effector actions to joint positions.

Importing this needs numpy only; Pinocchio is imported when an `ArmModel` is built.
"""

from hume_core.kinematics.chunk_path import ChunkPath, SegmentTargets
from hume_core.kinematics.description import read_urdf
from hume_core.kinematics.model import ArmModel
from hume_core.kinematics.rotation import Pose
from hume_core.kinematics.solver import Kinematics, KinematicsOptions, Reach, Solution
from hume_core.kinematics.targets import DeltaFrame, EndEffectorAction, RotationFormat

__all__ = [
    "ArmModel", "ChunkPath", "DeltaFrame", "EndEffectorAction", "Kinematics", "KinematicsOptions", "Pose", "Reach",
    "RotationFormat", "SegmentTargets", "Solution", "read_urdf",
]  # fmt: skip
