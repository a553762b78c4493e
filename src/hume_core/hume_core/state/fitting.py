"""What a list of state parts needs of a robot."""

from __future__ import annotations

from collections.abc import Sequence

from hume_core.state.kinds import StateField
from hume_core.state.parts import GripperPart, JointPart, StatePart


def column_names(parts: Sequence[StatePart], joints: Sequence[str], grippers: Sequence[str]) -> tuple[str, ...]:
    """Names of the numbers of `observation.state`, in order."""
    return tuple(name for part in parts for name in part.names(joints, grippers))


def has_field(parts: Sequence[StatePart], field: StateField) -> bool:
    """Whether a part of that kind is among them."""
    return any(part.field is field for part in parts)


def needs_tool(parts: Sequence[StatePart]) -> bool:
    """Whether one is about the tool, which wants forward kinematics."""
    return any(part.needs_tool for part in parts)


def wanted_grippers(parts: Sequence[StatePart], grippers: Sequence[str]) -> tuple[str, ...]:
    """Joints of the grippers that parts are about, in the robot's order.

    Args:
        parts: of the state.
        grippers: joints of all grippers of the robot.
    """
    named = {name for part in parts if isinstance(part, GripperPart) for name in part.joints or grippers}
    return tuple(name for name in grippers if name in named)


def missing_for(
    parts: Sequence[StatePart], joints: Sequence[str], grippers: Sequence[str], kinematics: bool
) -> list[str]:
    """What a robot lacks to give every part, a line each.

    Args:
        parts: wanted.
        joints: of the robot's arms.
        grippers: joints of its grippers.
        kinematics: whether its profile has the section.
    """
    found = [line for i, part in enumerate(parts) for line in _lacking(i, part, joints, grippers)]
    if has_field(parts, StateField.GRIPPER) and not grippers:
        found.append("state lists 'gripper' but the profile has no gripper section")
    if needs_tool(parts) and not kinematics:
        word = next(part.field.value for part in parts if part.needs_tool)
        found.append(
            f"state lists '{word}', which needs forward kinematics. Add the section "
            "kinematics: {base_link: ..., tool_link: ..., urdf: ...}"
        )
    return found


def _lacking(i: int, part: StatePart, joints: Sequence[str], grippers: Sequence[str]) -> list[str]:
    """What is wrong with the i-th part's joints."""
    if isinstance(part, JointPart):
        return _joints(i, part, joints)
    if not isinstance(part, GripperPart) or not grippers:
        return []
    lacking = [name for name in part.joints or () if name not in grippers]
    return [f"state.{i} names gripper '{name}'. The robot has: {', '.join(grippers)}" for name in lacking[:1]]


def _joints(i: int, part: JointPart, joints: Sequence[str]) -> list[str]:
    """What is wrong with the i-th part's joints."""
    lacking = [name for name in part.joints or () if name not in joints]
    if lacking:
        return [f"state.{i} names joint '{lacking[0]}'. The arm has: {', '.join(joints)}"]
    wanted = len(part.joints or joints)
    for name in ("sign", "offset"):
        given = getattr(part, name)
        if given is not None and len(given) != wanted:
            return [f"state.{i} has {len(given)} numbers in {name} for {wanted} joints"]
    return []
