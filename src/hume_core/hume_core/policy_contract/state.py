"""What a checkpoint's state needs of a robot."""

from __future__ import annotations

from collections.abc import Sequence

from hume_core.robot import RobotProfile
from hume_core.state.kinds import StateField
from hume_core.state.parts import GripperPart, StatePart
from hume_core.state.tool import ToolFrame


def state_problems(state: Sequence[StatePart], tool: ToolFrame | None, profile: RobotProfile) -> list[str]:
    """What a robot cannot give of a state, and of the frames `tool` that its poses are in, a line each."""
    found = profile.lacking(state)
    if tool is not None and len(profile.arms) > 1:
        found.append(f"tool is of one arm, and the robot has {len(profile.arms)}")
    return found


def names_joints(state: Sequence[StatePart]) -> bool:
    """Whether a state says something of single joints, so that it belongs to one make of arm."""
    return any(
        part.field in (StateField.JOINT_POSITIONS, StateField.JOINT_VELOCITIES)
        or (isinstance(part, GripperPart) and part.joints is not None)
        for part in state
    )
