"""Complete joint states from messages that hold a part of the joints each. One place for nodes, tools and bags."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hume_core.angles import whole_turns
from hume_core.errors import ObservationError
from hume_core.robot import RobotProfile, StateField
from hume_core.state.fitting import has_field, wanted_grippers
from hume_ros.conversions import stamp_nanoseconds

_MOST_LAYOUTS = 32
_GAP = 1.0
"""Two positions of a joint this far apart give no velocity, s."""


def wanted_joints(profile: RobotProfile) -> tuple[str, ...]:
    """The joints that a robot's joint states have to hold: of the arms, then of the grippers in the state."""
    return (*profile.joint_names, *wanted_grippers(profile.state, profile.gripper_names))


@dataclass(frozen=True)
class MergedJointState:
    """A complete joint state. Reads like `sensor_msgs/JointState`.

    Attributes:
        header: with the stamp of the oldest position of an arm joint.
        name: joints.
        position: rad or m.
        velocity: rad/s or m/s, empty where they were not asked for.
    """

    header: Any
    name: tuple[str, ...]
    position: tuple[float, ...]
    velocity: tuple[float, ...]


@dataclass(slots=True)
class _Joint:
    """The newest value of a joint: position, velocity, stamp (ns; 0: none), header and arrival (s)."""

    position: float = math.nan
    velocity: float = math.nan
    stamp: int = 0
    header: Any = None
    received: float = -math.inf


class JointStateMerger:
    """The newest value of each joint, from any number of publishers.

    A message that holds every wanted joint is a complete state as it is: for a robot with one driver nothing changes. A
        velocity that is missing or nan is not given. Where velocities are wanted, it is then the difference of two
    positions.

    Threads: one at a time.

    Args:
        names: the wanted joints.
        max_age: how old a joint's newest value may be, s. Measured by arrival.
        velocities: whether velocities are wanted.
        continuous: joints without end: their differences go the short way round.
        extra: those of the names that may be older than the stamp says, such as the gripper's.
    """

    def __init__(
        self,
        names: Sequence[str],
        max_age: float,
        *,
        velocities: bool = False,
        continuous: Iterable[str] = (),
        extra: Iterable[str] = (),
    ) -> None:
        self._names, self._max_age, self._velocities = tuple(names), max_age, velocities
        self._extra = frozenset(extra)
        self._continuous = frozenset(continuous)
        self._joints = {name: _Joint() for name in self._names}
        self._layouts: dict[tuple[str, ...], list[tuple[str, int]]] = {}
        self._published: dict[str, None] = {}
        self._unstamped = False

    @classmethod
    def of(cls, profile: RobotProfile) -> JointStateMerger:
        """For a robot's joint states."""
        limits, names = profile.motion_limits(), wanted_joints(profile)
        return cls(
            names,
            profile.observation.max_age,
            velocities=has_field(profile.state, StateField.JOINT_VELOCITIES),
            continuous=[name for name, endless in zip(limits.names, limits.continuous, strict=True) if endless],
            extra=names[len(profile.joint_names) :],
        )

    def add(self, message: Any, received: float) -> Any | None:
        """Take a message.

        Args:
            message: a `sensor_msgs/JointState`.
            received: when it came, s on any clock that goes forward.

        Returns:
            A complete state: the message itself, or a `MergedJointState`. None while a joint is missing or too old,
            or where the message holds none of the joints.

        Raises:
            ObservationError: a wanted joint is named twice, or there are too few numbers.
        """
        layout = self._layout(tuple(message.name))
        if not layout:
            return None
        self._check(message, layout)
        given = self._note(message, layout, received)
        if given and len(layout) == len(self._names):
            return message
        if self.lost(received):
            return None
        joints = [self._joints[name] for name in self._names]
        velocity = tuple(joint.velocity for joint in joints) if self._velocities else ()
        if any(map(math.isnan, velocity)):
            return None
        return MergedJointState(self._header(), self._names, tuple(joint.position for joint in joints), velocity)

    def _header(self) -> Any:
        """Of the arm joint that was measured first. Joints without a stamp do not count if another has one."""
        arm = [joint for name, joint in self._joints.items() if name not in self._extra]
        return min(arm, key=lambda joint: joint.stamp or math.inf).header

    def lost(self, now: float) -> list[str]:
        """Joints that never came, or not for `max_age`. `now` as in `add`."""
        return [name for name, joint in self._joints.items() if now - joint.received > self._max_age]

    def problem(self, now: float) -> str:
        """Why no complete state comes, for people. Empty where nothing is known to be wrong. `now` as in `add`."""
        lost = self.lost(now)
        if not lost:
            return "joint states carry no time stamp. The driver has to set it" if self._unstamped else ""
        if len(lost) == len(self._names) and not self._published:
            return ""
        name, age = lost[0], now - self._joints[lost[0]].received
        if math.isinf(age):
            found = ", ".join(self._published) or "none"
            return f"joint states have no joint '{name}'. They have: {found}"
        return f"joint '{name}' is in no joint state since {age:.1f} s. At most {self._max_age:g} s is allowed"

    def restart(self) -> None:
        """Forget every value: time went back."""
        self._joints = {name: _Joint() for name in self._names}

    def _layout(self, names: tuple[str, ...]) -> list[tuple[str, int]]:
        """The wanted joints of a message with their places."""
        layout = self._layouts.get(names)
        if layout is None:
            layout = [(name, i) for i, name in enumerate(names) if name in self._joints]
            if len(self._layouts) < _MOST_LAYOUTS:
                self._layouts[names] = layout
                self._published.update(dict.fromkeys(names))
        return layout

    def _check(self, message: Any, layout: list[tuple[str, int]]) -> None:
        if len(dict(layout)) < len(layout):
            names = [name for name, _ in layout]
            twice = next(name for name in names if names.count(name) > 1)
            raise ObservationError(
                f"joint states name joint '{twice}' {names.count(twice)} times in one message. "
                "Correct the driver: one number per joint"
            )
        if len(message.position) < len(message.name):
            raise ObservationError(
                f"joint states name {len(message.name)} joints but carry {len(message.position)} numbers of 'position'"
            )

    def _note(self, message: Any, layout: list[tuple[str, int]], received: float) -> bool:
        """Keep the values. Returns whether the message gives all that is wanted of its joints."""
        stamp = stamp_nanoseconds(message.header.stamp)
        self._unstamped = stamp == 0
        complete, velocities = True, message.velocity if self._velocities else ()
        for name, i in layout:
            before, position = self._joints[name], float(message.position[i])
            velocity = float(velocities[i]) if i < len(velocities) else math.nan
            if self._velocities and math.isnan(velocity):
                complete = False
                velocity = self._difference(name, before, position, stamp, received)
            self._joints[name] = _Joint(position, velocity, stamp, message.header, received)
        return complete

    def _difference(self, name: str, before: _Joint, position: float, stamp: int, received: float) -> float:
        """Velocity from the last two positions, rad/s. The last one where no time has passed, nan without any."""
        stamped = stamp != 0 and before.stamp != 0
        elapsed = (stamp - before.stamp) * 1e-9 if stamped else received - before.received
        if not 0.0 < elapsed < _GAP:
            return before.velocity
        way = position - before.position
        return (way - whole_turns(way) if name in self._continuous and math.isfinite(way) else way) / elapsed
