"""What the arms' numbers of an action row mean, arm by arm, and whether the robot can take them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from hume_core.action_spaces import ActionLayout, ActionSpace, ArmGroup, GripperGroup
from hume_core.action_spaces.layout import Group
from hume_core.errors import RobotProfileError
from hume_core.kinematics import ArmsKinematics, Kinematics
from hume_core.robot_groups import Arm, Gripper, order_problems
from hume_core.robot_sections import Action
from hume_core.state.tool import Placement


def spaces_of(action: Action, arms: Sequence[Arm], tool: Placement | None) -> list[ActionSpace]:
    """The action space of each arm, in its own joints' units.

    Args:
        action: of the robot.
        arms: of the robot.
        tool: the frame that rows are about, seen from `tool_link`. None: that link.
    """
    found, first = [], 0
    for arm in arms:
        space = action.meaning(tool, arm.name)
        units = space.conventions.joint_units.part(slice(first, first + len(arm.joints)))
        found.append(type(space)(replace(space.conventions, joint_units=units)))
        first += len(arm.joints)
    return found


def layout_of_robot(
    action: Action,
    arms: Sequence[Arm],
    grippers: Sequence[Gripper],
    tool: Placement | None = None,
    kinematics: ArmsKinematics | None = None,
) -> ActionLayout:
    """How an action row is split: in the order of the action, else the arms, then the grippers.

    Args:
        action, arms, grippers: of the robot.
        tool: see `spaces_of`.
        kinematics: of the arms. Only rows of spaces that need it cannot become joints without.

    Raises:
        RobotProfileError: the kinematics are of one arm, and there are several.
    """
    known = _by_arm(kinematics, arms)
    groups: dict[str, Group] = {
        arm.path: ArmGroup(arm.name, arm.joint_names, space, known.get(arm.name))
        for arm, space in zip(arms, spaces_of(action, arms, tool), strict=True)
    }
    groups |= {gripper.path: GripperGroup(gripper.joint) for gripper in grippers}
    return ActionLayout(tuple(groups[path] for path in action.order or groups))


def action_problems(
    action: Action, arms: Sequence[Arm], grippers: Sequence[Gripper], tool: Placement | None
) -> Iterator[str]:
    """What contradicts itself between the action rows and the arms of a robot, a line each."""
    names = [arm.name for arm in arms]
    for name in action.spaces or ():
        if name not in names:
            yield f"action.spaces names arm '{name}'. The robot has: {', '.join(names)}"
    spaces = spaces_of(action, arms, tool)
    # Signs and offsets are listed for the joints of all arms together.
    units = action.meaning(tool).conventions.joint_units
    misfits = [units.misfit(sum(len(arm.joints) for arm in arms))]
    misfits += [space.misfit(len(arm.joints)) for arm, space in zip(arms, spaces, strict=True)]
    for problem in list(filter(None, misfits))[:1]:
        yield f"action: {problem}"
    yield from order_problems(action.order or (), arms, grippers)
    for arm, space in zip(arms, spaces, strict=True):
        if space.needs_kinematics and arm.kinematics is None:
            yield (
                f"action.space '{space.name}' needs inverse kinematics. Add the section "
                f"{arm.kinematics_field}: {{base_link: ..., tool_link: ..., urdf: ...}}{_another_space(arm, arms)}"
            )


def _another_space(arm: Arm, arms: Sequence[Arm]) -> str:
    """What else helps where an arm has no tool."""
    return f", or leave its joints to action.spaces: {{{arm.name}: joint_position}}" if len(arms) > 1 else ""


def _by_arm(kinematics: ArmsKinematics | None, arms: Sequence[Arm]) -> Mapping[str, Kinematics]:
    if kinematics is None:
        return {}
    if not isinstance(kinematics, Kinematics):
        return kinematics
    if len(arms) > 1:
        names = ", ".join(arm.name for arm in arms)
        raise RobotProfileError(
            f"kinematics of one arm were given for {len(arms)}: {names}. Give them by name, as load_needed_kinematics "
            "of hume_core.robot_kinematics does"
        )
    return {arms[0].name: kinematics}
