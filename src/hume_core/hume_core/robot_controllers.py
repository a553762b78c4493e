"""The section `controllers` of a robot profile: where commands go."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from pydantic import Field, model_validator

from hume_core.field_types import Name
from hume_core.robot_sections import Section


class ArmControllerType(str, Enum):
    """Controllers of ros2_control that can take the command stream."""

    FORWARD_COMMAND = "forward_command_controller"
    """`std_msgs/Float64MultiArray`: positions, rad."""
    JOINT_TRAJECTORY = "joint_trajectory_controller"
    """`trajectory_msgs/JointTrajectory`: positions and velocities."""

    @classmethod
    def _missing_(cls, value: object) -> ArmControllerType | None:
        return next((kind for kind in cls if kind.value == f"{value}_controller"), None)


class GripperControllerType(str, Enum):
    """What can take gripper commands."""

    POSITION = "position"
    """`forward_command_controller` or alike: `std_msgs/Float64MultiArray` with one position, m or rad."""
    JOINT_TRAJECTORY = "joint_trajectory_controller"
    """`trajectory_msgs/JointTrajectory` with the one joint."""
    GRIPPER_ACTION = "gripper_action"
    """An action server of `control_msgs`: `GripperCommand` or `ParallelGripperCommand`, whichever there is."""


class _Controller(Section):
    """Where commands go.

    Attributes:
        topic: topic, or name of the action.
        name: what `controller_manager` calls it. Left out: the part of `topic` before the last. Empty: it is no
            controller of `controller_manager`.
    """

    topic: Name
    name: str | None = None

    @property
    def controller_name(self) -> str:
        """Its name in `controller_manager`. Empty if it is none of its controllers."""
        if self.name is not None:
            return self.name
        return "/".join(self.topic.strip("/").split("/")[:-1])

    @property
    def managed_name(self) -> str:
        """What the manager itself calls it: `controller_name` without namespaces."""
        return self.controller_name.rpartition("/")[2]


class ArmController(_Controller):
    """Where arm commands go.

    Attributes:
        update_rate: of the controller, Hz. Left out: that of the stream. The doctor compares it with the controller's.
        lead: how far ahead of its tick a command is due in a trajectory, s. Left out: two periods of the stream and one
            of the controller, so that a message may be late by a period. For machines that are far apart: more.
    """

    type: ArmControllerType
    update_rate: Annotated[float, Field(gt=0, le=10000)] | None = None
    lead: Annotated[float, Field(gt=0, le=1)] | None = None

    @model_validator(mode="after")
    def _lead_has_a_use(self) -> ArmController:
        if self.lead is not None and self.type is not ArmControllerType.JOINT_TRAJECTORY:
            raise ValueError(f"lead belongs to {ArmControllerType.JOINT_TRAJECTORY.value}. Leave it out")
        return self


class GripperController(_Controller):
    """Where gripper commands go."""

    type: GripperControllerType = GripperControllerType.POSITION

    @property
    def takes_force(self) -> bool:
        """Whether its commands may carry a force."""
        return self.type is GripperControllerType.GRIPPER_ACTION


class Controllers(Section):
    """The robot's controllers, and the node that manages them.

    Attributes:
        controller_manager: its name. Empty: the robot has none, and any subscriber of a command topic listens.
    """

    arm: ArmController
    gripper: GripperController | None = None
    controller_manager: str = "controller_manager"
