"""What the numbers of an action row mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field, model_validator

from hume_core.action_spaces import (
    ACTION_SPACES,
    ActionLayout,
    ActionSpace,
    ArmGroup,
    Conventions,
    DeltaFrame,
    GripperGroup,
    RotationFormat,
)
from hume_core.action_spaces.layout import Group
from hume_core.field_types import Finite, Name, SpaceName
from hume_core.policy_contract.facts import listed, numbers
from hume_core.robot_sections import Scale, Section

SPACE, CONVENTIONS = "action space", ("frame", "rotation", "scale")


class ContractArm(Section):
    """An arm's numbers of an action row.

    Attributes:
        name: of the arm.
        joints: in policy order.
        space: name of an `ActionSpace`.
        frame, rotation, scale: see `Conventions`; for spaces of the tool only, left out: its defaults.
    """

    name: Name
    joints: Annotated[tuple[Name, ...], Field(min_length=1)]
    space: SpaceName
    frame: DeltaFrame | None = None
    rotation: RotationFormat | None = None
    scale: Scale | None = None

    @model_validator(mode="after")
    def _conventions_have_a_use(self) -> ContractArm:
        given = [field for field in ("frame", "rotation", "scale") if getattr(self, field) is not None]
        if given and not ACTION_SPACES[self.space].needs_kinematics:
            raise ValueError(f"{given[0]} has no use in space '{self.space}'; leave it out")
        return self

    @classmethod
    def of(cls, group: ArmGroup) -> ContractArm:
        """Of an arm of a layout."""
        arm = cls(name=group.name, joints=group.joints, space=group.space.name)
        if not group.space.needs_kinematics:
            return arm
        written = group.space.conventions
        return arm.model_copy(update={"frame": written.frame, "rotation": written.rotation, "scale": written.scale})

    def meaning(self) -> ActionSpace:
        """The action space with its conventions."""
        return ACTION_SPACES[self.space](Conventions.given(self.frame, self.rotation, self.scale))


class ContractGripper(Section):
    """A gripper's number of an action row.

    Attributes:
        name: of the gripper's joint.
        closed, open: the number for closed and for open; left out: not known.
    """

    name: Name
    closed: Finite | None = None
    open: Finite | None = None


def layout_of(arms: Iterable[ContractArm], grippers: Iterable[ContractGripper], row: Iterable[str]) -> ActionLayout:
    """How an action row is split; without kinematics."""
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
