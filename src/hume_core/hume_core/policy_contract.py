"""What a checkpoint's numbers mean, in `policy_contract.json` beside its `config.json`.

`config.json` has the released layout and says only how many numbers there are. Units: m, rad, s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

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
from hume_core.errors import ContractError
from hume_core.field_types import Finite, Name, Positive, SpaceName
from hume_core.json_file import read_json
from hume_core.robot import RobotProfile
from hume_core.robot_errors import describe_problem
from hume_core.robot_sections import Scale, Section, StateField
from hume_core.texts import shown

CONTRACT_FILE = "policy_contract.json"
VERSION = 1
_SPACE, _CONVENTIONS = "action space", ("frame", "rotation", "scale")
_UNKNOWN = "unknown"


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


class PolicyContract(Section):
    """What a checkpoint's state and action rows hold.

    Attributes:
        version: of this file's format.
        dt: time between two rows of a chunk, s.
        arms, grippers: the parts of an action row.
        row: names of arms and grippers in the order of the row's numbers.
        state: parts of `observation.state` in order.
    """

    version: Literal[1] = 1
    dt: Positive
    arms: Annotated[tuple[ContractArm, ...], Field(min_length=1)]
    grippers: tuple[ContractGripper, ...] = ()
    row: tuple[Name, ...]
    state: Annotated[tuple[StateField, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _row_names_every_part_once(self) -> PolicyContract:
        parts = [*(arm.name for arm in self.arms), *(gripper.name for gripper in self.grippers)]
        if sorted(self.row) != sorted(parts) or len(set(parts)) < len(parts):
            raise ValueError(f"row must name each of {', '.join(parts)} once, found {list(self.row)}")
        return self

    @classmethod
    def of(cls, profile: RobotProfile) -> PolicyContract:
        """What a checkpoint for a robot has to keep to."""
        layout, gripper = profile.action_layout(), profile.gripper
        grippers = [] if gripper is None else [{"closed": gripper.policy_closed, "open": gripper.policy_open}]
        return cls(
            dt=profile.action.dt,
            arms=tuple(ContractArm.of(arm) for arm in layout.arms),
            grippers=tuple(
                ContractGripper(name=name, **ends) for name, ends in zip(layout.gripper_names, grippers, strict=True)
            ),
            row=tuple(group.name for group in layout.groups),
            state=profile.state,
        )

    @classmethod
    def load(cls, folder: str | Path) -> PolicyContract | None:
        """Read a checkpoint folder's contract; None where the file is missing, as in released checkpoints.

        Raises:
            ContractError: the file is no JSON, of another version, or a field is unknown, missing or wrong; names
                file and field.
        """
        path = Path(folder) / CONTRACT_FILE
        try:
            content = read_json(path, ContractError)
        except FileNotFoundError:
            return None
        if not isinstance(content, dict):
            raise ContractError(f"{path} must hold one JSON object with the fields {', '.join(cls.model_fields)}")
        if content.get("version") != VERSION:
            raise ContractError(
                f"{path}: field 'version' is {shown(content.get('version'))}; this program reads {VERSION}"
            )
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise ContractError(f"{path}: {describe_problem(error, content, cls)}") from error

    def save(self, folder: str | Path) -> None:
        """Write the contract into a checkpoint folder that exists.

        Raises:
            ContractError: the file cannot be written.
        """
        path = Path(folder) / CONTRACT_FILE
        try:
            path.write_text(self.model_dump_json(indent=2, exclude_none=True) + "\n", encoding="utf-8")
        except OSError as error:
            raise ContractError(f"cannot write {path}: {error}") from error

    def layout(self) -> ActionLayout:
        """How an action row is split; without kinematics."""
        parts: dict[str, Group] = {arm.name: ArmGroup(arm.name, arm.joints, arm.meaning()) for arm in self.arms}
        parts |= {gripper.name: GripperGroup(gripper.name) for gripper in self.grippers}
        return ActionLayout(tuple(parts[name] for name in self.row))

    @property
    def action_dim(self) -> int:
        """Numbers of an action row."""
        return self.layout().size

    @property
    def state_dim(self) -> int:
        """Numbers of `observation.state`."""
        joints = sum(len(arm.joints) for arm in self.arms)
        return sum(len(self.grippers) if field is StateField.GRIPPER else joints for field in self.state)

    def differences(self, profile: RobotProfile) -> list[str]:
        """What of a robot profile is not as the checkpoint needs it, a line each; empty: it fits."""
        mine, theirs = self._facts(), PolicyContract.of(profile)._facts()
        # How rows about the tool are written says nothing beside rows that mean something else.
        skipped = _CONVENTIONS if mine[_SPACE] != theirs[_SPACE] else ()
        return [
            f"{what}: the checkpoint has {fact}, the robot {theirs[what]}"
            for what, fact in mine.items()
            if fact not in (theirs[what], _UNKNOWN) and what not in skipped
        ]

    def adapt(self, profile: RobotProfile) -> RobotProfile:
        """The robot with the checkpoint's action space, conventions and time step.

        Raises:
            ContractError: the checkpoint drives several arms, which a profile cannot.
            RobotProfileError: the profile lacks kinematics that the space needs.
        """
        if len(self.arms) > 1:
            raise ContractError(f"the checkpoint drives {len(self.arms)} arms; a robot profile has one")
        arm = self.arms[0]
        return profile.with_action(arm.space, self.dt, arm.frame, arm.rotation, arm.scale)

    def _facts(self) -> dict[str, str]:
        """What is compared, in words."""
        layout = self.layout()
        written = [arm.meaning().conventions for arm in self.arms if ACTION_SPACES[arm.space].needs_kinematics]
        return {
            _SPACE: f"'{layout.action_space}'",
            "frame": _listed(item.frame.value for item in written),
            "rotation": _listed(item.rotation.value for item in written),
            "scale": _numbers([factor for item in written for factor in item.scale]),
            "dt": f"{self.dt:.6g} s",
            "joints": _listed(layout.joint_names),
            "grippers": _listed(gripper.name for gripper in self.grippers),
            "gripper closed": _numbers([gripper.closed for gripper in self.grippers]),
            "gripper open": _numbers([gripper.open for gripper in self.grippers]),
            "order of a row": _listed(self.row),
            "state": _listed(field.value for field in self.state),
        }


def _numbers(numbers: Sequence[float | None]) -> str:
    if None in numbers:
        return _UNKNOWN
    return _listed(f"{number:.6g}" for number in numbers)


def _listed(parts: Iterable[str]) -> str:
    return f"[{', '.join(parts)}]"
