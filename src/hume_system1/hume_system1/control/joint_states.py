"""The measured joints, from joint states in any order."""

from __future__ import annotations

import math
from collections.abc import MutableSequence, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hume_system1.control.continuous import ContinuousJoints
from hume_system1.control.events import JointStateEvent
from hume_system1.control.plausibility import Plausibility
from hume_system1.control.rejection import Rejection

_MOST_LAYOUTS = 8


class _Layout(NamedTuple):
    """Where a publisher's joint states hold the arm's joints (None: they do not) and the grippers (-1: nowhere)."""

    columns: list[int] | None
    grippers: tuple[int, ...]


class JointStates:
    """Newest measured state of the arm's joints.

    A state whose stamp does not advance is a repetition and does not count: a stuck driver must not look alive. All
    arm joints must come in one message; grippers may come in others.

    Drivers report the angle of a continuous joint with whole turns or without. Here it goes on from the last one the
    short way round, so that nothing behind it sees a jump of a turn. The first one is taken as it is reported.

    Args:
        names: joints in command order.
        gripper_joints: per gripper, the joint whose position is its opening, "" without one.
        future: how far a stamp may lie ahead of the ROS clock, s.
        plausibility: looks for what no arm can have; None: whatever is finite is taken.
        continuous: the continuous joints; None: there are none.

    Attributes:
        position: newest positions, rad; empty before the first state.
        arm: the same without the jumps that no arm can make, rad; empty where nobody looks for them.
        velocity: rad/s, measured, or from the last two positions where the driver gives none.
        grippers: newest opening of each gripper, None where unknown.
        received: steady time of the newest state, s; -inf before the first.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        gripper_joints: Sequence[str] = (),
        future: float = math.inf,
        plausibility: Plausibility | None = None,
        continuous: ContinuousJoints | None = None,
    ) -> None:
        self._names = names
        self._gripper_joints = tuple(gripper_joints)
        self._future = future
        self._plausibility = plausibility
        self._continuous = continuous or None
        self._turns: list[float] = []
        self._reported = False
        self._layouts: dict[tuple[str, ...], _Layout] = {}
        self._stamp = -math.inf
        self.position: list[float] = []
        self.arm: list[float] = []
        self.velocity: list[float] = []
        self.grippers: list[float | None] = [None] * len(self._gripper_joints)
        self.received = -math.inf

    def take(self, event: JointStateEvent, received: float, ros: float) -> Rejection | None:
        """Take a joint state.

        Args:
            event: as received.
            received: steady time of its arrival, s.
            ros: ROS time, s.

        Returns:
            None, or why it was not taken.
        """
        count = len(event.names)
        if len(event.position) != count or len(event.velocity) not in (0, count):
            return Rejection.SHAPE
        columns, grippers = self._layout(event.names)
        if columns is None:
            return self._take_grippers(event, grippers)
        position = [float(event.position[i]) for i in columns]
        if not (math.isfinite(sum(position)) and math.isfinite(event.stamp)):
            return Rejection.NOT_FINITE
        if event.stamp > ros + self._future:
            return Rejection.FUTURE
        if event.stamp != 0.0 and event.stamp <= self._stamp:
            return Rejection.SEQUENCE
        turns = self._turns
        if self._continuous is not None:
            turns = self._continuous.turns(position, self.position)
            position = [p + turn for p, turn in zip(position, turns, strict=True)]
        elapsed = event.stamp - self._stamp if event.stamp != 0.0 else received - self.received
        velocity = self._velocity(event, columns, position, elapsed)
        if not math.isfinite(sum(velocity)):
            return Rejection.NOT_FINITE
        if self._plausibility is not None:
            if not self._plausible(self._plausibility, event, position, velocity, elapsed):
                return Rejection.OUTLIER
            self.arm = self._plausibility.motion(position)
        self.position, self.velocity, self._turns = position, velocity, turns
        self._stamp, self.received = event.stamp, received
        if grippers:
            self._take_grippers(event, grippers)
        return None

    def count_turns_from(self, near: Sequence[float]) -> None:
        """Count continuous joints in the turns nearest to positions (n,), rad: a hand may have turned them."""
        if self._continuous is None or not self.position:
            return
        turns = self._continuous.turns(self.position, near)
        if any(turns):
            self.position = [p + turn for p, turn in zip(self.position, turns, strict=True)]
            self.arm = [p + turn for p, turn in zip(self.arm, turns, strict=False)]
            self._turns = [before + turn for before, turn in zip(self._turns, turns, strict=True)]

    def as_reported(self, positions: MutableSequence[float] | NDArray[np.float64]) -> None:
        """Count positions (n,), rad, in the turns of the driver's last report, in place."""
        if self._continuous is not None:
            for i, turn in enumerate(self._turns):
                positions[i] -= turn

    def forget_stamp(self) -> None:
        """The ROS clock was restarted: stamps may begin anew."""
        self._stamp = -math.inf

    def slower_than(self, speed: float) -> bool:
        """Whether every joint moves slower than `speed`, rad/s; False before the first state."""
        return bool(self.velocity) and max(map(abs, self.velocity)) < speed

    def _take_grippers(self, event: JointStateEvent, columns: tuple[int, ...]) -> Rejection | None:
        rejection: Rejection | None = Rejection.NAMES
        for i, column in enumerate(columns):
            if column < 0:
                continue
            if not math.isfinite(event.position[column]):
                return Rejection.NOT_FINITE
            self.grippers[i] = float(event.position[column])
            rejection = None
        return rejection

    def _plausible(
        self,
        plausibility: Plausibility,
        event: JointStateEvent,
        position: list[float],
        velocity: list[float],
        elapsed: float,
    ) -> bool:
        """Whether an arm in the last state can be in this one; reported velocities are looked at as well."""
        if not self.position:
            return True
        if not plausibility.believe(self.position, position, elapsed, stamped=event.stamp != 0.0):
            return False
        reported = bool(event.velocity)
        if reported and self._reported and (any(velocity) or any(self.velocity)):
            moved = [new - old for new, old in zip(position, self.position, strict=True)]
            plausibility.compare(moved, self.velocity, velocity, elapsed)
        self._reported = reported
        return True

    def _velocity(
        self, event: JointStateEvent, columns: list[int], position: list[float], elapsed: float
    ) -> list[float]:
        if event.velocity:
            return [float(event.velocity[i]) for i in columns]
        if not self.position or not 0.0 < elapsed < math.inf:
            return [0.0] * len(columns)
        return [(new - old) / elapsed for new, old in zip(position, self.position, strict=True)]

    def _layout(self, names: tuple[str, ...]) -> _Layout:
        layout = self._layouts.get(names)
        if layout is None:
            known = all(name in names for name in self._names)
            columns = [names.index(name) for name in self._names] if known else None
            grippers = tuple(names.index(joint) if joint in names else -1 for joint in self._gripper_joints)
            layout = _Layout(columns, grippers)
            if len(self._layouts) < _MOST_LAYOUTS:
                self._layouts[names] = layout
        return layout
