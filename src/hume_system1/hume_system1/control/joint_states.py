"""The measured joints, from joint states in any order."""

from __future__ import annotations

import math

from hume_system1.control.admission import Rejection
from hume_system1.control.events import JointStateEvent


class JointStates:
    """Newest measured state of the arm's joints.

    A state whose stamp does not advance is a repetition and does not count: a stuck driver must not look alive.

    Args:
        names: joints in command order.
        gripper_joint: joint whose position is the gripper's opening, "" without one.

    Attributes:
        position: newest positions, rad; empty before the first state.
        velocity: rad/s, measured, or from the last two positions where the driver gives none.
        gripper: newest opening, None if unknown.
        received: steady time of the newest state, s; -inf before the first.
    """

    def __init__(self, names: tuple[str, ...], gripper_joint: str = "") -> None:
        self._names = names
        self._gripper_joint = gripper_joint
        self._columns: list[int] | None = None
        self._gripper_column = -1
        self._columns_of: tuple[str, ...] | None = None
        self._stamp = -math.inf
        self.position: list[float] = []
        self.velocity: list[float] = []
        self.gripper: float | None = None
        self.received = -math.inf

    def take(self, event: JointStateEvent, received: float) -> Rejection | None:
        """Take a joint state that arrived at `received` (steady clock, s); returns why not, or None."""
        columns = self._columns_for(event.names)
        if columns is None:
            return Rejection.NAMES
        count = len(event.names)
        if len(event.position) != count or len(event.velocity) not in (0, count):
            return Rejection.SHAPE
        position = [float(event.position[i]) for i in columns]
        if not (math.isfinite(sum(position)) and math.isfinite(event.stamp)):
            return Rejection.NOT_FINITE
        if event.stamp != 0.0 and event.stamp <= self._stamp:
            return Rejection.SEQUENCE
        velocity = self._velocity(event, columns, position, received)
        if not math.isfinite(sum(velocity)):
            return Rejection.NOT_FINITE
        self.position, self.velocity = position, velocity
        self._stamp, self.received = event.stamp, received
        if self._gripper_column >= 0 and math.isfinite(event.position[self._gripper_column]):
            self.gripper = float(event.position[self._gripper_column])
        return None

    def forget_stamp(self) -> None:
        """The ROS clock was restarted: stamps may begin anew."""
        self._stamp = -math.inf

    def slower_than(self, speed: float) -> bool:
        """Whether every joint moves slower than `speed`, rad/s; False before the first state."""
        return bool(self.velocity) and max(map(abs, self.velocity)) < speed

    def _velocity(
        self, event: JointStateEvent, columns: list[int], position: list[float], received: float
    ) -> list[float]:
        if event.velocity:
            return [float(event.velocity[i]) for i in columns]
        elapsed = received - self.received
        if not self.position or not 0.0 < elapsed < math.inf:
            return [0.0] * len(columns)
        return [(new - old) / elapsed for new, old in zip(position, self.position, strict=True)]

    def _columns_for(self, names: tuple[str, ...]) -> list[int] | None:
        if names != self._columns_of:
            known = all(name in names for name in self._names)
            self._columns = [names.index(name) for name in self._names] if known else None
            self._gripper_column = names.index(self._gripper_joint) if self._gripper_joint in names else -1
            self._columns_of = names
        return self._columns
