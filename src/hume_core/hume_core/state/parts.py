"""The typed parts of `observation.state`. A part that is given as a word alone has its defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    model_serializer,
    model_validator,
)

from hume_core.action_spaces.joint_units import AngleUnit, JointUnits
from hume_core.field_types import Finite, Name
from hume_core.kinematics.rotation import Pose
from hume_core.sections import Section
from hume_core.state.kinds import Branch, GripperForm, StateField, ToolRotationFormat
from hume_core.state.rotations import NAMES, rotation_numbers
from hume_core.state.tool import IDENTITY, RotationMatrix, as_matrix

_Sign = Literal[-1, 1]


@dataclass(frozen=True)
class Reading:
    """What a robot measures at one instant.

    Attributes:
        names: arm joints.
        positions, velocities: (n,) rad and rad/s. Velocities may be left out where no part wants them.
        grippers: position (g,) of each gripper's joint, m or rad. None: none is wanted.
        closed, open: (g,) those positions when closed and when open.
        tools: the policy's tool frame of each arm, by the arm's name, in its world frame. Empty: none is wanted.
        gripper_names: joints of the grippers. Left out where no part chooses among them.
    """

    names: tuple[str, ...]
    positions: NDArray[np.float64]
    velocities: NDArray[np.float64] | None = None
    grippers: NDArray[np.float64] | None = None
    closed: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    open: NDArray[np.float64] = field(default_factory=lambda: np.ones(1))
    tools: Mapping[str, Pose] = field(default_factory=dict)
    gripper_names: tuple[str, ...] = ()

    def gripper_positions(self) -> NDArray[np.float64]:
        """(g,) m or rad."""
        assert self.grippers is not None, "the composer gives what the parts want"
        return self.grippers

    def tool(self, arm: str | None) -> Pose:
        """The tool of an arm. None: of the only one."""
        assert self.tools, "the composer gives what the parts want"
        return next(iter(self.tools.values())) if arm is None else self.tools[arm]

    def openings(self) -> NDArray[np.float64]:
        """(g,) of the grippers, 0 closed .. 1 open."""
        return (self.gripper_positions() - self.closed) / (self.open - self.closed)


class _Part(Section):
    """See the kinds below. `spread` is the smallest standard deviation that a number is judged by."""

    needs_tool: ClassVar[bool] = False

    def names(self, joints: Sequence[str], grippers: Sequence[str]) -> tuple[str, ...]:
        """Of its numbers, on a robot with these joints and grippers."""
        raise NotImplementedError

    def numbers(self, reading: Reading) -> NDArray[np.float64]:
        """(k,) of what was measured."""
        raise NotImplementedError

    def spread(self) -> float:
        """Smallest standard deviation that a number is judged by, in its unit."""
        raise NotImplementedError

    @model_serializer(mode="wrap")
    def _short(self, write: SerializerFunctionWrapHandler) -> Any:
        """What is left at its default is not written. A word alone where nothing else is left."""
        fields = type(self).model_fields
        kept = {name: value for name, value in write(self).items() if getattr(self, name) != fields[name].default}
        return kept["field"] if len(kept) == 1 else kept


class JointPart(_Part):
    """Joint positions or velocities. A joint is ``sign * (number - offset)``, as in action rows.

    Attributes:
        field: which of the two.
        joints: in this order. Left out: the arm's.
        unit: rad or deg, and the same per second.
        sign: 1 or -1 per joint. Left out: 1.
        offset: the number where the joint is at zero, in `unit`. Left out: 0.
    """

    field: Literal[StateField.JOINT_POSITIONS, StateField.JOINT_VELOCITIES]
    joints: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    unit: AngleUnit = AngleUnit.RAD
    sign: tuple[_Sign, ...] | None = None
    offset: tuple[Finite, ...] | None = None

    @model_validator(mode="after")
    def _one_number_per_joint(self) -> JointPart:
        lengths = {len(found) for found in (self.joints, self.sign, self.offset) if found is not None}
        if len(lengths) > 1:
            raise ValueError("joints, sign and offset must have one number per joint each")
        if self.offset is not None and self.field is StateField.JOINT_VELOCITIES:
            raise ValueError("offset has no use with joint_velocities. Leave it out")
        return self

    def names(self, joints: Sequence[str], grippers: Sequence[str]) -> tuple[str, ...]:
        """See above."""
        own = tuple(joints) if self.joints is None else self.joints
        return own if self.field is StateField.JOINT_POSITIONS else tuple(f"{name}_velocity" for name in own)

    def numbers(self, reading: Reading) -> NDArray[np.float64]:
        """See above."""
        moving = self.field is StateField.JOINT_VELOCITIES
        values = reading.velocities if moving else reading.positions
        assert values is not None, "the composer gives what the parts want"
        if self.joints is not None:
            values = values[[reading.names.index(name) for name in self.joints]]
        units = JointUnits(self.unit, self.sign or (), self.offset or ())
        return np.asarray(units.differences_of(values) if moving else units.positions_of(values), np.float64)

    def spread(self) -> float:
        """See above."""
        radians = 1.0 if self.field is StateField.JOINT_VELOCITIES else 0.25
        return radians if self.unit is AngleUnit.RAD else float(np.degrees(radians))


class _ToolPart(_Part):
    """About the tool of an arm.

    Attributes:
        arm: whose. Left out: of all arms with a tool, in their order. Robots and contracts then have a part for each,
            see `tools_named`.
    """

    needs_tool: ClassVar[bool] = True
    arm: Name | None = None

    def _named(self, names: Sequence[str]) -> tuple[str, ...]:
        """Of the numbers, with the arm's before them where it is said."""
        return tuple(names if self.arm is None else (f"{self.arm}/{name}" for name in names))


class ToolPositionPart(_ToolPart):
    """Position of the tool, m."""

    field: Literal[StateField.TOOL_POSITION]

    def names(self, joints: Sequence[str], grippers: Sequence[str]) -> tuple[str, ...]:
        """See above."""
        return self._named(("x", "y", "z"))

    def numbers(self, reading: Reading) -> NDArray[np.float64]:
        """See above."""
        return reading.tool(self.arm).position

    def spread(self) -> float:
        """See above."""
        return 0.02


class ToolRotationPart(_ToolPart):
    """Rotation R * D^T of the tool, with R its rotation and D the reference.

    Attributes:
        format: of the numbers.
        branch: of rotation vectors and quaternions.
        reference: D. Left out: none.
    """

    field: Literal[StateField.TOOL_ROTATION]
    format: ToolRotationFormat = ToolRotationFormat.ROTATION_VECTOR
    branch: Branch = Branch.SHORTEST
    reference: RotationMatrix = IDENTITY

    def names(self, joints: Sequence[str], grippers: Sequence[str]) -> tuple[str, ...]:
        """See above."""
        return self._named(NAMES[self.format])

    def numbers(self, reading: Reading) -> NDArray[np.float64]:
        """See above."""
        rotation = reading.tool(self.arm).rotation
        return rotation_numbers(rotation @ as_matrix(self.reference).T, self.format, self.branch)

    def spread(self) -> float:
        """See above."""
        angles = (ToolRotationFormat.ROTATION_VECTOR, ToolRotationFormat.ROLL_PITCH_YAW)
        return 0.15 if self.format in angles else 0.08


class GripperPart(_Part):
    """State of grippers.

    Attributes:
        form: how it is given.
        joints: of the grippers, in this order. Left out: all of the robot's.
    """

    field: Literal[StateField.GRIPPER]
    form: GripperForm = GripperForm.POSITION
    joints: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None

    def names(self, joints: Sequence[str], grippers: Sequence[str]) -> tuple[str, ...]:
        """See above."""
        own = grippers if self.joints is None else self.joints
        if self.form is GripperForm.FINGERS:
            return tuple(f"{name}_{finger}" for name in own for finger in ("finger", "other_finger"))
        return tuple(own)

    def numbers(self, reading: Reading) -> NDArray[np.float64]:
        """See above."""
        if self.form in (GripperForm.POSITION, GripperForm.FINGERS):
            positions = self._own(reading, reading.gripper_positions())
            fingers = np.stack([positions, -positions], axis=1).reshape(-1)
            return fingers if self.form is GripperForm.FINGERS else positions
        openings = self._own(reading, reading.openings())
        forms = {GripperForm.CLOSEDNESS: 1.0 - openings, GripperForm.PERCENT: 100.0 * openings}
        return forms.get(self.form, openings)

    def _own(self, reading: Reading, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of the values (g,) of all grippers those of this part."""
        return values if self.joints is None else values[[reading.gripper_names.index(name) for name in self.joints]]

    def spread(self) -> float:
        """See above."""
        by_form = {GripperForm.POSITION: 0.005, GripperForm.FINGERS: 0.005, GripperForm.PERCENT: 10.0}
        return by_form.get(self.form, 0.1)


class PaddingPart(_Part):
    """A number that is always the same.

    Attributes:
        value: the number.
        size: how many of it.
    """

    field: Literal[StateField.PADDING]
    value: Finite = 0.0
    size: Annotated[int, Field(ge=1, le=64)] = 1

    def names(self, joints: Sequence[str], grippers: Sequence[str]) -> tuple[str, ...]:
        """See above."""
        return ("pad",) if self.size == 1 else tuple(f"pad_{i}" for i in range(self.size))

    def numbers(self, reading: Reading) -> NDArray[np.float64]:
        """See above."""
        return np.full(self.size, self.value)

    def spread(self) -> float:
        """See above."""
        return 0.01


def _of_word(given: Any) -> Any:
    return {"field": given} if isinstance(given, str) else given


_Kinds = JointPart | ToolPositionPart | ToolRotationPart | GripperPart | PaddingPart
StatePart = Annotated[_Kinds, Field(discriminator="field"), BeforeValidator(_of_word)]
"""A part of `observation.state`."""


def state_parts(given: Iterable[Any]) -> tuple[StatePart, ...]:
    """Parts of words or mappings."""
    adapter: TypeAdapter[tuple[StatePart, ...]] = TypeAdapter(tuple[StatePart, ...])
    return adapter.validate_python(tuple(given))
