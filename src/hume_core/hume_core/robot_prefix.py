"""What a robot's prefix touches: the one place that says so.

Drivers call it `prefix` or `tf_prefix`. It stands before the names of joints, links and controllers, so that several
robots of one make can share a graph. A controller's topics are called after it, so they get the prefix too.
Topics of cameras, joint states and stops stay as written: no driver puts its prefix there.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from hume_core.robot_controllers import ArmController, GripperController
from hume_core.robot_groups import Arm, Gripper
from hume_core.state.parts import GripperPart, JointPart, StatePart

Rename = Callable[[str], str]
_Controller = TypeVar("_Controller", ArmController, GripperController)
# The elements of a URDF that name or mention a link or a joint.
_NAMED = {"link": "name", "joint": "name", "parent": "link", "child": "link", "mimic": "joint"}


def with_prefix(content: Mapping[str, Any], prefix: str = "", controllers: bool = True) -> dict[str, Any]:
    """The content of a profile's file with what is chosen beside it.

    Args:
        content: of the file.
        prefix: in place of the file's own. Empty: as the file says.
        controllers: false leaves the controllers' names without it, whatever the file says.
    """
    chosen = {"prefix": prefix} if prefix else {}
    return {**content, **chosen, **({} if controllers else {"prefix_controllers": False})}


def prefixed(content: Mapping[str, Any]) -> dict[str, Any]:
    """What a file holds of a robot, with the robot's own names.

    Args:
        content: the fields of a `RobotProfile`, with names as in its file.

    Raises:
        ValueError: the robot cannot have its prefix.
    """
    prefix = content["prefix"]
    if not prefix:
        return dict(content)
    for problem in _problems(prefix, content["arms"]):
        raise ValueError(problem)
    return _renamed(content, adding(prefix))


def unprefixed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `prefixed`."""
    return _renamed(content, removing(content["prefix"]))


def adding(prefix: str) -> Rename:
    """From a name in a file to the robot's."""
    return lambda name: prefix + name


def removing(prefix: str) -> Rename:
    """From a name of the robot to the name in its file."""
    return lambda name: name.removeprefix(prefix)


def _problems(prefix: str, arms: Sequence[Arm]) -> Iterator[str]:
    names = [name for arm in arms for name in arm.joint_names]
    if len(arms) > 1:
        yield (
            f"prefix '{prefix}' belongs to robots with one arm, and this robot has {len(arms)}. Leave it out, and "
            "write the names of joints, links and controllers in full"
        )
    elif all(name.startswith(prefix) for name in names):
        yield f"prefix '{prefix}' is in the names of all joints already. Leave it out, or write the names without it"


def _renamed(content: Mapping[str, Any], rename: Rename) -> dict[str, Any]:
    controllers = content["prefix_controllers"]
    return {
        **content,
        "arms": tuple(_renamed_arm(arm, rename, controllers) for arm in content["arms"]),
        "grippers": tuple(_renamed_gripper(gripper, rename, controllers) for gripper in content["grippers"]),
        "state": renamed_state(content["state"], rename),
    }


def _renamed_arm(arm: Arm, rename: Rename, controllers: bool) -> Arm:
    section = arm.kinematics
    if section is not None:
        links = {"base_link": rename(section.base_link), "tool_link": rename(section.tool_link)}
        section = section.model_copy(update=links)
    joints = tuple(joint.model_copy(update={"name": rename(joint.name)}) for joint in arm.joints)
    controller = _renamed_controller(arm.controller, rename) if controllers else arm.controller
    return arm.model_copy(update={"joints": joints, "kinematics": section, "controller": controller})


def _renamed_gripper(gripper: Gripper, rename: Rename, controllers: bool) -> Gripper:
    controller = gripper.controller
    if controller is not None and controllers:
        controller = _renamed_controller(controller, rename)
    return gripper.model_copy(update={"joint": rename(gripper.joint), "controller": controller})


def renamed_state(state: Sequence[StatePart], rename: Rename) -> tuple[StatePart, ...]:
    """The parts of a state with other names of the joints they choose."""
    return tuple(_renamed_part(part, rename) for part in state)


def _renamed_part(part: StatePart, rename: Rename) -> StatePart:
    if not isinstance(part, JointPart | GripperPart) or part.joints is None:
        return part
    return part.model_copy(update={"joints": tuple(rename(name) for name in part.joints)})


def _renamed_controller(controller: _Controller, rename: Rename) -> _Controller:
    """The name in `controller_manager`, and that part of the topic which is called after the controller."""
    parts = controller.topic.split("/")
    place = next((k for k in range(len(parts) - 2, -1, -1) if parts[k]), len(parts) - 1)
    parts[place] = rename(parts[place])
    name = rename(controller.name) if controller.name else controller.name
    return controller.model_copy(update={"topic": "/".join(parts), "name": name})


def with_prefixed_names(urdf: str, prefix: str, joints: Collection[str]) -> str:
    """A robot description in which an arm's joints have their prefix.

    A vendor's file has the names without it, the driver's `robot_description` has them with it. Both fit.

    Args:
        urdf: text of the description.
        prefix: of the robot. Empty: the text stays as it is.
        joints: names of the arm's joints, with the prefix.

    Returns:
        The text as it was where it names the joints, or where it does not name them without the prefix either.
    """
    robot = _parsed(urdf) if prefix else None
    if robot is None:
        return urdf
    named = _joints(robot)
    if named.issuperset(joints) or not named.issuperset(name.removeprefix(prefix) for name in joints):
        return urdf
    for element in [*robot.findall("link"), *robot.findall("joint"), *robot.findall("joint/*")]:
        attribute = _NAMED.get(element.tag)
        if attribute is not None and (name := element.get(attribute)) is not None:
            element.set(attribute, prefix + name)
    return ElementTree.tostring(robot, encoding="unicode")


def prefix_by_hand(urdf: str, joints: Sequence[str]) -> str:
    """The prefix that all joints of an arm have and a robot description lacks. Empty: that is not what differs."""
    robot = _parsed(urdf)
    named = set() if robot is None else _joints(robot)
    if named.issuperset(joints):
        return ""
    first = joints[0]
    # The shortest prefix leaves the longest name.
    candidates = [first[:k] for k in range(1, len(first)) if first[k:] in named]
    fitting = (prefix for prefix in candidates if all(name.startswith(prefix) for name in joints))
    return next((prefix for prefix in fitting if named.issuperset(name.removeprefix(prefix) for name in joints)), "")


def _parsed(urdf: str) -> ElementTree.Element | None:
    """None for text that is no XML: whoever reads the model says what is wrong with it."""
    try:
        return ElementTree.fromstring(urdf)
    except ElementTree.ParseError:
        return None


def _joints(robot: ElementTree.Element) -> set[str]:
    return {element.get("name", "") for element in robot.findall("joint")}
