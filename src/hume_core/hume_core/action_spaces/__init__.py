"""Action spaces: what the numbers of an action row mean, and how they become joint positions and back.

`ACTION_SPACES` holds every space there is, `ActionLayout` how a row is split among arms and grippers.
"""

from hume_core.action_spaces.base import ActionPath, ActionSpace, SegmentTargets
from hume_core.action_spaces.conventions import Conventions, DeltaFrame, RotationFormat
from hume_core.action_spaces.ee_delta import EeDelta
from hume_core.action_spaces.ee_pose import EePose
from hume_core.action_spaces.joint_delta import JointDelta
from hume_core.action_spaces.joint_position import JointPosition
from hume_core.action_spaces.layout import ActionLayout, ArmGroup, GripperGroup, LayoutPath, LayoutTargets
from hume_core.action_spaces.registry import ACTION_SPACES, check_described_spaces, find_action_space

__all__ = [
    "ACTION_SPACES", "ActionLayout", "ActionPath", "ActionSpace", "ArmGroup", "Conventions", "DeltaFrame", "EeDelta",
    "EePose", "GripperGroup", "JointDelta", "JointPosition", "LayoutPath", "LayoutTargets", "RotationFormat",
    "SegmentTargets", "check_described_spaces", "find_action_space",
]  # fmt: skip
