"""What the numbers of an action row mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from pydantic import Field, model_validator

from hume_core.action_spaces import (
    ACTION_SPACES,
    ActionLayout,
    ActionSpace,
    AngleUnit,
    ArmGroup,
    DeltaFrame,
    Exact,
    GripperGroup,
    Reference,
    RotationFormat,
)
from hume_core.action_spaces.layout import Group
from hume_core.action_spaces.response import ResponseField
from hume_core.errors import ContractError
from hume_core.field_types import Finite, Name, SpaceName
from hume_core.policy_contract.facts import listed, numbers
from hume_core.robot_sections import Offsets, Scale, Section, Signs, written

SPACE, CONVENTIONS = "action space", ("frame", "rotation", "scale")
ADOPTED = ("reference", "response", "unit", "sign", "offset")
"""Fields that say how the numbers were made. The robot takes them over: nothing of them has to fit."""


class ContractArm(Section):
    """An arm's numbers of an action row.

    Attributes:
        name: of the arm.
        joints: in policy order.
        space: name of an `ActionSpace`.
        frame, rotation, scale: see `Conventions`. For spaces of the tool only, left out: its defaults.
        reference, response: see `Conventions`. For `ee_delta` only, left out: the robot profile's.
        unit, sign, offset: see `JointUnits`. For spaces of joints only, left out: the robot profile's.
    """

    name: Name
    joints: Annotated[tuple[Name, ...], Field(min_length=1)]
    space: SpaceName
    frame: DeltaFrame | None = None
    rotation: RotationFormat | None = None
    scale: Scale | None = None
    reference: Reference | None = None
    response: ResponseField | None = None
    unit: AngleUnit | None = None
    sign: Signs | None = None
    offset: Offsets | None = None

    @model_validator(mode="after")
    def _conventions_have_a_use(self) -> ContractArm:
        useful = ACTION_SPACES[self.space].written_with
        idle = [field for field in (*CONVENTIONS, *ADOPTED) if getattr(self, field) is not None and field not in useful]
        if idle:
            raise ValueError(f"{idle[0]} has no use in space '{self.space}'. Leave it out")
        if problem := self.meaning().misfit(len(self.joints)):
            raise ValueError(problem)
        return self

    @classmethod
    def of(cls, group: ArmGroup) -> ContractArm:
        """Of an arm of a layout."""
        space, found = group.space, group.space.conventions
        said = {field: getattr(found, field) for field in CONVENTIONS}
        said |= {field: getattr(found, field) for field in ("reference", "response")}
        said |= {field: getattr(found.joint_units, field) for field in ("unit", "sign", "offset")}
        # What is as everywhere else need not be said, so that older programs can read it.
        unsaid = {
            "reference": Reference.PREVIOUS_ROW,
            "response": Exact(),
            "unit": AngleUnit.RAD,
            "sign": (),
            "offset": (),
        }
        kept = {
            field: value for field, value in said.items() if field in space.written_with and unsaid.get(field) != value
        }
        return cls(name=group.name, joints=group.joints, space=space.name, **kept)

    def meaning(self) -> ActionSpace:
        """The action space with its conventions."""
        return ACTION_SPACES[self.space](written(self))

    def adopted(self) -> dict[str, Any]:
        """What a robot profile takes over from the checkpoint, whatever it says itself. Fields of `Action`."""
        said = self.model_dump(mode="json", include=set(ADOPTED))
        return {field: value for field, value in said.items() if value is not None}


class ContractGripper(Section):
    """A gripper's number of an action row.

    Attributes:
        name: of the gripper's joint.
        closed, open: the number for closed and for open. Left out: not known.
    """

    name: Name
    closed: Finite | None = None
    open: Finite | None = None


def adopted_of(arms: Sequence[ContractArm]) -> dict[str, Any]:
    """What a robot profile takes over for all arms together. See `ContractArm.adopted`.

    Raises:
        ContractError: the arms say different things that a profile has once.
    """
    if len(arms) == 1:
        return arms[0].adopted()
    joined: dict[str, Any] = {}
    for field in ADOPTED:
        useful = [field in ACTION_SPACES[arm.space].written_with for arm in arms]
        found = [arm.adopted().get(field) for arm in arms]
        given = found if field in ("sign", "offset") else [own for own, has in zip(found, useful, strict=True) if has]
        if field in ("sign", "offset"):
            # A list is of all joints. What an arm leaves out is plain.
            plain = 1 if field == "sign" else 0.0
            numbers = [own or [plain] * len(arm.joints) for own, arm in zip(given, arms, strict=True)]
            joined[field] = [number for own in numbers for number in own] if any(given) else None
        elif any(own != given[0] for own in given):
            raise ContractError(f"the arms of the checkpoint differ in {field}. A robot profile has one for all")
        elif given:
            joined[field] = given[0]
    return {field: value for field, value in joined.items() if value is not None}


def spaces_for_profile(arms: Sequence[ContractArm]) -> tuple[ContractArm, dict[str, str]]:
    """The arm whose space and conventions a profile's action has, and by name the spaces of the arms with another.

    Raises:
        ContractError: rows about the tools of two arms are written differently.
    """
    tools = [arm for arm in arms if ACTION_SPACES[arm.space].needs_kinematics]
    if len({(arm.frame, arm.rotation, arm.scale) for arm in tools}) > 1:
        raise ContractError(
            "the arms of the checkpoint write rows of their tools differently. A robot profile has one way"
        )
    first = (tools or arms)[0]
    return first, {arm.name: arm.space for arm in arms if arm.space != first.space}


def layout_of(arms: Iterable[ContractArm], grippers: Iterable[ContractGripper], row: Iterable[str]) -> ActionLayout:
    """How an action row is split. Without kinematics."""
    parts: dict[str, Group] = {arm.name: ArmGroup(arm.name, arm.joints, arm.meaning()) for arm in arms}
    parts |= {gripper.name: GripperGroup(gripper.name) for gripper in grippers}
    return ActionLayout(tuple(parts[name] for name in row))


def action_facts(
    arms: Sequence[ContractArm], grippers: Sequence[ContractGripper], row: Sequence[str]
) -> dict[str, str]:
    """What of an action row is compared with a robot, in words."""
    layout = layout_of(arms, grippers, row)
    written = [arm.meaning().conventions for arm in arms if ACTION_SPACES[arm.space].needs_kinematics]
    return {
        SPACE: f"'{layout.action_space}'",
        "frame": listed(item.frame.value for item in written),
        "rotation": listed(item.rotation.value for item in written),
        "scale": numbers([factor for item in written for factor in item.scale]),
        "joints": listed(layout.joint_names),
        "grippers": listed(gripper.name for gripper in grippers),
        "gripper closed": numbers([gripper.closed for gripper in grippers]),
        "gripper open": numbers([gripper.open for gripper in grippers]),
        "order of a row": listed(row),
    }
