"""The arms and grippers of a robot: each with its joints and the controller that moves them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from hume_core.field_types import Name
from hume_core.robot_controllers import ArmController, GripperController
from hume_core.robot_sections import GripperSection, Joint, KinematicsSection, Section

ARM, GRIPPER = "arm", "gripper"
"""Names of the arm and the gripper of a robot with one arm."""


class _Part:
    """How an arm or a gripper is called, by its name among those of its kind.

    Attributes:
        name: that of the kind where it is the only one and has no other.
    """

    name: str
    _kind: ClassVar[str]

    @property
    def path(self) -> str:
        """What rows are ordered by: `arms.NAME` or `grippers.NAME`."""
        return f"{self._kind}s.{self.name}"

    @property
    def controller_field(self) -> str:
        """Where its controller stands in the profile's file."""
        return f"controllers.{self._kind}" if self.name == self._kind else f"{self.path}.controller"

    @property
    def label(self) -> str:
        """What people call it among the robot's parts."""
        return self._kind if self.name == self._kind else f"{self._kind} '{self.name}'"


class ArmSection(Section):
    """One of several arms of a profile's file.

    Attributes:
        joints: in policy order.
        controller: takes their commands.
        kinematics: of the arm. Left out: none.
    """

    joints: Annotated[tuple[Joint, ...], Field(min_length=1, max_length=64)]
    controller: ArmController
    kinematics: KinematicsSection | None = None


class Arm(ArmSection, _Part):
    """An arm of a robot. See `ArmSection`.

    Attributes:
        name: `ARM` where it is the only one and has no other.
    """

    _kind: ClassVar[str] = ARM
    name: Name

    @property
    def joint_names(self) -> tuple[str, ...]:
        """In policy order."""
        return tuple(joint.name for joint in self.joints)

    @property
    def home(self) -> tuple[float, ...]:
        """Rest position, rad."""
        return tuple(joint.home for joint in self.joints)

    @property
    def kinematics_field(self) -> str:
        """Where its kinematics stand in the profile's file."""
        return "kinematics" if self.name == ARM else f"{self.path}.kinematics"


class OneOfGrippers(GripperSection):
    """One of several grippers of a profile's file.

    Attributes:
        controller: takes its commands. Left out: none does.
    """

    controller: GripperController | None = None


class Gripper(OneOfGrippers, _Part):
    """A gripper of a robot. See `GripperSection`.

    Attributes:
        name: `GRIPPER` where it is the only one and has no other.
    """

    _kind: ClassVar[str] = GRIPPER
    name: Name = GRIPPER

    @property
    def field(self) -> str:
        """Where the gripper stands in the profile's file."""
        return GRIPPER if self.name == GRIPPER else self.path


def group_problems(arms: Sequence[Arm], grippers: Sequence[Gripper], manager: str) -> Iterator[str]:
    """What contradicts itself in the arms and grippers of a robot, a line each.

    Args:
        arms: of the robot.
        grippers: of the robot.
        manager: name of its `controller_manager`. Empty: there is none.
    """
    joints = [name for arm in arms for name in arm.joint_names]
    yield from _doubled("joints are listed twice", joints)
    yield from _doubled("joints of grippers are listed twice", [*set(joints), *(part.joint for part in grippers)])
    # Rows name arms by their names and grippers by their joints.
    yield from _doubled("an arm and a joint share a name", [*(arm.name for arm in arms), *(g.joint for g in grippers)])
    parts: list[Arm | Gripper] = [*arms, *grippers]
    controllers = [part.controller for part in parts if part.controller is not None and len(parts) > 2]
    yield from _doubled("two controllers take commands from one topic", [item.topic for item in controllers])
    names = [item.managed_name for item in controllers if manager and item.managed_name]
    for problem in _doubled("two controllers have one name in controller_manager", names):
        yield f'{problem}. Name each by name, or say controller_manager: "" where each arm has its own manager'
    if len({arm.controller.type for arm in arms}) > 1:
        kinds = ", ".join(f"{arm.name}: {arm.controller.type.value}" for arm in arms)
        yield f"all arms need controllers of one type, so that they stop in step. Found {kinds}"
    yield from (problem for gripper in grippers if (problem := _unused_force(gripper)))


def order_problems(order: Sequence[str], arms: Sequence[Arm], grippers: Sequence[Gripper]) -> Iterator[str]:
    """What is wrong with the order of a row's numbers. Empty: none was given.

    Joints and gripper numbers go through the stack in the order of the arms and of the grippers.
    """
    parts = [[arm.path for arm in arms], [gripper.path for gripper in grippers]]
    paths = [path for own in parts for path in own]
    if order and sorted(order) != sorted(paths):
        yield f"action.order must name each of {', '.join(paths)} once, found {list(order)}"
    elif order and any([path for path in order if path in own] != own for own in parts):
        yield (
            "action.order must have the arms, and the grippers, in the order in which arms and grippers list them: "
            f"{', '.join(paths)}. Change the order of those sections, found {list(order)}"
        )


def _doubled(what: str, names: Sequence[str]) -> Iterator[str]:
    found = sorted({name for name in names if names.count(name) > 1})
    if found:
        yield f"{what}: {', '.join(found)}"


def _unused_force(gripper: Gripper) -> str:
    controller = gripper.controller
    if gripper.force is None or controller is None or controller.takes_force:
        return ""
    return (
        f"{gripper.field}.force belongs to {gripper.controller_field}.type 'gripper_action'. Leave it out with "
        f"'{controller.type.value}'"
    )
