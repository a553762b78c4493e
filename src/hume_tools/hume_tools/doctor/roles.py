"""The controllers that a profile names, and what it wants of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hume_core.robot import Arm, ArmControllerType, GripperControllerType, RobotProfile

# Parts of class names, so that variants such as ur_controllers/ScaledJointTrajectoryController count.
_FORWARD = ("ForwardCommandController", "JointGroupPositionController")
_TRAJECTORY = ("JointTrajectoryController",)
_CLASSES: dict[str, tuple[str, ...]] = {
    ArmControllerType.FORWARD_COMMAND.value: _FORWARD,
    ArmControllerType.JOINT_TRAJECTORY.value: _TRAJECTORY,
    GripperControllerType.POSITION.value: _FORWARD,
}


@dataclass(frozen=True)
class Role:
    """A controller of the profile.

    Attributes:
        what: heading of its findings.
        section: of the profile.
        name: as the manager calls it.
        kind: `controllers.*.type` of the profile.
        joints: that its commands are for, in their order.
    """

    what: str
    section: str
    name: str
    kind: str
    joints: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Parts of the names of classes that fit. None: any class may serve the action."""
        return _CLASSES.get(self.kind, ())

    @property
    def is_trajectory(self) -> bool:
        """Its messages name the joints, and come with times."""
        return self.kind == ArmControllerType.JOINT_TRAJECTORY.value

    @property
    def is_action(self) -> bool:
        """It takes goals, not the stream."""
        return self.kind == GripperControllerType.GRIPPER_ACTION.value


def roles(profile: RobotProfile) -> Iterator[Role]:
    """The controllers that the profile's manager must have."""
    for part in profile.parts:
        controller = part.controller
        if controller is not None and controller.controller_name:
            joints = part.joint_names if isinstance(part, Arm) else (part.joint,)
            what, name = f"{part.label} controller", controller.managed_name
            yield Role(what, part.controller_field, name, controller.type.value, joints)
