"""Which numbers of a dataset's states and actions belong to which arm and gripper."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Rows(str, Enum):
    """What an arm's numbers of a dataset's action rows are."""

    JOINTS = "joints"
    """Absolute joint targets."""
    TOOL = "tool"
    """Three numbers for the tool's position and three for its rotation, as a policy shall emit them."""


class StatePart(str, Enum):
    """A part of a dataset's states."""

    JOINT_POSITIONS = "joint_positions"
    JOINT_VELOCITIES = "joint_velocities"
    GRIPPER = "gripper"
    TOOL_POSITION = "tool_position"
    TOOL_ROTATION = "tool_rotation"
    PADDING = "padding"


@dataclass(frozen=True)
class ArmColumns:
    """An arm.

    Attributes:
        name: of the arm.
        joints: names of its n joints in policy order.
        action: its columns of an action row, side by side.
        positions: columns (n,) of the state that hold its joint positions, side by side; empty where none do.
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
        """Its joint positions in a state that holds them; see `positions`."""
        return slice(self.positions[0], self.positions[-1] + 1)


@dataclass(frozen=True)
class GripperColumn:
    """A gripper.

    Attributes:
        name: of its joint.
        action: its column of an action row.
        closed, open: the number for closed and for open; None: not known.
    """

    name: str
    action: int
    closed: float | None = None
    open: float | None = None


@dataclass(frozen=True)
class StateColumns:
    """A part of a state.

    Attributes:
        part: what it is.
        columns: side by side, in order.
        form: of a rotation: "rotation_vector", "rpy", "quaternion_xyzw" or "quaternion_wxyz".
    """

    part: StatePart
    columns: tuple[int, ...]
    form: str = ""


@dataclass(frozen=True)
class DataLayout:
    """What every number of a dataset's states and actions is.

    Attributes:
        rows: what the arms' numbers of an action row are.
        groups: arms and grippers in the order of the row's numbers.
        state: parts of the state in order.
        rotation: how rows about the tool write a rotation, as far as the names say; empty: they do not.
        state_order: the dataset's columns of the state in the order of `state`; None: as they stand.
        degrees: joints are in degrees.
    """

    rows: Rows
    groups: tuple[ArmColumns | GripperColumn, ...]
    state: tuple[StateColumns, ...]
    rotation: str = ""
    state_order: tuple[int, ...] | None = None
    degrees: bool = False
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
    def positions(self) -> tuple[int, ...]:
        """Columns of the state with the joint positions of all arms; empty where one has none."""
        return tuple(column for arm in self.arms for column in arm.positions) if self.has_positions else ()

    @property
    def has_positions(self) -> bool:
        """Whether the state holds the joint positions of every arm."""
        return all(arm.positions for arm in self.arms)
