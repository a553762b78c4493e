"""What a list of state parts needs of a robot."""

from __future__ import annotations

from collections.abc import Sequence

from hume_core.state.kinds import StateField
from hume_core.state.parts import GripperPart, JointPart, StatePart, ToolPositionPart, ToolRotationPart


def column_names(parts: Sequence[StatePart], joints: Sequence[str], grippers: Sequence[str]) -> tuple[str, ...]:
    """Names of the numbers of `observation.state`, in order."""
    return tuple(name for part in parts for name in part.names(joints, grippers))


def has_field(parts: Sequence[StatePart], field: StateField) -> bool:
    """Whether a part of that kind is among them."""
    return any(part.field is field for part in parts)


def needs_tool(parts: Sequence[StatePart]) -> bool:
    """Whether one is about the tool, which wants forward kinematics."""
    return any(part.needs_tool for part in parts)


def wanted_tools(parts: Sequence[StatePart], arms: Sequence[str]) -> tuple[str, ...]:
    """Arms whose tools parts are about, in the robot's order.

    Args:
        parts: of the state, as of `tools_named`.
        arms: names of all arms of the robot.
    """
    named = {part.arm for part in parts if isinstance(part, ToolPositionPart | ToolRotationPart)}
    return tuple(name for name in arms if name in named or (None in named and len(arms) == 1))


def tools_named(parts: Sequence[StatePart], arms: Sequence[str], tools: Sequence[str]) -> tuple[StatePart, ...]:
    """The same state, in which each part about a tool says whose, where a robot has several arms.

    Args:
        parts: of the state.
        arms: names of all arms. With one, the parts need not say whose tool it is, and do not.
        tools: names of the arms with a tool. A part that leaves out the arm becomes one for each.
    """
    found: list[StatePart] = []
    for part in parts:
        if not isinstance(part, ToolPositionPart | ToolRotationPart):
            found.append(part)
        elif len(arms) == 1:
            found.append(part.model_copy(update={"arm": None}) if part.arm in arms else part)
        elif part.arm is None and tools:
            found += [part.model_copy(update={"arm": name}) for name in tools]
        else:
            found.append(part)
    return tuple(found)


def wanted_grippers(parts: Sequence[StatePart], grippers: Sequence[str]) -> tuple[str, ...]:
    """Joints of the grippers that parts are about, in the robot's order.

    Args:
        parts: of the state.
        grippers: joints of all grippers of the robot.
    """
    named = {name for part in parts if isinstance(part, GripperPart) for name in part.joints or grippers}
    return tuple(name for name in grippers if name in named)


def missing_for(
    parts: Sequence[StatePart],
    joints: Sequence[str],
    grippers: Sequence[str],
    tools: Sequence[str],
    section: str = "kinematics",
) -> list[str]:
    """What a robot lacks to give every part, a line each.

    Args:
        parts: wanted.
        joints: of the robot's arms.
        grippers: joints of its grippers.
        tools: names of the arms whose tool is known.
        section: of the profile, which makes the tool of an arm known.
    """
    found = [line for i, part in enumerate(parts) for line in _lacking(i, part, joints, grippers, tools)]
    if has_field(parts, StateField.GRIPPER) and not grippers:
        found.append("state lists 'gripper' but the profile has no gripper section")
    if needs_tool(parts) and not tools:
        word = next(part.field.value for part in parts if part.needs_tool)
        found.append(
            f"state lists '{word}', which needs forward kinematics. Add the section {section}: "
            "{base_link: ..., tool_link: ..., urdf: ...}"
        )
    return found


def _lacking(
    i: int, part: StatePart, joints: Sequence[str], grippers: Sequence[str], tools: Sequence[str]
) -> list[str]:
    """What is wrong with the i-th part's joints, gripper or arm."""
    if isinstance(part, JointPart):
        return _joints(i, part, joints)
    if isinstance(part, ToolPositionPart | ToolRotationPart) and tools and part.arm not in (None, *tools):
        return [f"state.{i} names arm '{part.arm}'. Arms with a tool (section kinematics): {', '.join(tools)}"]
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
