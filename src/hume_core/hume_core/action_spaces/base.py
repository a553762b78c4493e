"""What every action space can do: its size, and both directions between action rows and joint positions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces.conventions import Conventions
from hume_core.errors import ActionSpaceError

if TYPE_CHECKING:
    from hume_core.kinematics import Kinematics
    from hume_core.kinematics.model import ArmModel
    from hume_core.kinematics.rotation import Pose


@dataclass(frozen=True)
class SegmentTargets:
    """Joint setpoints of a part of a chunk.

    Attributes:
        positions: (h, n) rad.
        followed: rows up to the first that is not followed.
        short: the followed row that stayed farthest from its target, in words. Empty: all were reached.
        reason: why that row is not followed. Empty: all are.
        start: (n,) joints at the time of the first row, rad, of spaces that do not move at once. Else None.
    """

    positions: NDArray[np.float64]
    followed: int
    short: str = ""
    reason: str = ""
    start: NDArray[np.float64] | None = None

    @property
    def report(self) -> str:
        """One line for the status. Empty when every row is reached."""
        return self.reason or self.short


@dataclass(frozen=True)
class Motion:
    """How the arm moves when a chunk begins, of use where the space does not move at once.

    Attributes:
        velocity: (n,) of the joints at the observation, rad/s.
        before: the path of the chunk before, where the arm follows it at that time.
        row: how many rows of it have passed then.
    """

    velocity: NDArray[np.float64]
    before: ActionPath | None = None
    row: float = 0.0


class ActionPath(Protocol):
    """The joint path of one chunk, asked for segment by segment."""

    def segment(self, first: int, rows: NDArray[np.float64]) -> SegmentTargets:
        """Joint setpoints of refined rows (h, a), real units, that take the place of the chunk's from `first` on."""


@dataclass(frozen=True)
class ActionSpace(ABC):
    """What the arm's numbers of an action row mean.

    A new space is a subclass with a `name` and one line in `hume_core.action_spaces.registry`. Nothing outside these
    classes asks which space it has at hand. It calls a method or reads one of the flags below.

    Rows are in real units: un-normalised, and for the tool still without `Conventions.scale`. The anchor is the
    robot's joint positions at the observation that was thought about.

    Attributes:
        conventions: how rows are written.
        name: in robot profiles, checkpoints and messages.
        needs_kinematics: rows are about the tool, so the arm's kinematics is needed.
        sequential: a row's joints depend on the rows before it, so segments are solved in order, by one thread.
        offsets_from_anchor: every row is joint positions minus the anchor, so a moved anchor is one plain shift.
        written_with: fields of profiles and contracts that say how its rows are written.
    """

    conventions: Conventions = field(default_factory=Conventions)

    name: ClassVar[str]
    needs_kinematics: ClassVar[bool] = False
    sequential: ClassVar[bool] = False
    offsets_from_anchor: ClassVar[bool] = False
    written_with: ClassVar[tuple[str, ...]] = ()

    @property
    def moves_at_once(self) -> bool:
        """Whether a row's joints are due at the row's own time. Else it is where the arm is when the row is over."""
        return True

    @property
    def comparable(self) -> bool:
        """Whether rows of two observations can be compared, where they are offsets by a shift of `in_rows`."""
        return True

    @abstractmethod
    def size(self, num_joints: int) -> int:
        """How many numbers of a row belong to an arm with this many joints."""

    @abstractmethod
    def column_names(self, joints: Sequence[str]) -> tuple[str, ...]:
        """Names of the row's numbers, in order."""

    @abstractmethod
    def path(
        self,
        rows: NDArray[np.float64],
        anchor: NDArray[np.float64],
        dt: float,
        kinematics: Kinematics | None = None,
        motion: Motion | None = None,
    ) -> ActionPath:
        """The joint path of a chunk, for a caller that refines it piece by piece.

        Args:
            rows: (H, a) the whole chunk in real units. Its first numbers are the arm's.
            anchor: (n,) joint positions at the observation, rad.
            dt: time between two rows, s.
            kinematics: of the arm, where the space needs it.
            motion: how the arm moves at the observation. None: it rests.

        Raises:
            ActionSpaceError: the rows are too narrow, or the kinematics is missing.
        """

    @abstractmethod
    def from_joints(
        self, positions: NDArray[np.floating], anchor: NDArray[np.floating], kinematics: Kinematics | None = None
    ) -> NDArray[np.floating]:
        """The rows that lead through joint positions. The inverse of `to_joints`.

        Args:
            positions: (..., k, n) rad.
            anchor: (..., n) joint positions at the observation, rad.
            kinematics: of the arm, where the space needs it.

        Returns:
            (..., k, a) rows in real units.

        Raises:
            ActionSpaceError: a shape does not fit, or the kinematics is missing.
        """

    @abstractmethod
    def tool_positions(
        self,
        rows: NDArray[np.float64],
        anchor: NDArray[np.float64],
        dt: float,
        arm: ArmModel,
        shown: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """Where chunks ask the tool to be, for people who look at them. Limits and reach are left out.

        Args:
            rows: (N, H, a) chunks in real units. The first numbers of a row are the arm's.
            anchor: (n,) joint positions at the observation, rad.
            dt: time between two rows, s.
            arm: its forward kinematics.
            shown: (k,) which rows are wanted, ascending.

        Returns:
            (N, k, 3) position of the `controlled` frame in the base frame, m.

        Raises:
            ActionSpaceError: the rows are too narrow.
        """

    def controlled(self, tool: Pose) -> Pose:
        """The frame that rows are about, of the tool link's pose. Rows about joints: that link."""
        return tool

    def misfit(self, num_joints: int) -> str:
        """Which convention is for an arm with another number of joints. Empty: none."""
        return ""

    def in_rows(self, moved: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far joints moved (n,), rad, in numbers of a row (n,). Only where rows are offsets from the anchor."""
        return moved

    @abstractmethod
    def row_spread(self, num_joints: int, angle: float, twist: Sequence[float]) -> NDArray[np.float64]:
        """Each number (a,) of a row for a small motion, in real units.

        Args:
            num_joints: of the arm.
            angle: how far a joint moves, rad.
            twist: (6,) how far the tool moves and turns, m and rad.
        """

    def to_joints(
        self, rows: NDArray[np.float64], anchor: NDArray[np.float64], dt: float, kinematics: Kinematics | None = None
    ) -> NDArray[np.float64]:
        """Joint positions (k, n), rad, of a whole chunk. See `path` for arguments and errors."""
        return self.path(rows, anchor, dt, kinematics).segment(0, rows).positions

    def resting_row(self, home: NDArray[np.float64], kinematics: Kinematics | None = None) -> NDArray[np.floating]:
        """The row (a,) that keeps the arm at joint positions (n,), rad. See `from_joints` for errors."""
        return np.asarray(self.from_joints(home[None], home, kinematics)[0])

    def required(self, kinematics: Kinematics | None) -> Kinematics:
        """The kinematics, for spaces that need it.

        Raises:
            ActionSpaceError: there is none.
        """
        if kinematics is None:
            raise ActionSpaceError(
                f"action space '{self.name}' needs inverse kinematics. See hume_core.robot_kinematics.load_kinematics"
            )
        return kinematics
