"""Which numbers of a dataset's states and actions belong to which arm and gripper."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces import AngleUnit, JointUnits
from hume_core.state.kinds import StateField
from hume_core.state.parts import JointPart, StatePart


class Rows(str, Enum):
    """What an arm's numbers of a dataset's action rows are."""

    JOINTS = "joints"
    """Absolute joint targets."""
    TOOL = "tool"
    """Three numbers for the tool's position and three for its rotation, as a policy shall emit them."""


@dataclass(frozen=True)
class ArmColumns:
    """An arm.

    Attributes:
        name: of the arm.
        joints: names of its n joints in policy order.
        action: its columns of an action row, side by side.
        positions: columns (n,) of the state that hold its joint positions, side by side. Empty where none do.
    """

    name: str
    joints: tuple[str, ...]
    action: tuple[int, ...]
    positions: tuple[int, ...] = ()

    @property
    def in_action(self) -> slice:
        """Its columns of an action row."""
        return slice(self.action[0], self.action[-1] + 1)

    @property
    def in_state(self) -> slice:
        """Its joint positions in a state that holds them. See `positions`."""
        return slice(self.positions[0], self.positions[-1] + 1)


@dataclass(frozen=True)
class GripperColumn:
    """A gripper.

    Attributes:
        name: of its joint.
        action: its column of an action row.
        closed, open: the number for closed and for open. None: not known.
    """

    name: str
    action: int
    closed: float | None = None
    open: float | None = None


@dataclass(frozen=True)
class StateColumns:
    """A part of a state.

    Attributes:
        part: what it is, and how it is written.
        columns: side by side, in order.
    """

    part: StatePart
    columns: tuple[int, ...]


@dataclass(frozen=True)
class DataLayout:
    """What every number of a dataset's states and actions is.

    Attributes:
        rows: what the arms' numbers of an action row are.
        groups: arms and grippers in the order of the row's numbers.
        state: parts of the state in order.
        rotation: how rows about the tool write a rotation, as far as the names say. Empty: they do not.
        state_order: the dataset's columns of the state in the order of `state`. None: as they stand.
        unit: of joints in the action rows.
    """

    rows: Rows
    groups: tuple[ArmColumns | GripperColumn, ...]
    state: tuple[StateColumns, ...]
    rotation: str = ""
    state_order: tuple[int, ...] | None = None
    unit: AngleUnit = AngleUnit.RAD
    arms: tuple[ArmColumns, ...] = field(init=False)
    grippers: tuple[GripperColumn, ...] = field(init=False)

    def __post_init__(self) -> None:
        arms = tuple(group for group in self.groups if isinstance(group, ArmColumns))
        object.__setattr__(self, "arms", arms)
        rest = tuple(group for group in self.groups if isinstance(group, GripperColumn))
        object.__setattr__(self, "grippers", rest)

    @property
    def joints(self) -> tuple[str, ...]:
        """Joints of all arms."""
        return tuple(name for arm in self.arms for name in arm.joints)

    @property
    def has_positions(self) -> bool:
        """Whether the state holds the joint positions of every arm."""
        return all(arm.positions for arm in self.arms)

    def targets(self, arm: ArmColumns, action: NDArray[np.float32]) -> NDArray[np.float32]:
        """Joint targets (..., n), rad, in action rows (..., a) of joints."""
        return np.asarray(JointUnits(self.unit).positions(action[..., arm.in_action]), np.float32)

    def measured(self, arm: ArmColumns, state: NDArray[np.float32]) -> NDArray[np.float32]:
        """Joint positions (..., n), rad, in states (..., s) that hold them."""
        numbers = state[..., arm.in_state]
        part = next(found.part for found in self.state if found.part.field is StateField.JOINT_POSITIONS)
        assert isinstance(part, JointPart)
        first = arm.positions[0] - next(found.columns[0] for found in self.state if found.part is part)
        own = slice(first, first + len(arm.joints))
        units = JointUnits(part.unit, (part.sign or ())[own], (part.offset or ())[own])
        return np.asarray(units.positions(numbers), np.float32)
