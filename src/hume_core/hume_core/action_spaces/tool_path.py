"""The joint path of a whole action chunk in an end-effector space."""

from __future__ import annotations

from math import ceil
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces.base import Motion, SegmentTargets
from hume_core.action_spaces.conventions import Conventions
from hume_core.action_spaces.response import Reference, ToolState
from hume_core.errors import ActionSpaceError
from hume_core.kinematics.rotation import Pose
from hume_core.kinematics.solver import Kinematics, Reach, Solution

_LAG_POSITION = 0.03
_LAG_ROTATION = 0.2
_SINGULAR_SHARE = 1.0 / 3.0
_SAME_ROW = 1e-3
_ORIGIN = Pose(np.zeros(3), np.eye(3))


class ToolSpace(Protocol):
    """What a path needs of an end-effector space. See `EndEffectorSpace`."""

    @property
    def name(self) -> str:
        """Of the space."""

    @property
    def conventions(self) -> Conventions:
        """How its rows are written."""

    @property
    def relative(self) -> bool:
        """Whether a row that is not followed takes the sense from the next ones."""

    def target(self, row: NDArray[np.float64], previous: Pose) -> Pose:
        """The pose that a row asks for."""

    def controlled(self, tool: Pose) -> Pose:
        """The frame that rows are about, of the tool link's pose."""

    def tool(self, controlled: Pose) -> Pose:
        """The tool link's pose."""


class ToolPath:
    """Turns the rows of one chunk into joint positions, row after row from the robot's state at the observation.

    A row gives a goal: row k itself (`ee_pose`), or a pose displaced by row k (`ee_delta`). That pose is by default the
    goal of row k-1. What row 0 is displaced from is the pose at the observation, not the robot's pose when the chunk
    arrives. Displacements then add up on poses asked for, not on poses reached, so a row that a velocity limit holds
    back is made up for by the next ones. `Conventions.response` says how the tool follows the goals: at once, or as a
    simulated arm does, which goes on from row to row with its velocity. A row that is counted from the measured pose
    starts from where limits have let the arm come. The joints of each row are solved from those of the row before, so
    the arm keeps its configuration.

    A row that limits or a singular pose keep out of tolerance is followed as nearly as they allow, and reported. One
    that stays away by more than 30 mm or 0.2 rad is unreachable and repeats the joints of the row before, so the arm
    comes to rest there. So do the segment's later rows if they are displacements, whose sense is lost without it. At a
    singular pose a third of that is the bound, since an arm pulled farther over the edge of its workspace may turn its
    elbow over.

    Args:
        kinematics: the arm.
        space: meaning of the rows.
        rows: (H, >= 6) the chunk in real units. Refined segments overwrite them.
        anchor: (n,) joint positions at the observation, rad.
        dt: time between two rows, s.
        motion: how the arm moves at the observation. None: it rests.

    Raises:
        ActionSpaceError: the rows are too narrow.
        KinematicsError: the response simulates an arm with another number of joints.
    """

    def __init__(
        self,
        kinematics: Kinematics,
        space: ToolSpace,
        rows: NDArray[np.float64],
        anchor: NDArray[np.float64],
        dt: float,
        motion: Motion | None = None,
    ) -> None:
        if rows.ndim != 2 or rows.shape[1] < 6:
            raise ActionSpaceError(f"action rows have shape {rows.shape}. '{space.name}' needs at least (k, 6)")
        self._kinematics, self._space, self._dt = kinematics, space, dt
        self._rows = np.array(rows[:, :6], dtype=np.float64)
        size = len(self._rows)
        # Entry k+1 belongs to row k. Entry 0 is the observation.
        self._joints = np.tile(np.asarray(anchor, dtype=np.float64), (size + 1, 1))
        written, start = space.conventions, space.controlled(kinematics.forward(self._joints[0]))
        self._reference, self._response = written.reference, written.response
        self._tracker = written.response.tracker(kinematics.model, space.controlled(_ORIGIN), dt)
        speed = np.zeros(len(anchor)) if motion is None else motion.velocity
        self._states = [self._tracker.begin(start, self._joints[0], speed)] * (size + 1)
        self._goals: list[Pose] = [self._first_goal(start, motion)] * (size + 1)
        self._reasons: list[str] = [""] * (size + 1)
        self._shorts: list[tuple[float, str]] = [(0.0, "")] * (size + 1)
        self._solved = 0
        self._newest: tuple[int, NDArray[np.float64]] | None = None

    def segment(self, first: int, rows: NDArray[np.float64]) -> SegmentTargets:
        """Put refined rows in the place of the chunk's rows from `first` on, and solve up to their end.

        Args:
            first: index of the first of them in the chunk.
            rows: (h, >= 6) in real units. With numbers that are not finite the positions are not finite either.
        """
        end = first + len(rows)
        if not np.isfinite(rows[:, :6]).all():
            return SegmentTargets(np.full((len(rows), self._joints.shape[1]), np.nan), 0)
        if self._newest is None or self._newest[0] != first or not np.array_equal(self._newest[1], rows[:, :6]):
            self._newest = first, rows[:, :6].copy()
            self._rows[first:end] = rows[:, :6]
            self._solved = min(self._solved, first)
        while self._solved < end:
            self._solve(self._solved, self._space.relative and self._solved > first)
            self._solved += 1
        reasons = self._reasons[first + 1 : end + 1]
        followed = next((k for k, reason in enumerate(reasons) if reason), len(rows))
        short = max(self._shorts[first + 1 : end + 1])[1]
        reason = reasons[followed] if followed < len(rows) else ""
        start = None if self._response.moves_at_once else self._joints[first].copy()
        return SegmentTargets(self._joints[first + 1 : end + 1].copy(), followed, short, reason, start)

    def _solve(self, k: int, depends: bool) -> None:
        start = self._joints[k]
        self._reasons[k + 1], self._shorts[k + 1] = "", (0.0, "")
        if depends and self._reasons[k]:
            self._hold(k, self._reasons[k])
            return
        goal = self._goal(k)
        state = self._tracker.advance(self._states[k], goal)
        solution = self._kinematics.solve(self._space.tool(state.pose), start, self._dt)
        if _unreachable(solution):
            self._hold(k, f"row {k} is unreachable: {solution.describe()}")
            return
        self._joints[k + 1], self._goals[k + 1], self._states[k + 1] = solution.positions, goal, state
        if solution.reach is not Reach.REACHED:
            if self._reference is Reference.MEASURED:
                self._states[k + 1] = self._reached(solution.positions, start)
            size = solution.position_error / _LAG_POSITION + solution.rotation_error / _LAG_ROTATION
            self._shorts[k + 1] = (size, f"row {k} stays behind: {solution.describe()}")

    def goal_after(self, row: float) -> Pose:
        """What the arm is on its way to when so many rows have passed."""
        return self._goals[min(ceil(row - _SAME_ROW), self._solved)]

    def _first_goal(self, start: Pose, motion: Motion | None) -> Pose:
        """What rows without rotation leave as it is: the orientation that the chunk before asked for."""
        before = None if motion is None else motion.before
        if motion is None or not isinstance(before, ToolPath) or not self._response.keeps_orientation:
            return start
        return Pose(start.position, before.goal_after(motion.row).rotation)

    def _reached(self, joints: NDArray[np.float64], before: NDArray[np.float64]) -> ToolState:
        """Where the arm is, and not where it should be: the next row starts from what would be measured."""
        pose = self._space.controlled(self._kinematics.forward(joints))
        return self._tracker.begin(pose, joints, (joints - before) / self._dt)

    def _goal(self, k: int) -> Pose:
        """What row k asks for."""
        row, before = self._response.clipped(self._rows[k]), self._goals[k]
        if self._reference is Reference.OBSERVATION:
            return self._space.target(row, self._states[0].pose)
        if self._reference is Reference.PREVIOUS_ROW:
            return self._space.target(row, before if k > 0 else self._states[0].pose)
        goal = self._space.target(row, self._states[k].pose)
        kept = self._response.keeps_orientation and not row[3:].any()
        return Pose(goal.position, before.rotation) if kept else goal

    def _hold(self, k: int, reason: str) -> None:
        """The arm rests where the row before brought it."""
        joints = self._joints[k]
        pose = self._states[k].pose
        self._joints[k + 1], self._goals[k + 1], self._reasons[k + 1] = joints, self._goals[k], reason
        self._states[k + 1] = self._tracker.begin(pose, joints, np.zeros(len(joints)))


def _unreachable(solution: Solution) -> bool:
    share = _SINGULAR_SHARE if solution.reach is Reach.SINGULARITY else 1.0
    return solution.position_error > share * _LAG_POSITION or solution.rotation_error > share * _LAG_ROTATION
