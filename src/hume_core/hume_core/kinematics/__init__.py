"""Kinematics of an arm: tool poses, inverse kinematics within limits, end-effector actions to joint positions.

Importing this needs numpy only; Pinocchio is imported when an `ArmModel` is built.
"""

from hume_core.kinematics.chunk_path import ChunkPath, SegmentTargets
from hume_core.kinematics.description import read_urdf
from hume_core.kinematics.load import end_effector_action, load_kinematics
from hume_core.kinematics.model import ArmModel
from hume_core.kinematics.rotation import Pose
from hume_core.kinematics.solver import Kinematics, KinematicsOptions, Reach, Solution
from hume_core.kinematics.targets import EndEffectorAction

__all__ = [
    "ArmModel", "ChunkPath", "EndEffectorAction", "Kinematics", "KinematicsOptions", "Pose", "Reach",
    "SegmentTargets", "Solution", "end_effector_action", "load_kinematics", "read_urdf",
]  # fmt: skip
