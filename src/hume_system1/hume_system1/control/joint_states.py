"""The measured joints, from joint states in any order."""

from __future__ import annotations

import math
from typing import NamedTuple

from hume_system1.control.admission import Rejection
from hume_system1.control.events import JointStateEvent

_MOST_LAYOUTS = 8


class _Layout(NamedTuple):
    """Where a publisher's joint states hold the arm's joints (None: they do not) and the gripper (-1: nowhere)."""

    columns: list[int] | None
    gripper: int


class JointStates:
    """Newest measured state of the arm's joints.

    A state whose stamp does not advance is a repetition and does not count: a stuck driver must not look alive. All
    arm joints must come in one message; the gripper may come in another.

    Args:
        names: joints in command order.
        gripper_joint: joint whose position is the gripper's opening, "" without one.
        future: how far a stamp may lie ahead of the ROS clock, s.

    Attributes:
        position: newest positions, rad; empty before the first state.
        velocity: rad/s, measured, or from the last two positions where the driver gives none.
        gripper: newest opening, None if unknown.
        received: steady time of the newest state, s; -inf before the first.
    """

    def __init__(self, names: tuple[str, ...], gripper_joint: str = "", future: float = math.inf) -> None:
        self._names = names
        self._gripper_joint = gripper_joint
        self._future = future
        self._layouts: dict[tuple[str, ...], _Layout] = {}
        self._stamp = -math.inf
        self.position: list[float] = []
        self.velocity: list[float] = []
        self.gripper: float | None = None
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
        columns, gripper = self._layout(event.names)
        if columns is None:
            return self._take_gripper(event, gripper)
        position = [float(event.position[i]) for i in columns]
        if not (math.isfinite(sum(position)) and math.isfinite(event.stamp)):
            return Rejection.NOT_FINITE
        if event.stamp > ros + self._future:
            return Rejection.FUTURE
        if event.stamp != 0.0 and event.stamp <= self._stamp:
            return Rejection.SEQUENCE
        velocity = self._velocity(event, columns, position, received)
        if not math.isfinite(sum(velocity)):
            return Rejection.NOT_FINITE
        self.position, self.velocity = position, velocity
        self._stamp, self.received = event.stamp, received
        if gripper >= 0:
            self._take_gripper(event, gripper)
        return None

    def forget_stamp(self) -> None:
        """The ROS clock was restarted: stamps may begin anew."""
        self._stamp = -math.inf

    def slower_than(self, speed: float) -> bool:
        """Whether every joint moves slower than `speed`, rad/s; False before the first state."""
        return bool(self.velocity) and max(map(abs, self.velocity)) < speed

    def _take_gripper(self, event: JointStateEvent, column: int) -> Rejection | None:
        if column < 0:
            return Rejection.NAMES
        if not math.isfinite(event.position[column]):
            return Rejection.NOT_FINITE
        self.gripper = float(event.position[column])
        return None

    def _velocity(
        self, event: JointStateEvent, columns: list[int], position: list[float], received: float
    ) -> list[float]:
        if event.velocity:
            return [float(event.velocity[i]) for i in columns]
        elapsed = event.stamp - self._stamp if event.stamp != 0.0 else received - self.received
        if not self.position or not 0.0 < elapsed < math.inf:
            return [0.0] * len(columns)
        return [(new - old) / elapsed for new, old in zip(position, self.position, strict=True)]

    def _layout(self, names: tuple[str, ...]) -> _Layout:
        layout = self._layouts.get(names)
        if layout is None:
            known = all(name in names for name in self._names)
            columns = [names.index(name) for name in self._names] if known else None
            layout = _Layout(columns, names.index(self._gripper_joint) if self._gripper_joint in names else -1)
            if len(self._layouts) < _MOST_LAYOUTS:
                self._layouts[names] = layout
        return layout
