"""What a checkpoint's state needs of a robot."""

from __future__ import annotations

from collections.abc import Sequence

from hume_core.robot import RobotProfile
from hume_core.state.kinds import StateField
from hume_core.state.parts import GripperPart, StatePart


def state_problems(state: Sequence[StatePart], profile: RobotProfile) -> list[str]:
    """What a robot cannot give of a state, a line each."""
    return profile.lacking(state)


def names_joints(state: Sequence[StatePart]) -> bool:
    """Whether a state says something of single joints, so that it belongs to one make of arm."""
    return any(
        part.field in (StateField.JOINT_POSITIONS, StateField.JOINT_VELOCITIES)
        or (isinstance(part, GripperPart) and part.joints is not None)
        for part in state
    )
