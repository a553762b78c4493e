"""Robot profiles: which arms, grippers, cameras, controllers and rates a robot has, read from YAML.

A profile is the single place that ties a policy's keys to a robot's topics. Units are SI: m, rad, s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import SerializationInfo, ValidationError, model_serializer, model_validator

from hume_core.action_spaces import (
    ActionLayout,
    ActionSpace,
    DeltaFrame,
    RotationFormat,
    find_action_space,
)
from hume_core.errors import RobotProfileError
from hume_core.kinematics import ArmsKinematics
from hume_core.robot_controllers import (
    ArmController,
    ArmControllerType,
    Controllers,
    GripperController,
    GripperControllerType,
)
from hume_core.robot_errors import describe_problem
from hume_core.robot_file import OneArmFile, ProfileBody, file_content, form_of, groups_of
from hume_core.robot_folders import find_profile, known_profiles, profile_directories
from hume_core.robot_groups import Arm, Gripper, group_problems
from hume_core.robot_parts import RobotParts
from hume_core.robot_prefix import prefixed, removing, renamed_state, unprefixed, with_prefix
from hume_core.robot_sections import (
    Action,
    Camera,
    GripperSection,
    Joint,
    KinematicsSection,
    ObservationTiming,
    ProfileTitle,
    Push,
    Rates,
    StateField,
)
from hume_core.robot_spaces import action_problems, layout_of_robot
from hume_core.state.fitting import column_names, missing_for, tools_named, wanted_tools
from hume_core.state.parts import StatePart
from hume_core.state.tool import Placement, ToolFrame
from hume_core.stop_sections import DeadMan, StopState
from hume_core.yaml_file import read_yaml

__all__ = [
    "Action", "Arm", "ArmController", "ArmControllerType", "Camera", "Controllers", "DeadMan", "Gripper",
    "GripperController", "GripperControllerType", "GripperSection", "Joint", "KinematicsSection", "ObservationTiming",
    "Push", "Rates", "RobotProfile", "StateField", "StopState", "find_profile", "known_profiles",
    "profile_directories",
]  # fmt: skip


class RobotProfile(ProfileBody, RobotParts):
    """Everything the stack has to know about one robot. Load it with `RobotProfile.load`.

    It is made of what a file holds, in either form, and written back as that. See `robot_file`.
    """

    @model_validator(mode="before")
    @classmethod
    def _of_file(cls, data: Any) -> Any:
        """A file's content becomes arms and grippers. Its errors name the fields of the file."""
        if not isinstance(data, dict) or isinstance(data.get("arms"), tuple):
            return data
        file = form_of(data).model_validate(data)
        shared = {**ProfileTitle.model_fields, **ProfileBody.model_fields}
        found = {field: getattr(file, field) for field in shared} | groups_of(file)
        names = [arm.name for arm in found["arms"]]
        tools = [arm.name for arm in found["arms"] if arm.kinematics is not None]
        return prefixed(found | {"state": tools_named(file.state, names, tools)})

    @model_serializer(mode="plain")
    def _as_file(self, info: SerializationInfo) -> dict[str, Any]:
        """What a file would hold."""
        return file_content(unprefixed({field: getattr(self, field) for field in type(self).model_fields}), info.mode)

    @model_validator(mode="after")
    def _parts_agree(self) -> RobotProfile:
        for problem in group_problems(self.arms, self.grippers, self.controller_manager):
            raise ValueError(problem)
        if len(self.arms) > 1 and self.tool is not None:
            raise ValueError("tool belongs to robots with one arm. Leave it out")
        for problem in self.lacking(self.state):
            raise ValueError(problem)
        for problem in action_problems(self.action, self.arms, self.grippers, self._tool_offset):
            raise ValueError(problem)
        return self

    def lacking(self, state: Sequence[StatePart]) -> list[str]:
        """What the robot lacks to give every part of a state, a line each."""
        section = self.arms[0].kinematics_field
        tools = [arm.name for arm in self.tool_arms]
        return missing_for(state, self.joint_names, self.gripper_names, tools, section)

    @classmethod
    def load(cls, name_or_path: str | Path, prefix: str = "", prefix_controllers: bool = True) -> RobotProfile:
        """Read a profile from a YAML file, or by name from the installed profiles.

        Args:
            name_or_path: of the profile.
            prefix: of the robot's names, in place of the file's own. Empty: as the file says.
            prefix_controllers: false leaves the controllers' names without it, whatever the file says.

        Raises:
            RobotProfileError: unknown name, unreadable file, or a wrong field. Names file, field and fix.
        """
        path = find_profile(name_or_path)
        data = read_yaml(path, "robot profile", RobotProfileError)
        if not isinstance(data, dict):
            raise RobotProfileError(f"{path}: must be a mapping with the fields {', '.join(OneArmFile.model_fields)}")
        data = with_prefix(data, prefix, prefix_controllers)
        try:
            profile = cls.model_validate(data)._with_urdf_from(path.parent)
        except ValidationError as error:
            raise RobotProfileError(f"{path}: {describe_problem(error, data, form_of(data))}") from error
        if not profile.cameras:
            raise RobotProfileError(
                f"{path}: field 'cameras' is empty. A policy needs at least one, such as image: {{topic: ...}}"
            )
        return profile

    def _with_urdf_from(self, folder: Path) -> RobotProfile:
        """Relative paths of URDFs start from the profile's folder."""
        return self.model_copy(update={"arms": tuple(_with_urdf_from(folder, arm) for arm in self.arms)})

    @property
    def state_dim(self) -> int:
        """Length of `observation.state`."""
        return len(self.state_names)

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the numbers of `observation.state`, in order."""
        return column_names(self.state, self.joint_names, self.gripper_names)

    @property
    def action_dim(self) -> int:
        """Length of one action row. See `action_layout`."""
        return self.action_layout().size

    def action_layout(self, kinematics: ArmsKinematics | None = None) -> ActionLayout:
        """How an action row is split. See `layout_of_robot` for the argument and errors."""
        return layout_of_robot(self.action, self.arms, self.grippers, self._tool_offset, kinematics)

    @property
    def action_space(self) -> ActionSpace:
        """What the arms' numbers of an action row mean, but for the arms of `Action.spaces`."""
        return self.action.meaning(self._tool_offset)

    @property
    def _tool_offset(self) -> Placement | None:
        return None if self.tool is None else self.tool.offset

    @property
    def trajectory_lead(self) -> float:
        """How far ahead of its tick a command is due in a trajectory, s. See `ArmController`.

        One for the whole robot, that of the slowest arm, so that all controllers play in step.
        """
        stream = self.rates.stream
        leads = [
            2.0 / stream + 1.0 / (arm.controller.update_rate or stream)
            if arm.controller.lead is None
            else arm.controller.lead
            for arm in self.arms
        ]
        return max(leads)

    @property
    def moved_tools(self) -> tuple[Arm, ...]:
        """The arms whose rows are about their tools."""
        by_tool = [arm.name for arm in self.action_layout().arms if arm.space.needs_kinematics]
        return tuple(arm for arm in self.arms if arm.name in by_tool)

    @property
    def seen_tools(self) -> tuple[Arm, ...]:
        """The arms whose tools the state is about."""
        names = wanted_tools(self.state, [arm.name for arm in self.arms])
        return tuple(arm for arm in self.arms if arm.name in names)

    @property
    def needed_kinematics(self) -> tuple[KinematicsSection, ...]:
        """The sections `kinematics` that the action spaces or the state need, in the order of the arms."""
        needed = {arm.name for arm in (*self.moved_tools, *self.seen_tools)}
        return tuple(arm.kinematics for arm in self.tool_arms if arm.kinematics is not None and arm.name in needed)

    def with_sections(self, **sections: Any) -> RobotProfile:
        """The robot with other sections of its file. What is left out stays.

        Args:
            **sections: as a file holds them, with names without the prefix.

        Raises:
            RobotProfileError: a section is wrong, or does not fit the others.
        """
        return _changed(self, {**self.model_dump(mode="json"), **sections}, " and ".join(sections))

    def with_observation(
        self, state: Sequence[StatePart], tool: ToolFrame | None, cameras: Mapping[str, Camera]
    ) -> RobotProfile:
        """The robot as a policy wants to see it.

        Args:
            state: with the robot's names of joints.
            tool: see `ToolFrame`.
            cameras: by the policy's keys.

        Raises:
            RobotProfileError: the robot cannot give a part of the state.
        """
        written = renamed_state(state, removing(self.prefix))
        data = self.model_dump(mode="json") | {
            "state": [part.model_dump(mode="json") for part in written],
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
            kept = ("dt", "order", "spaces")
            data["action"] = {field: data["action"][field] for field in kept if field in data["action"]}
            data["action"]["space"] = space
        given = {"dt": dt, "frame": frame, "rotation": rotation, "scale": scale, **written}
        data["action"] |= {field: value for field, value in given.items() if value is not None}
        return _changed(self, data, "action")


def _changed(profile: RobotProfile, data: dict[str, Any], what: str) -> RobotProfile:
    try:
        return RobotProfile.model_validate(data)
    except ValidationError as error:
        problem = describe_problem(error, data, form_of(data))
        raise RobotProfileError(f"robot '{profile.name}' with another {what}: {problem}") from error


def _with_urdf_from(folder: Path, arm: Arm) -> Arm:
    section = arm.kinematics
    if section is None or section.urdf is None or section.urdf.startswith("package://"):
        return arm
    path = (folder / Path(section.urdf).expanduser()).resolve()
    return arm.model_copy(update={"kinematics": section.model_copy(update={"urdf": str(path)})})
