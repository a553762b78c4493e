"""The sections of a robot profile. Units are SI: m, rad, s."""

from __future__ import annotations

from math import pi
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from hume_core.action_spaces import (
    ACTION_SPACES,
    ActionSpace,
    AngleUnit,
    Conventions,
    DeltaFrame,
    JointUnits,
    Reference,
    RotationFormat,
    find_action_space,
)
from hume_core.action_spaces.response import ResponseField
from hume_core.camera_operations import CameraOperations
from hume_core.field_types import Finite, Name, Positive, Prefix, SpaceName
from hume_core.node_settings import STREAM_RATE
from hume_core.plausible_types import Acceleration, Age, Angle, Jerk, Period, Tracking, Velocity
from hume_core.sections import Section
from hume_core.state.kinds import StateField
from hume_core.state.tool import Placement

__all__ = [
    "Action", "Camera", "GripperSection", "Joint", "KinematicsSection", "ObservationTiming", "ProfileTitle", "Push",
    "Rates", "Scale", "Section", "StateField",
]  # fmt: skip

Scale = Annotated[tuple[Positive, ...], Field(min_length=6, max_length=6)]
Signs = Annotated[tuple[Literal[1, -1], ...], Field(min_length=1)]
EVERY_SEGMENT = "multiples_of_s1_chunk_size"
"""Progress at which the segments of a chunk begin that lie end to end."""
_Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Progress = Literal["multiples_of_s1_chunk_size"] | Annotated[tuple[_Share, ...], Field(min_length=1, max_length=1000)]
Offsets = Annotated[tuple[Finite, ...], Field(min_length=1)]


class ProfileTitle(Section):
    """What a profile begins with.

    Attributes:
        name: of the file.
        description: for people.
        prefix: stands before the robot's names, which a file gives without it. See `robot_prefix`.
        prefix_controllers: whether the controllers' names have it too.
    """

    name: Name
    description: str = ""
    prefix: Prefix = ""
    prefix_controllers: bool = True


class Joint(Section):
    """One arm joint and its limits.

    Attributes:
        name: as in `/joint_states` and in the URDF.
        position: lowest and highest position, rad. Left out for a continuous joint.
        continuous: it may turn without end: angles a whole turn apart are the same place.
        velocity: rad/s. acceleration: rad/s^2. jerk: rad/s^3.
        tracking: largest |command - measured|, rad.
        home: rest position, rad.
    """

    name: Name
    position: tuple[Angle, Angle] | None = None
    continuous: bool = False
    velocity: Velocity
    acceleration: Acceleration
    jerk: Jerk
    tracking: Tracking = 0.35
    home: Angle = 0.0

    @model_validator(mode="after")
    def _home_is_reachable(self) -> Joint:
        if self.position is None:
            return self._without_limits()
        if self.continuous:
            raise ValueError("a continuous joint has no position limits. Leave out position, or continuous")
        low, high = self.position
        if low >= high:
            raise ValueError(f"position must be [lowest, highest] with lowest < highest, found [{low}, {high}]")
        if not low <= self.home <= high:
            raise ValueError(f"home {self.home} is outside position [{low}, {high}]")
        return self

    def _without_limits(self) -> Joint:
        if not self.continuous:
            raise ValueError(
                "position is missing. Add position: [lowest, highest], or continuous: true if the joint has no limits"
            )
        if self.tracking >= pi:
            raise ValueError(f"tracking of a continuous joint must be below pi (half a turn), found {self.tracking}")
        return self


class GripperSection(Section):
    """A gripper driven by one position.

    Attributes:
        joint: name in `/joint_states`.
        closed, open: the joint's position when closed and when open, m or rad.
        policy_closed, policy_open: the policy's action for closed and open.
        speed: largest speed of the command, m/s or rad/s.
        force: what a gripper behind an action may grip with, N or Nm. Left out: the driver's own, if it has one.
        binary: command only closed or open, with `hysteresis`.
        hysteresis: openings (0 closed .. 1 open) below which it closes and above which it opens.
    """

    joint: Name
    closed: Finite
    open: Finite
    policy_closed: Finite = 0.0
    policy_open: Finite = 1.0
    speed: Positive
    force: Positive | None = None
    binary: bool = False
    hysteresis: tuple[Finite, Finite] = (0.4, 0.6)

    @model_validator(mode="after")
    def _ends_differ(self) -> GripperSection:
        if self.closed == self.open or self.policy_closed == self.policy_open:
            raise ValueError("closed and open must differ, and so must policy_closed and policy_open")
        low, high = self.hysteresis
        if not 0.0 <= low <= high <= 1.0:
            raise ValueError(f"hysteresis must be 0 <= close <= open <= 1, found {list(self.hysteresis)}")
        return self


class Camera(CameraOperations):
    """A camera topic that feeds one camera key of the policy.

    Its own operations set the picture upright. Those of the policy follow.

    Attributes:
        topic: of its images.
        transport: raw or compressed.
        policy: what the policy's training did to an upright picture. Left out: nothing.
    """

    topic: Name
    transport: Literal["raw", "compressed"] = "raw"
    policy: CameraOperations | None = None

    @model_serializer(mode="wrap")
    def _short(self, write: SerializerFunctionWrapHandler) -> Any:
        """Operations that do nothing are not written."""
        plain = Camera(topic=self.topic)
        operations = (*CameraOperations.model_fields, "policy")
        return {
            name: value
            for name, value in write(self).items()
            if name not in operations or getattr(self, name) != getattr(plain, name)
        }

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture that the policy gets of an image (height, width, 3) of the topic."""
        upright = self.apply(image)
        return upright if self.policy is None else self.policy.apply(upright)


class Action(Section):
    """What the policy's action rows mean.

    Attributes:
        space: name of an `ActionSpace`.
        dt: time between two rows, s.
        frame: axes of `ee_delta` rows.
        rotation: format of the rotation in end-effector rows.
        scale: what the six numbers of an end-effector row are multiplied by to give m and rad. Left out: 1.
        reference: what `ee_delta` rows are counted from. Left out: the row before.
        response: how the arm of the demonstrations followed `ee_delta` rows. Left out: exactly.
        unit, sign, offset: a joint is ``sign * (number - offset)`` in this unit. Left out: rad, as the joint counts.
        system1_progress: shares of a chunk at which System 1 may start, as in its training. Left out: anywhere.
        spaces: by an arm's name the space of one that has another than `space`, such as a torso without a tool.
        order: the arms and grippers in the order of a row's numbers, such as `arms.left`. Left out: the arms, then the
            grippers.
    """

    space: SpaceName
    dt: Period
    frame: DeltaFrame = DeltaFrame.BASE
    rotation: RotationFormat = RotationFormat.ROTATION_VECTOR
    scale: Scale | None = None
    reference: Reference | None = None
    response: ResponseField | None = None
    unit: AngleUnit | None = None
    sign: Signs | None = None
    offset: Offsets | None = None
    system1_progress: Progress | None = None
    spaces: Annotated[dict[Name, SpaceName], Field(max_length=16)] | None = None
    order: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None

    @model_serializer(mode="wrap")
    def _short(self, write: SerializerFunctionWrapHandler) -> Any:
        """Robots with one arm need not say the order, nor who has another space."""
        return {name: value for name, value in write(self).items() if name not in ("order", "spaces") or value}

    @model_validator(mode="after")
    def _fields_have_a_use(self) -> Action:
        used = {self.space, *(self.spaces or {}).values()}
        useful = {field for space in used for field in find_action_space(space).written_with}
        for field in ("scale", "reference", "response", "unit", "sign", "offset"):
            if getattr(self, field) is not None and field not in useful:
                users = " and ".join(name for name, space in ACTION_SPACES.items() if field in space.written_with)
                raise ValueError(f"{field} belongs to {users}. Leave it out with space '{self.space}'")
        return self

    def meaning(self, tool: Placement | None = None, arm: str | None = None) -> ActionSpace:
        """The action space with its conventions.

        Args:
            tool: the frame that rows are about, seen from `tool_link`. None: that link.
            arm: whose. None: of the arms that `spaces` does not name.
        """
        space = find_action_space((self.spaces or {}).get(arm or "", self.space))
        return space(written(self, tool if space.needs_kinematics else None))


def written(section: Any, offset: Placement | None = None) -> Conventions:
    """How rows are written, by the fields of a profile's or contract's section."""
    tool = {field: getattr(section, field) for field in ("frame", "rotation", "scale", "reference", "response")}
    if offset is not None and not offset.is_plain:
        tool |= {"tool_offset": offset.translation, "tool_rotation": offset.rotation}
    joints = {field: getattr(section, field) for field in ("unit", "sign", "offset")}
    given = {field: value for field, value in joints.items() if value is not None}
    return Conventions.given(**tool, joint_units=JointUnits(**given) if given else None)


class KinematicsSection(Section):
    """What inverse kinematics needs. Units m, rad.

    Attributes:
        urdf: path of the URDF, from the profile's folder if relative, or `package://NAME/path`. Left out: the text
            comes from the topic `robot_description`.
        base_link: what poses are seen from.
        tool_link: the end effector's frame.
        position_tolerance, rotation_tolerance: how far from its target the tool may end.
        rotation_weight: what one radian counts beside one metre, m/rad. Small for arms with fewer than six joints.
        posture_gain: how fast spare joints go home, 1/s.
    """

    urdf: Name | None = None
    base_link: Name
    tool_link: Name
    position_tolerance: Positive = 0.002
    rotation_tolerance: Positive = 0.0088
    rotation_weight: Positive = 0.2
    posture_gain: Annotated[float, Field(ge=0, le=10)] = 0.2


class Push(Section):
    """What happens to a pushed arm. See docs/add_my_robot.md.

    Attributes:
        settle: how long the arm must follow again before motion goes on, s.
        timeout: longest push that is not a fault, s.
        reach: how far the command follows the arm, as a multiple of the joint's `tracking`.
        jump_speed: multiple of the joint's `velocity` at which no arm moves, even when pushed: what is measured to
            be faster than this (and than 10 rad/s) is no motion.
    """

    settle: Positive = 0.1
    timeout: Positive = 1.5
    reach: Annotated[float, Field(gt=0, le=10)] = 1.0
    jump_speed: Annotated[float, Field(ge=1, le=100)] = 5.0

    @model_validator(mode="after")
    def _a_push_can_end(self) -> Push:
        if self.settle >= self.timeout:
            raise ValueError(f"settle must be below timeout, found {self.settle} and {self.timeout} s")
        return self


class Rates(Section):
    """Rates in Hz: command stream, System 1 (upper bound), System 2 (upper bound)."""

    stream: Annotated[float, Field(ge=STREAM_RATE.low, le=STREAM_RATE.high)] = STREAM_RATE.default
    system1: Annotated[float, Field(gt=0, le=200)] = 90.0
    system2: Annotated[float, Field(gt=0, le=50)] = 4.0


class ObservationTiming(Section):
    """How far apart (`slop`, s) the parts of an observation may lie, and how old (`max_age`, s) it may be."""

    slop: Age = 0.05
    max_age: Age = 0.25
