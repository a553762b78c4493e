"""The arms and grippers of a robot as the rest of the code sees them: one by one, or all joints together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hume_core.errors import RobotProfileError
from hume_core.limits import UNLIMITED, MotionLimits
from hume_core.robot_controllers import ArmController, ArmControllerType, GripperController
from hume_core.robot_groups import ARM, GRIPPER, Arm, Gripper
from hume_core.robot_sections import Joint, KinematicsSection, ProfileTitle


class RobotParts(ProfileTitle):
    """What a robot consists of.

    Attributes:
        arms: in the order of their joints.
        grippers: in the order of their numbers in the state.
        controller_manager: see `Controllers`.
    """

    arms: tuple[Arm, ...]
    grippers: tuple[Gripper, ...] = ()
    controller_manager: str = "controller_manager"

    @property
    def arm(self) -> Arm:
        """The only arm, for what works with one.

        Raises:
            RobotProfileError: there are several.
        """
        self._check_single(ARM, self.arms)
        return self.arms[0]

    @property
    def gripper(self) -> Gripper | None:
        """The only gripper, for what works with one. None without any.

        Raises:
            RobotProfileError: there are several.
        """
        self._check_single(GRIPPER, self.grippers)
        return self.grippers[0] if self.grippers else None

    def _check_single(self, kind: str, parts: Sequence[Arm | Gripper]) -> None:
        if len(parts) > 1:
            names = ", ".join(part.name for part in parts)
            raise RobotProfileError(
                f"robot '{self.name}' has {len(parts)} {kind}s: {names}. This works for robots with one {kind} only"
            )

    @property
    def kinematics(self) -> KinematicsSection | None:
        """Of the only arm. Raises as `arm` does."""
        return self.arm.kinematics

    @property
    def tool_kinematics(self) -> KinematicsSection | None:
        """Of the only arm, for what draws one tool. None where the profile has none, or several arms."""
        return self.arms[0].kinematics if len(self.arms) == 1 else None

    @property
    def tool_arms(self) -> tuple[Arm, ...]:
        """The arms whose tool is known: those with kinematics."""
        return tuple(arm for arm in self.arms if arm.kinematics is not None)

    @property
    def parts(self) -> tuple[Arm | Gripper, ...]:
        """The arms, then the grippers."""
        return (*self.arms, *self.grippers)

    @property
    def joints(self) -> tuple[Joint, ...]:
        """Of all arms, in policy order."""
        return tuple(joint for arm in self.arms for joint in arm.joints)

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joints of all arms in policy order."""
        return tuple(joint.name for joint in self.joints)

    @property
    def joint_slices(self) -> tuple[slice, ...]:
        """Where among all joints each arm's are."""
        ends = np.cumsum([len(arm.joints) for arm in self.arms]).tolist()
        return tuple(slice(end - len(arm.joints), end) for end, arm in zip(ends, self.arms, strict=True))

    @property
    def gripper_names(self) -> tuple[str, ...]:
        """Joints of the grippers."""
        return tuple(gripper.joint for gripper in self.grippers)

    @property
    def controllers(self) -> tuple[ArmController | GripperController, ...]:
        """All that take commands: of the arms, then of the grippers."""
        found = [part.controller for part in self.parts]
        return tuple(controller for controller in found if controller is not None)

    @property
    def plays_trajectories(self) -> bool:
        """Whether the arms' controllers play trajectories. All are of one type."""
        return self.arms[0].controller.type is ArmControllerType.JOINT_TRAJECTORY

    @property
    def managed_controllers(self) -> tuple[str, ...]:
        """The controllers as their manager calls them. Empty where the robot has no manager."""
        names = [controller.managed_name for controller in self.controllers]
        return tuple(name for name in names if name) if self.controller_manager else ()

    @property
    def home(self) -> tuple[float, ...]:
        """Rest position of the arms, rad."""
        return tuple(position for arm in self.arms for position in arm.home)

    def motion_limits(self) -> MotionLimits:
        """The limits of all joints as arrays in policy order."""
        return limits_of(self.joints)


def limits_of(joints: Sequence[Joint]) -> MotionLimits:
    """The limits of joints as arrays."""
    ranges = [joint.position or (-UNLIMITED, UNLIMITED) for joint in joints]
    return MotionLimits(
        names=tuple(joint.name for joint in joints),
        lower=np.array([low for low, _ in ranges]),
        upper=np.array([high for _, high in ranges]),
        velocity=np.array([joint.velocity for joint in joints]),
        acceleration=np.array([joint.acceleration for joint in joints]),
        jerk=np.array([joint.jerk for joint in joints]),
        tracking=np.array([joint.tracking for joint in joints]),
        continuous=np.array([joint.continuous for joint in joints]),
    )
