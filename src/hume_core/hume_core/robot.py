"""Robot profiles: which joints, limits, cameras, controllers and rates a robot has, read from YAML.

A profile is the single place that ties a policy's keys to a robot's topics. Units are SI: m, rad, s.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, ValidationError, model_validator

from hume_core.action_spaces import (
    ActionLayout,
    ActionSpace,
    ArmGroup,
    DeltaFrame,
    GripperGroup,
    RotationFormat,
    find_action_space,
)
from hume_core.errors import RobotProfileError
from hume_core.field_types import Name
from hume_core.kinematics import Kinematics
from hume_core.limits import UNLIMITED, MotionLimits
from hume_core.robot_controllers import (
    ArmController,
    ArmControllerType,
    Controllers,
    GripperController,
    GripperControllerType,
)
from hume_core.robot_errors import describe_problem
from hume_core.robot_sections import (
    Action,
    Camera,
    Gripper,
    Joint,
    KinematicsSection,
    ObservationTiming,
    Push,
    Rates,
    Section,
    StateField,
)
from hume_core.state.fitting import column_names, missing_for, needs_tool
from hume_core.state.parts import GripperPart, JointPart, StatePart
from hume_core.state.tool import ToolFrame
from hume_core.stop_sections import DeadMan, StopState
from hume_core.yaml_file import read_yaml

__all__ = [
    "Action", "ArmController", "ArmControllerType", "Camera", "Controllers", "DeadMan", "Gripper", "GripperController",
    "GripperControllerType", "Joint", "KinematicsSection", "ObservationTiming", "Push", "Rates", "RobotProfile",
    "StateField", "StopState", "find_profile", "known_profiles", "profile_directories",
]  # fmt: skip


class RobotProfile(Section):
    """Everything the stack has to know about one robot. Load it with `RobotProfile.load`."""

    name: Name
    description: str = ""
    joints: Annotated[tuple[Joint, ...], Field(min_length=1, max_length=64)]
    gripper: Gripper | None = None
    joint_states: Name = "joint_states"
    cameras: dict[Name, Camera]
    state: tuple[StatePart, ...] = (JointPart(field=StateField.JOINT_POSITIONS), GripperPart(field=StateField.GRIPPER))
    tool: ToolFrame | None = None
    action: Action
    kinematics: KinematicsSection | None = None
    controllers: Controllers
    rates: Rates = Rates()
    observation: ObservationTiming = ObservationTiming()
    push: Push = Push()
    deadman: DeadMan | None = None
    stop_states: tuple[StopState, ...] = ()

    @model_validator(mode="after")
    def _parts_agree(self) -> RobotProfile:
        names = self.joint_names
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"joints are listed twice: {', '.join(doubled)}")
        for problem in missing_for(self.state, names, self.gripper is not None, self.kinematics is not None):
            raise ValueError(problem)
        if self.controllers.gripper is not None and self.gripper is None:
            raise ValueError("controllers.gripper is given but the profile has no gripper section")
        self._force_has_a_use()
        if problem := self.action.meaning().misfit(len(names)):
            raise ValueError(f"action: {problem}")
        if self.action_space.needs_kinematics and self.kinematics is None:
            raise ValueError(
                f"action.space '{self.action.space}' needs inverse kinematics. Add the section "
                "kinematics: {base_link: ..., tool_link: ..., urdf: ...}"
            )
        return self

    def _force_has_a_use(self) -> None:
        controller, gripper = self.controllers.gripper, self.gripper
        if gripper is None or gripper.force is None or controller is None:
            return
        if controller.type is not GripperControllerType.GRIPPER_ACTION:
            raise ValueError(
                f"gripper.force belongs to controllers.gripper.type 'gripper_action'. Leave it out with "
                f"'{controller.type.value}'"
            )

    @classmethod
    def load(cls, name_or_path: str | Path) -> RobotProfile:
        """Read a profile from a YAML file, or by name from the installed profiles.

        Raises:
            RobotProfileError: unknown name, unreadable file, or a wrong field. Names file, field and fix.
        """
        path = find_profile(name_or_path)
        data = read_yaml(path, "robot profile", RobotProfileError)
        if not isinstance(data, dict):
            raise RobotProfileError(f"{path}: must be a mapping with the fields {', '.join(cls.model_fields)}")
        try:
            profile = cls.model_validate(data)._with_urdf_from(path.parent)
        except ValidationError as error:
            raise RobotProfileError(f"{path}: {describe_problem(error, data, cls)}") from error
        if not profile.cameras:
            raise RobotProfileError(
                f"{path}: field 'cameras' is empty. A policy needs at least one, such as image: {{topic: ...}}"
            )
        return profile

    def _with_urdf_from(self, folder: Path) -> RobotProfile:
        """A relative path of the URDF starts from the profile's folder."""
        section = self.kinematics
        if section is None or section.urdf is None or section.urdf.startswith("package://"):
            return self
        path = (folder / Path(section.urdf).expanduser()).resolve()
        return self.model_copy(update={"kinematics": section.model_copy(update={"urdf": str(path)})})

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Arm joints in policy order."""
        return tuple(joint.name for joint in self.joints)

    @property
    def home(self) -> tuple[float, ...]:
        """Rest position of the arm, rad."""
        return tuple(joint.home for joint in self.joints)

    @property
    def state_dim(self) -> int:
        """Length of `observation.state`."""
        return len(self.state_names)

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the numbers of `observation.state`, in order."""
        return column_names(self.state, self.joint_names, () if self.gripper is None else (self.gripper.joint,))

    @property
    def action_dim(self) -> int:
        """Length of one action row. See `action_layout`."""
        return self.action_layout().size

    def action_layout(self, kinematics: Kinematics | None = None) -> ActionLayout:
        """How an action row is split: the arm, then the gripper where there is one.

        Args:
            kinematics: of the arm. Only rows of spaces that need it cannot become joints without.
        """
        arm = ArmGroup("arm", self.joint_names, self.action_space, kinematics)
        return ActionLayout((arm,) if self.gripper is None else (arm, GripperGroup(self.gripper.joint)))

    @property
    def action_space(self) -> ActionSpace:
        """What the arm's numbers of an action row mean."""
        return self.action.meaning(None if self.tool is None else self.tool.offset)

    @property
    def trajectory_lead(self) -> float:
        """How far ahead of its tick a command is due in a trajectory, s. See `ArmController`."""
        arm, stream = self.controllers.arm, self.rates.stream
        return 2.0 / stream + 1.0 / (arm.update_rate or stream) if arm.lead is None else arm.lead

    @property
    def needed_kinematics(self) -> KinematicsSection | None:
        """The section `kinematics` where the action space or the state needs it, else None."""
        return self.kinematics if self.action_space.needs_kinematics or needs_tool(self.state) else None

    def with_observation(
        self, state: Sequence[StatePart], tool: ToolFrame | None, cameras: Mapping[str, Camera]
    ) -> RobotProfile:
        """The robot as a policy wants to see it.

        Raises:
            RobotProfileError: the robot cannot give a part of the state.
        """
        data = self.model_dump(mode="json") | {
            "state": [part.model_dump(mode="json") for part in state],
            "tool": None if tool is None else tool.model_dump(mode="json"),
            "cameras": {key: camera.model_dump(mode="json") for key, camera in cameras.items()},
        }
        return _changed(self, data, "observation")

    def with_action(
        self,
        space: str | None = None,
        dt: float | None = None,
        frame: DeltaFrame | None = None,
        rotation: RotationFormat | None = None,
        scale: Sequence[float] | None = None,
        **written: Any,
    ) -> RobotProfile:
        """The robot with action rows of another meaning, such as a checkpoint's. What is left out stays.

        How rows are written belongs to a space: with another space that starts from its defaults.

        Args:
            space: see `Action`.
            dt: see `Action`, s.
            frame: see `Action`.
            rotation: see `Action`.
            scale: see `Action`.
            **written: other fields of `Action`.

        Raises:
            ActionSpaceError: unknown space. Lists the valid ones.
            RobotProfileError: the space needs kinematics that the profile lacks, or a value is wrong.
        """
        data = self.model_dump(mode="json")
        if space is not None and find_action_space(space).name != self.action.space:
            data["action"] = {"space": space, "dt": self.action.dt}
        given = {"dt": dt, "frame": frame, "rotation": rotation, "scale": scale, **written}
        data["action"] |= {field: value for field, value in given.items() if value is not None}
        return _changed(self, data, "action")

    def motion_limits(self) -> MotionLimits:
        """The joints' limits as arrays in policy order."""
        ranges = [joint.position or (-UNLIMITED, UNLIMITED) for joint in self.joints]
        return MotionLimits(
            names=self.joint_names,
            lower=np.array([low for low, _ in ranges]),
            upper=np.array([high for _, high in ranges]),
            velocity=np.array([joint.velocity for joint in self.joints]),
            acceleration=np.array([joint.acceleration for joint in self.joints]),
            jerk=np.array([joint.jerk for joint in self.joints]),
            tracking=np.array([joint.tracking for joint in self.joints]),
            continuous=np.array([joint.continuous for joint in self.joints]),
        )


def _changed(profile: RobotProfile, data: dict[str, Any], what: str) -> RobotProfile:
    try:
        return RobotProfile.model_validate(data)
    except ValidationError as error:
        problem = describe_problem(error, data, RobotProfile)
        raise RobotProfileError(f"robot '{profile.name}' with another {what}: {problem}") from error


def profile_directories() -> list[Path]:
    """Folders searched for profiles: `HUME_ROBOTS`, then every sourced workspace's `hume_bringup`."""
    own = [Path(part) for part in os.environ.get("HUME_ROBOTS", "").split(os.pathsep) if part]
    prefixes = [Path(part) for part in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if part]
    return own + [prefix / "share" / "hume_bringup" / "config" / "robots" for prefix in prefixes]


def known_profiles() -> list[str]:
    """Names of the profiles that `find_profile` would find."""
    return sorted({path.stem for folder in profile_directories() for path in folder.glob("*.yaml")})


def find_profile(name_or_path: str | Path) -> Path:
    """The YAML file of a profile.

    Raises:
        RobotProfileError: no such file or name. Lists the known names.
    """
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml"):
        if path.is_file():
            return path
        raise RobotProfileError(f"robot profile '{path}' does not exist")
    for folder in profile_directories():
        candidate = folder / f"{name_or_path}.yaml"
        if candidate.is_file():
            return candidate
    known = ", ".join(known_profiles()) or "none is installed. Source the workspace's install/setup.bash"
    raise RobotProfileError(f"unknown robot '{name_or_path}'. Known robots: {known}. A path to a .yaml file works too")
