"""The measured joints, from joint states in any order and from any number of publishers."""

from __future__ import annotations

import math
from collections.abc import MutableSequence, Sequence
from operator import sub
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hume_system1.control.continuous import ContinuousJoints
from hume_system1.control.events import JointStateEvent
from hume_system1.control.plausibility import Plausibility
from hume_system1.control.rejection import Rejection

_MOST_LAYOUTS = 16
_AGREE = 0.02  # rad
_AGREE_SPEED = 0.1  # rad/s


class _Layout(NamedTuple):
    """Where a publisher's joint states hold which joints of the arm, and the grippers (-1: nowhere)."""

    joints: tuple[int, ...]
    columns: tuple[int, ...]
    grippers: tuple[int, ...]
    twice: bool
    whole: bool


class JointStates:
    """Newest measured state of the arm's joints, each with its own age.

    Joints may come in one message or in several. A state whose stamp does not advance is a repetition and does not
    count: a stuck driver must not look as if it worked. A velocity that is nan is not given.

    Drivers report the angle of a continuous joint with whole turns or without. Here it goes on from the last one the
    short way round, so that nothing behind it sees a jump of a turn. The first one is taken as it is reported.

    Args:
        names: joints in command order.
        gripper_joints: per gripper, the joint whose position is its opening, "" without one.
        future: how far a stamp may lie ahead of the ROS clock, s.
        plausibility: looks for what no arm can have. None: whatever is finite is taken.
        continuous: the continuous joints. None: there are none.
        age: after so long without a state the arm was out of sight, s.

    Attributes:
        position: newest positions, rad. Empty before every joint has come.
        arm: the same without the jumps that no arm can make, rad. Empty where jumps are not looked for.
        velocity: rad/s, measured, or from the last two positions where the driver gives none.
        grippers: newest opening of each gripper, None where unknown.
        received: steady time at which the joint that is silent for longest came, s. -inf before every joint has come.
        agreeing: states in a row that show the arm in the same place.
        gaps: how often the arm was out of sight, whatever the reason, since it was first seen.
        rejection: why the last state was not taken. None: it was.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        gripper_joints: Sequence[str] = (),
        future: float = math.inf,
        plausibility: Plausibility | None = None,
        continuous: ContinuousJoints | None = None,
        age: float = math.inf,
    ) -> None:
        self._names = names
        self._gripper_joints = tuple(gripper_joints)
        self._future = future
        self._plausibility = plausibility
        self._continuous = continuous or None
        self._turns: list[float] = []
        self._reported: dict[tuple[int, ...], bool] = {}
        self._layouts: dict[tuple[str, ...], _Layout] = {}
        self._all = tuple(range(len(names)))
        self._raw = [math.nan] * len(names)
        self._stamps = [-math.inf] * len(names)
        self._arrivals = [-math.inf] * len(names)
        self.position: list[float] = []
        self.arm: list[float] = []
        self.velocity: list[float] = []
        self.grippers: list[float | None] = [None] * len(self._gripper_joints)
        self.received = -math.inf
        self.agreeing = 0
        self.gaps = 0
        self._age = age
        self.rejection: Rejection | None = None

    def take(
        self, event: JointStateEvent, received: float, ros: float, *, steady_speed: bool = True
    ) -> Rejection | None:
        """Take a joint state.

        Args:
            event: as received.
            received: steady time of its arrival, s.
            ros: ROS time, s.
            steady_speed: the ROS clock keeps real time, so that reported velocities can be compared with positions.

        Returns:
            None, or why it was not taken.
        """
        self.rejection = rejection = self._take(event, received, ros, steady_speed)
        if rejection is Rejection.OUTLIER:
            self.agreeing = 0
        return rejection

    def _take(self, event: JointStateEvent, received: float, ros: float, steady_speed: bool) -> Rejection | None:
        count = len(event.names)
        if len(event.position) != count or len(event.velocity) not in (0, count):
            return Rejection.SHAPE
        layout = self._layout(event.names)
        if layout.twice:
            return Rejection.TWICE
        joints = layout.joints
        if not joints:
            return self._take_grippers(event, layout.grippers)
        measured = _picked(event.position, layout.columns)
        if not (math.isfinite(sum(measured)) and math.isfinite(event.stamp)):
            return Rejection.NOT_FINITE
        if event.stamp > ros + self._future:
            return Rejection.FUTURE
        stamps = self._stamps if layout.whole else [self._stamps[j] for j in joints]
        stamp = event.stamp
        if stamp != 0.0 and stamp <= max(stamps):
            return Rejection.SEQUENCE
        raw = _replaced(self._raw, joints, measured)
        turns, position = self._turns, raw
        if self._continuous is not None:
            turns = self._continuous.turns(raw, self.position)
            position = [p + turn for p, turn in zip(raw, turns, strict=True)]
        now, before = (stamp, stamps) if stamp else (received, [self._arrivals[j] for j in joints])
        velocity, given = self._velocity(event, layout, position, now, before)
        if not math.isfinite(sum(velocity)):
            return Rejection.NOT_FINITE
        longest = now - min(before)
        if self._plausibility is not None and math.isfinite(sum(position)):
            reported = given and steady_speed
            if not self._plausible(self._plausibility, event, joints, position, velocity, longest, reported):
                return Rejection.OUTLIER
            self.arm = self._plausibility.motion(position)
        self._note(event, layout, received, longest, position)
        if math.isfinite(sum(position)):
            self.position, self.velocity = position, velocity
        self._raw, self._turns = raw, turns
        if any(column >= 0 for column in layout.grippers):
            self._take_grippers(event, layout.grippers)
        return None

    def _note(
        self, event: JointStateEvent, layout: _Layout, received: float, elapsed: float, position: list[float]
    ) -> None:
        """Note when joints came, and whether they are where they were."""
        near, before = _AGREE + _AGREE_SPEED * elapsed, self.position
        same = bool(before)
        if before:
            for new, old in zip(position, before, strict=True):  # those that did not come are where they were
                if not -near <= new - old <= near:
                    same = False
                    break
        self.agreeing = self.agreeing + 1 if same else 1
        last = self.received
        if layout.whole:
            count = len(self._all)
            self._stamps, self._arrivals, self.received = [event.stamp] * count, [received] * count, received
        else:
            for j in layout.joints:
                self._stamps[j], self._arrivals[j] = event.stamp, received
            self.received = min(self._arrivals)
        if last > -math.inf and self.received - last > self._age:
            self.gaps += 1

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
        """The ROS clock was restarted: stamps may begin again."""
        self._stamps = [-math.inf] * len(self._names)

    def lost(self, now: float, age: float) -> list[str]:
        """Joints of which nothing came for `age` s at steady time `now`, s."""
        return [name for name, at in zip(self._names, self._arrivals, strict=True) if now - at > age]

    def problem(self) -> str:
        """Why there is no position yet, for people. Empty where there is one."""
        if self.position:
            return ""
        missing = [name for name, at in zip(self._names, self._arrivals, strict=True) if at == -math.inf]
        refused = self.rejection not in (None, Rejection.NAMES)
        if refused and self.rejection is not None:
            return f"joint states are rejected: {self.rejection.value}"
        if not missing or not self._layouts:
            return "no joint state has come"
        found = ", ".join(dict.fromkeys(name for names in list(self._layouts) for name in names))
        return f"joint states have no joint '{missing[0]}'. They have: {found or 'none'}"

    def slower_than(self, speed: float) -> bool:
        """Whether every joint moves slower than `speed`, rad/s. False before the first state."""
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
        joints: tuple[int, ...],
        position: list[float],
        velocity: list[float],
        elapsed: float,
        reported: bool,
    ) -> bool:
        """Whether an arm in the last state can be in this one. Reported velocities are looked at as well."""
        if not self.position:
            return True
        if not plausibility.believe(self.position, position, elapsed, stamped=event.stamp != 0.0, joints=joints):
            return False
        if reported and self._reported.get(joints) and (any(velocity) or any(self.velocity)):
            plausibility.compare(list(map(sub, position, self.position)), self.velocity, velocity, elapsed, joints)
        self._reported[joints] = reported
        return True

    def _velocity(
        self, event: JointStateEvent, layout: _Layout, position: list[float], now: float, times: list[float]
    ) -> tuple[list[float], bool]:
        """(n,) velocities, rad/s, and whether the driver gave all those of its joints.

        `times` are those of the last state of each joint that came, s, on the clock of `now`.
        """
        joints = layout.joints
        if event.velocity:
            told = _picked(event.velocity, layout.columns)
            if not math.isnan(sum(told)) or not any(map(math.isnan, told)):
                return self._with_velocities(joints, told), True
        else:
            told = [math.nan] * len(joints)
        before = self.position
        for k, j in enumerate(joints):
            if math.isnan(told[k]):
                elapsed = now - times[k]
                known = bool(before) and 0.0 < elapsed < math.inf
                told[k] = (position[j] - before[j]) / elapsed if known else 0.0
        return self._with_velocities(joints, told), False

    def _with_velocities(self, joints: tuple[int, ...], values: list[float]) -> list[float]:
        return _replaced(self.velocity or [0.0] * len(self._names), joints, values)

    def _layout(self, names: tuple[str, ...]) -> _Layout:
        layout = self._layouts.get(names)
        if layout is None:
            joints = tuple(j for j, name in enumerate(self._names) if name in names)
            columns = tuple(names.index(self._names[j]) for j in joints)
            grippers = tuple(names.index(joint) if joint in names else -1 for joint in self._gripper_joints)
            twice = any(names.count(name) > 1 for name in (*self._names, *self._gripper_joints))
            layout = _Layout(joints, columns, grippers, twice, joints == self._all)
            if len(self._layouts) < _MOST_LAYOUTS:
                self._layouts[names] = layout
        return layout


def _picked(values: Sequence[float], columns: tuple[int, ...]) -> list[float]:
    """The values of some columns."""
    return list(map(float, map(values.__getitem__, columns)))  # half the time of a comprehension


def _replaced(values: list[float], places: tuple[int, ...], new: list[float]) -> list[float]:
    """A copy of values (n,) with new ones at some places."""
    if len(new) == len(values):
        return new
    copy = list(values)
    for place, value in zip(places, new, strict=True):
        copy[place] = value
    return copy
