"""The contract: what a checkpoint's state and action rows hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from hume_core.action_spaces import ActionLayout
from hume_core.errors import ContractError
from hume_core.field_types import Name, Positive
from hume_core.json_file import read_json
from hume_core.policy_contract.arm import CONVENTIONS, SPACE, ContractArm, ContractGripper, action_facts, layout_of
from hume_core.policy_contract.facts import UNKNOWN, listed
from hume_core.policy_contract.timing import Timing, timing_facts
from hume_core.robot import RobotProfile
from hume_core.robot_errors import describe_problem
from hume_core.robot_sections import Section, StateField
from hume_core.texts import shown

CONTRACT_FILE = "policy_contract.json"
VERSION = 1


class PolicyContract(Section):
    """What a checkpoint's state and action rows hold.

    Attributes:
        version: of this file's format.
        dt: time between two rows of a chunk, s.
        arms, grippers: the parts of an action row.
        row: names of arms and grippers in the order of the row's numbers.
        state: parts of `observation.state` in order.
        timing: what else is known of when rows are due.
    """

    version: Literal[1] = 1
    dt: Positive
    arms: Annotated[tuple[ContractArm, ...], Field(min_length=1)]
    grippers: tuple[ContractGripper, ...] = ()
    row: tuple[Name, ...]
    state: Annotated[tuple[StateField, ...], Field(min_length=1)]
    timing: Timing = Timing()

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
        return layout_of(self.arms, self.grippers, self.row)

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
        skipped = CONVENTIONS if mine[SPACE] != theirs[SPACE] else ()
        return [
            f"{what}: the checkpoint has {fact}, the robot {theirs[what]}"
            for what, fact in mine.items()
            if fact not in (theirs[what], UNKNOWN) and what not in skipped
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
        return profile.with_action(
            arm.space, self.dt, arm.frame, arm.rotation, arm.scale, **arm.adopted(), **self.timing.adopted()
        )

    def _facts(self) -> dict[str, str]:
        """What is compared, in words."""
        return {
            **action_facts(self.arms, self.grippers, self.row),
            **timing_facts(self.dt, self.timing),
            "state": listed(field.value for field in self.state),
        }
