"""Action spaces: what the numbers of an action row mean, and how they become joint positions and back.

`ACTION_SPACES` holds every space there is, `ActionLayout` how a row is split among arms and grippers.
"""

from hume_core.action_spaces.base import ActionPath, ActionSpace, Motion, SegmentTargets
from hume_core.action_spaces.conventions import Conventions, DeltaFrame, RotationFormat
from hume_core.action_spaces.ee_delta import EeDelta
from hume_core.action_spaces.ee_pose import EePose
from hume_core.action_spaces.joint_delta import JointDelta
from hume_core.action_spaces.joint_position import JointPosition
from hume_core.action_spaces.joint_units import AngleUnit, JointUnits
from hume_core.action_spaces.layout import ActionLayout, ArmGroup, GripperGroup, LayoutPath
from hume_core.action_spaces.layout_targets import LayoutTargets
from hume_core.action_spaces.registry import ACTION_SPACES, check_described_spaces, find_action_space
from hume_core.action_spaces.response import Exact, FirstOrder, OperationalSpace, Reference
from hume_core.action_spaces.simulated_arm import ROBOSUITE_PANDA, SIMULATED_ARMS, SimulatedArm

__all__ = [
    "ACTION_SPACES", "ROBOSUITE_PANDA", "SIMULATED_ARMS", "ActionLayout", "ActionPath", "ActionSpace", "AngleUnit",
    "ArmGroup", "Conventions", "DeltaFrame", "EeDelta", "EePose", "Exact", "FirstOrder", "GripperGroup", "JointDelta",
    "JointPosition", "JointUnits", "LayoutPath", "LayoutTargets", "Motion", "OperationalSpace", "Reference",
    "RotationFormat", "SegmentTargets", "SimulatedArm", "check_described_spaces", "find_action_space",
]  # fmt: skip
