"""Robot profiles: which joints, limits, cameras, controllers and rates a robot has, read from YAML.

A profile is the single place that ties a policy's keys to a robot's topics. Units are SI: m, rad, s.
"""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hume_core.action import ActionSpace
from hume_core.errors import RobotProfileError
from hume_core.limits import MotionLimits

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Joint(_Strict):
    """One arm joint and its limits.

    Attributes:
        name: as in `/joint_states` and in the URDF.
        position: lowest and highest position, rad.
        velocity: rad/s. acceleration: rad/s^2. jerk: rad/s^3.
        tracking: largest |command - measured|, rad.
        home: rest position, rad.
    """

    name: Name
    position: tuple[Finite, Finite]
    velocity: Positive
    acceleration: Positive
    jerk: Positive
    tracking: Positive = 0.35
    home: Finite = 0.0

    @model_validator(mode="after")
    def _home_is_reachable(self) -> Joint:
        low, high = self.position
        if low >= high:
            raise ValueError(f"position must be [lowest, highest] with lowest < highest, found [{low}, {high}]")
        if not low <= self.home <= high:
            raise ValueError(f"home {self.home} is outside position [{low}, {high}]")
        return self


class Gripper(_Strict):
    """A gripper driven by one position.

    Attributes:
        joint: name in `/joint_states`.
        closed, open: the joint's position when closed and when open, m or rad.
        policy_closed, policy_open: the policy's action for closed and open.
        speed: largest speed of the command, m/s or rad/s.
        binary: command only closed or open, with `hysteresis`.
        hysteresis: openings (0 closed .. 1 open) below which it closes and above which it opens.
    """

    joint: Name
    closed: Finite
    open: Finite
    policy_closed: Finite = 0.0
    policy_open: Finite = 1.0
    speed: Positive
    binary: bool = False
    hysteresis: tuple[Finite, Finite] = (0.4, 0.6)

    @model_validator(mode="after")
    def _ends_differ(self) -> Gripper:
        if self.closed == self.open or self.policy_closed == self.policy_open:
            raise ValueError("closed and open must differ, and so must policy_closed and policy_open")
        low, high = self.hysteresis
        if not 0.0 <= low <= high <= 1.0:
            raise ValueError(f"hysteresis must be 0 <= close <= open <= 1, found {list(self.hysteresis)}")
        return self


class Camera(_Strict):
    """A camera topic that feeds one camera key of the policy."""

    topic: Name
    transport: Literal["raw", "compressed"] = "raw"


class StateField(str, Enum):
    """Parts that `observation.state` can be put together from, in the order listed in the profile."""

    JOINT_POSITIONS = "joint_positions"
    JOINT_VELOCITIES = "joint_velocities"
    GRIPPER = "gripper"


class ArmControllerType(str, Enum):
    """Controllers of ros2_control that can take the command stream."""

    FORWARD_COMMAND = "forward_command"
    JOINT_TRAJECTORY = "joint_trajectory"


class ArmController(_Strict):
    """Where arm commands go."""

    type: ArmControllerType
    topic: Name


class GripperController(_Strict):
    """Where gripper commands go: a `Float64MultiArray` position topic or a `GripperCommand` action."""

    type: Literal["position", "gripper_action"] = "position"
    topic: Name


class Controllers(_Strict):
    """The robot's controllers."""

    arm: ArmController
    gripper: GripperController | None = None


class Action(_Strict):
    """What the policy's action rows mean, and the time between two rows, s."""

    space: ActionSpace
    dt: Positive


class Rates(_Strict):
    """Rates in Hz: command stream, System 1 (upper bound), System 2 (upper bound)."""

    stream: Annotated[float, Field(ge=20, le=1000)] = 200.0
    system1: Annotated[float, Field(gt=0, le=200)] = 90.0
    system2: Annotated[float, Field(gt=0, le=50)] = 4.0


class ObservationTiming(_Strict):
    """How far apart (`slop`, s) the parts of an observation may lie, and how old (`max_age`, s) it may be."""

    slop: Positive = 0.05
    max_age: Positive = 0.25


class RobotProfile(_Strict):
    """Everything the stack has to know about one robot. Load it with `RobotProfile.load`."""

    name: Name
    description: str = ""
    joints: Annotated[tuple[Joint, ...], Field(min_length=1)]
    gripper: Gripper | None = None
    joint_states: Name = "joint_states"
    cameras: dict[Name, Camera]
    state: tuple[StateField, ...] = (StateField.JOINT_POSITIONS, StateField.GRIPPER)
    action: Action
    controllers: Controllers
    rates: Rates = Rates()
    observation: ObservationTiming = ObservationTiming()

    @model_validator(mode="after")
    def _parts_agree(self) -> RobotProfile:
        names = self.joint_names
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"joints are listed twice: {', '.join(doubled)}")
        if StateField.GRIPPER in self.state and self.gripper is None:
            raise ValueError("state lists 'gripper' but the profile has no gripper section")
        if self.controllers.gripper is not None and self.gripper is None:
            raise ValueError("controllers.gripper is given but the profile has no gripper section")
        return self

    @classmethod
    def load(cls, name_or_path: str | Path) -> RobotProfile:
        """Read a profile from a YAML file, or by name from the installed profiles.

        Raises:
            RobotProfileError: unknown name, unreadable file, or a wrong field; names file, field and fix.
        """
        path = find_profile(name_or_path)
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise RobotProfileError(f"{path}: cannot be read as YAML: {error}") from error
        if not isinstance(data, dict):
            raise RobotProfileError(f"{path}: must be a mapping with the fields {', '.join(cls.model_fields)}")
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise RobotProfileError(f"{path}: {_describe(error, data)}") from error

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
        return sum(1 if field is StateField.GRIPPER else len(self.joints) for field in self.state)

    @property
    def action_dim(self) -> int:
        """Length of one action row: the arm's part of the action space, plus the gripper."""
        return self.action.space.arm_dim(len(self.joints)) + (self.gripper is not None)

    def motion_limits(self) -> MotionLimits:
        """The joints' limits as arrays in policy order."""
        return MotionLimits(
            names=self.joint_names,
            lower=np.array([joint.position[0] for joint in self.joints]),
            upper=np.array([joint.position[1] for joint in self.joints]),
            velocity=np.array([joint.velocity for joint in self.joints]),
            acceleration=np.array([joint.acceleration for joint in self.joints]),
            jerk=np.array([joint.jerk for joint in self.joints]),
            tracking=np.array([joint.tracking for joint in self.joints]),
        )


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
        RobotProfileError: no such file or name; lists the known names.
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
    known = ", ".join(known_profiles()) or "none is installed; source the workspace's install/setup.bash"
    raise RobotProfileError(f"unknown robot '{name_or_path}'; known robots: {known}. A path to a .yaml file works too")


def _describe(error: ValidationError, data: dict[str, Any]) -> str:
    """The first problem as one line: field, what was found, what is valid."""
    problem = error.errors()[0]
    field = ".".join(_label(data, problem["loc"], i) for i in range(len(problem["loc"])))
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        valid = ", ".join(_valid_fields(problem["loc"][:-1]))
        return f"field '{field}' is unknown; valid here: {valid}{more}"
    if problem["type"] == "missing":
        return f"field '{field}' is missing; add it{more}"
    found = "" if not problem["loc"] else f"; found {problem['input']!r}"
    return f"field '{field or 'profile'}': {problem['msg'].removeprefix('Value error, ')}{found}{more}"


def _label(data: Any, location: tuple[int | str, ...], i: int) -> str:
    """A list position becomes the joint's name where it has one."""
    part = location[i]
    if not isinstance(part, int):
        return str(part)
    for key in location[: i + 1]:
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            return str(part)
    name = data.get("name") if isinstance(data, dict) else None
    return str(name or part)


def _valid_fields(location: tuple[int | str, ...]) -> list[str]:
    """Field names of the section at `location`."""
    sections: dict[str, type[BaseModel]] = {
        "joints": Joint, "gripper": Gripper, "cameras": Camera, "action": Action, "controllers": Controllers,
        "arm": ArmController, "rates": Rates, "observation": ObservationTiming,
    }  # fmt: skip
    names = [part for part in location if isinstance(part, str)]
    if names[:2] == ["controllers", "gripper"]:
        return list(GripperController.model_fields)
    known = [sections[name] for name in names if name in sections]
    return list((known[-1] if known else RobotProfile).model_fields)
