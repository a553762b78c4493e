"""What a robot profile's file holds: one arm in short, or several arms and grippers by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from hume_core.field_types import Name
from hume_core.robot_controllers import Controllers
from hume_core.robot_groups import ARM, GRIPPER, Arm, ArmSection, Gripper, OneOfGrippers
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
    Section,
    StateField,
)
from hume_core.state.parts import GripperPart, JointPart, StatePart
from hume_core.state.tool import ToolFrame
from hume_core.stop_sections import DeadMan, StopState


class ProfileBody(Section):
    """What is said of the robot as a whole."""

    joint_states: Name = "joint_states"
    cameras: dict[Name, Camera]
    state: tuple[StatePart, ...] = (JointPart(field=StateField.JOINT_POSITIONS), GripperPart(field=StateField.GRIPPER))
    tool: ToolFrame | None = None
    action: Action
    rates: Rates = Rates()
    observation: ObservationTiming = ObservationTiming()
    push: Push = Push()
    deadman: DeadMan | None = None
    stop_states: tuple[StopState, ...] = ()


class _OneArm(Section):
    """The fields of the only arm and the only gripper."""

    joints: Annotated[tuple[Joint, ...], Field(min_length=1, max_length=64)]
    gripper: GripperSection | None = None
    kinematics: KinematicsSection | None = None
    controllers: Controllers

    @model_validator(mode="after")
    def _controller_has_a_gripper(self) -> _OneArm:
        if self.controllers.gripper is not None and self.gripper is None:
            raise ValueError("controllers.gripper is given but the profile has no gripper section")
        return self


class _SeveralArms(Section):
    """Arms and grippers by name, and the node that manages their controllers. See `Controllers`."""

    arms: Annotated[dict[Name, ArmSection], Field(min_length=1, max_length=16)]
    grippers: Annotated[dict[Name, OneOfGrippers], Field(max_length=16)] = Field(default_factory=dict)
    controller_manager: str = "controller_manager"


# Fields come in the order of the bases from the last to the first.
class OneArmFile(ProfileBody, _OneArm, ProfileTitle):
    """A profile of a robot with one arm and at most one gripper."""


class SeveralArmsFile(ProfileBody, _SeveralArms, ProfileTitle):
    """A profile that names its arms and grippers, in the order of their joints."""


ProfileFile = OneArmFile | SeveralArmsFile


def form_of(data: Mapping[str, Any]) -> type[OneArmFile] | type[SeveralArmsFile]:
    """The form in which a file is written: with `arms` it names them."""
    return SeveralArmsFile if "arms" in data else OneArmFile


def groups_of(file: ProfileFile) -> dict[str, Any]:
    """The arms, the grippers and their manager, as `RobotProfile` has them."""
    if isinstance(file, SeveralArmsFile):
        return {
            "arms": tuple(Arm(name=name, **_fields(arm)) for name, arm in file.arms.items()),
            "grippers": tuple(Gripper(name=name, **_fields(gripper)) for name, gripper in file.grippers.items()),
            "controller_manager": file.controller_manager,
        }
    controllers = file.controllers
    arm = Arm(name=ARM, joints=file.joints, controller=controllers.arm, kinematics=file.kinematics)
    grippers = [] if file.gripper is None else [Gripper(**_fields(file.gripper), controller=controllers.gripper)]
    return {"arms": (arm,), "grippers": tuple(grippers), "controller_manager": controllers.controller_manager}


def sections_of(arms: tuple[Arm, ...], grippers: tuple[Gripper, ...], manager: str) -> dict[str, Any]:
    """The inverse of `groups_of`: the sections of a file, in short where the names need not be said."""
    if tuple(arm.name for arm in arms) != (ARM,) or [gripper.name for gripper in grippers] not in ([], [GRIPPER]):
        return {
            "arms": {arm.name: ArmSection(**_fields(arm, ArmSection)) for arm in arms},
            "grippers": {part.name: OneOfGrippers(**_fields(part, OneOfGrippers)) for part in grippers},
            "controller_manager": manager,
        }
    gripper = grippers[0] if grippers else None
    return {
        "joints": arms[0].joints,
        "gripper": None if gripper is None else GripperSection(**_fields(gripper, GripperSection)),
        "kinematics": arms[0].kinematics,
        "controllers": Controllers(
            arm=arms[0].controller,
            gripper=None if gripper is None else gripper.controller,
            controller_manager=manager,
        ),
    }


def file_content(profile: Mapping[str, Any], mode: str) -> dict[str, Any]:
    """What a file would hold.

    Args:
        profile: the fields of a `RobotProfile`, with names as in a file.
        mode: of pydantic's `model_dump`.
    """
    groups = sections_of(profile["arms"], profile["grippers"], profile["controller_manager"])
    shared = {field: profile[field] for field in (*ProfileTitle.model_fields, *ProfileBody.model_fields)}
    form = SeveralArmsFile if "arms" in groups else OneArmFile
    content = form.model_construct(**shared, **groups).model_dump(mode=mode)
    # Robots without a prefix need not say so.
    unsaid = {field: ProfileTitle.model_fields[field].default for field in ("prefix", "prefix_controllers")}
    return {field: value for field, value in content.items() if field not in unsaid or value != unsaid[field]}


def _fields(section: Section, form: type[Section] | None = None) -> dict[str, Any]:
    """The values of a section's fields, those of a base class alone where one is given."""
    return {name: getattr(section, name) for name in (form or type(section)).model_fields}
