"""The contract: what a checkpoint's state and action rows hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from hume_core.action_spaces import ACTION_SPACES, ActionLayout
from hume_core.errors import ContractError
from hume_core.field_types import Name, Positive
from hume_core.json_file import read_json
from hume_core.policy_contract.arm import (
    CONVENTIONS,
    SPACE,
    ContractArm,
    ContractGripper,
    action_facts,
    adopted_of,
    layout_of,
    spaces_for_profile,
)
from hume_core.policy_contract.cameras import ContractCamera, camera_problems, policy_cameras
from hume_core.policy_contract.facts import UNKNOWN
from hume_core.policy_contract.state import names_joints, state_problems
from hume_core.policy_contract.timing import Timing, timing_facts
from hume_core.robot import RobotProfile
from hume_core.robot_errors import describe_problem
from hume_core.robot_prefix import adding, renamed_state
from hume_core.robot_sections import Section
from hume_core.state.fitting import column_names, missing_for, tools_named
from hume_core.state.parts import StatePart
from hume_core.state.tool import ToolFrame
from hume_core.texts import shown

CONTRACT_FILE = "policy_contract.json"
VERSION = 2
_READABLE = (1, VERSION)
MARK = "FILL IN"
"""Begins the text in a draft where an answer is wanted."""


class PolicyContract(Section):
    """What a checkpoint's state and action rows hold.

    Attributes:
        version: of this file's format.
        dt: time between two rows of a chunk, s.
        arms, grippers: the parts of an action row.
        row: names of arms and grippers in the order of the row's numbers.
        state: parts of `observation.state` in order. Words alone, as in version 1, have their defaults. With several
            arms each part about a tool says whose. Left out: one for each of `arms`.
        tool: where the policy's tool and world frames are. Left out: as the robot's.
        cameras: key -> what was done to its pictures. Keys left out: nothing.
        timing: what else is known of when rows are due.
    """

    version: Literal[2] = 2
    dt: Positive
    arms: Annotated[tuple[ContractArm, ...], Field(min_length=1)]
    grippers: tuple[ContractGripper, ...] = ()
    row: tuple[Name, ...]
    state: Annotated[tuple[StatePart, ...], Field(min_length=1)]
    tool: ToolFrame | None = None
    cameras: dict[Name, ContractCamera] = Field(default_factory=dict)
    timing: Timing = Timing()

    @model_validator(mode="after")
    def _row_names_every_part_once(self) -> PolicyContract:
        parts = [*(arm.name for arm in self.arms), *(gripper.name for gripper in self.grippers)]
        if sorted(self.row) != sorted(parts) or len(set(parts)) < len(parts):
            raise ValueError(f"row must name each of {', '.join(parts)} once, found {list(self.row)}")
        return self

    @model_validator(mode="after")
    def _state_is_of_these_parts(self) -> PolicyContract:
        names = [arm.name for arm in self.arms]
        for problem in missing_for(self.state, self.joint_names, self.gripper_names, names):
            raise ValueError(problem.replace("the profile has no gripper section", "grippers is empty"))
        # Values cannot be written from outside. Here the object is still being made.
        self.__dict__["state"] = tools_named(self.state, names, names)
        return self

    @classmethod
    def of(cls, profile: RobotProfile) -> PolicyContract:
        """What a checkpoint for a robot has to keep to."""
        layout = profile.action_layout()
        return cls(
            dt=profile.action.dt,
            arms=tuple(ContractArm.of(arm) for arm in layout.arms),
            grippers=tuple(
                ContractGripper(name=gripper.joint, closed=gripper.policy_closed, open=gripper.policy_open)
                for gripper in profile.grippers
            ),
            row=tuple(group.name for group in layout.groups),
            state=profile.state,
            tool=profile.tool,
            cameras={
                key: ContractCamera(**camera.policy.model_dump())
                for key, camera in profile.cameras.items()
                if camera.policy is not None
            },
        )

    @classmethod
    def load(cls, folder: str | Path) -> PolicyContract | None:
        """Read a checkpoint folder's contract. None where the file is missing, as in released checkpoints.

        Raises:
            ContractError: the file is no JSON, of another version, or a field is unknown, missing or wrong. Names
                file and field.
        """
        path = Path(folder) / CONTRACT_FILE
        try:
            content = read_json(path, ContractError)
        except FileNotFoundError:
            return None
        return cls.from_content(content, str(path))

    @classmethod
    def from_content(cls, content: Any, where: str) -> PolicyContract:
        """Of what a file holds.

        Args:
            content: as read.
            where: begins the messages, such as the file's name.

        Raises:
            ContractError: see `load`. Also where a draft has still to be filled in.
        """
        if not isinstance(content, dict):
            raise ContractError(f"{where} must hold one JSON object with the fields {', '.join(cls.model_fields)}")
        if content.get("version") not in _READABLE:
            readable = " and ".join(map(str, _READABLE))
            raise ContractError(
                f"{where}: field 'version' is {shown(content.get('version'))}. This program reads {readable}"
            )
        open_fields = list(_unfilled(content))
        if open_fields:
            raise ContractError(
                f"{where} is a draft: fill in {', '.join(open_fields)}. See docs/released_checkpoints.md"
            )
        try:
            return cls.model_validate(content | {"version": VERSION})
        except ValidationError as error:
            raise ContractError(f"{where}: {describe_problem(error, content, cls)}") from error

    def to_json(self) -> str:
        """The content of its file."""
        return self.model_dump_json(indent=2, exclude_none=True)

    def save(self, folder: str | Path) -> None:
        """Write the contract into a checkpoint folder that exists.

        Raises:
            ContractError: the file cannot be written.
        """
        path = Path(folder) / CONTRACT_FILE
        try:
            path.write_text(self.to_json() + "\n", encoding="utf-8")
        except OSError as error:
            raise ContractError(f"cannot write {path}: {error}") from error

    def layout(self) -> ActionLayout:
        """How an action row is split. Without kinematics."""
        return layout_of(self.arms, self.grippers, self.row)

    @property
    def action_dim(self) -> int:
        """Numbers of an action row."""
        return self.layout().size

    @property
    def state_dim(self) -> int:
        """Numbers of `observation.state`."""
        return len(self.state_names)

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joints of all arms, arm by arm."""
        return tuple(name for arm in self.arms for name in arm.joints)

    @property
    def gripper_names(self) -> tuple[str, ...]:
        """Joints of all grippers."""
        return tuple(gripper.name for gripper in self.grippers)

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the numbers of `observation.state`, in order."""
        return column_names(self.state, self.joint_names, self.gripper_names)

    def differences(self, profile: RobotProfile) -> list[str]:
        """What of a robot profile is not as the checkpoint needs it, a line each. Empty: it fits."""
        mine, theirs = self._prefixed(profile)._renamed(profile)._facts(), PolicyContract.of(profile)._facts()
        # How rows about the tool are written says nothing beside rows that mean something else.
        skipped = CONVENTIONS if mine[SPACE] != theirs[SPACE] else ()
        return [
            *(
                f"{what}: the checkpoint has {fact}, the robot {theirs[what]}"
                for what, fact in mine.items()
                if fact not in (theirs[what], UNKNOWN) and what not in skipped
            ),
            *self.observation_problems(profile),
        ]

    def observation_problems(self, profile: RobotProfile) -> list[str]:
        """What of state and pictures a robot cannot give, a line each. Empty: everything can be composed."""
        state = self._prefixed(profile).state
        return [*state_problems(state, self.tool, profile), *camera_problems(self.cameras, profile.cameras)]

    def seen_by(self, profile: RobotProfile) -> RobotProfile:
        """The robot with the state, tool frame and camera pictures that the checkpoint wants, and its writing of rows.

        Raises:
            RobotProfileError: it cannot give them. `differences` names everything that is missing.
        """
        adopted = {**adopted_of(self.arms), **self.timing.adopted()}
        profile = profile.with_action(**adopted) if adopted else profile
        state, cameras = self._prefixed(profile).state, policy_cameras(self.cameras, profile.cameras)
        if (state, self.tool, cameras) == (profile.state, profile.tool, profile.cameras):
            return profile
        return profile.with_observation(state, self.tool, cameras)

    def adapt(self, profile: RobotProfile) -> RobotProfile:
        """The robot with the checkpoint's action space, conventions and time step, and seen as it wants.

        Raises:
            ContractError: the checkpoint drives another number of arms, or writes rows of their tools differently.
            RobotProfileError: the profile lacks kinematics that the space needs.
        """
        if len(self.arms) != len(profile.arms):
            raise ContractError(
                f"the checkpoint drives {len(self.arms)} arms, and robot '{profile.name}' has {len(profile.arms)}"
            )
        arm, others = spaces_for_profile(self.arms)
        # A robot with one arm says nothing of others.
        spaces = {"spaces": others} if others or profile.action.spaces else {}
        return self.seen_by(profile.with_action(arm.space, self.dt, arm.frame, arm.rotation, arm.scale, **spaces))

    def _facts(self) -> dict[str, str]:
        """What is compared, in words."""
        return {
            **action_facts(self.arms, self.grippers, self.row),
            **timing_facts(self.dt, self.timing),
        }

    def _prefixed(self, profile: RobotProfile) -> PolicyContract:
        """With the robot's prefix before names of joints, where the checkpoint was made for a robot without it."""
        prefix = profile.prefix
        if not prefix or set(self.joint_names) & set(profile.joint_names):
            return self
        arms = [arm.model_copy(update={"joints": tuple(prefix + name for name in arm.joints)}) for arm in self.arms]
        grippers = [part.model_copy(update={"name": prefix + part.name}) for part in self.grippers]
        row = tuple(prefix + name if name in self.gripper_names else name for name in self.row)
        state = renamed_state(self.state, adding(prefix))
        return self.model_copy(update={"arms": tuple(arms), "grippers": tuple(grippers), "row": row, "state": state})

    def _renamed(self, profile: RobotProfile) -> PolicyContract:
        """With the robot's names of joints and gripper where the numbers are of the tool: they fit any make of arm."""
        about_the_tool = all(ACTION_SPACES[arm.space].needs_kinematics for arm in self.arms)
        if not about_the_tool or names_joints(self.state):
            return self
        robot = PolicyContract.of(profile)
        if not _alike(self, robot):
            return self
        pairs = zip(self.grippers, robot.grippers, strict=False)
        names = {gripper.name: theirs.name for gripper, theirs in pairs}
        names |= {arm.name: theirs.name for arm, theirs in zip(self.arms, robot.arms, strict=True)}
        arms = [
            arm.model_copy(update={"name": theirs.name, "joints": theirs.joints})
            for arm, theirs in zip(self.arms, robot.arms, strict=True)
        ]
        grippers = [part.model_copy(update={"name": names.get(part.name, part.name)}) for part in self.grippers]
        row = tuple(names.get(name, name) for name in self.row)
        return self.model_copy(update={"arms": tuple(arms), "grippers": tuple(grippers), "row": row})


def _alike(ours: PolicyContract, robot: PolicyContract) -> bool:
    """Whether it is clear which arm and gripper of a robot is which: there is one, or several with the same names."""
    if len(ours.arms) == len(robot.arms) == 1:
        return max(len(ours.grippers), len(robot.grippers)) <= 1
    same = [arm.name for arm in ours.arms] == [arm.name for arm in robot.arms]
    return same and len(ours.grippers) == len(robot.grippers)


def _unfilled(content: Any, path: str = "") -> Iterator[str]:
    """The fields of a draft that still wait for an answer."""
    if isinstance(content, str) and content.startswith(MARK):
        yield path
    elif isinstance(content, dict | list):
        pairs = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in pairs:
            yield from _unfilled(value, f"{path}.{key}" if path else str(key))
