"""Joint states that no arm can have: jumps of the position, and velocities that contradict the positions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import sub

from hume_core.limits import MotionLimits
from hume_system1.control.continuous import ContinuousJoints
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.states import Reason

_NOISE = 0.02  # rad
# Limits may be set far below what a joint can do when a hand moves it.
_HAND_SPEED = 10.0  # rad/s
# Time stamps of a good driver may be this wrong. Arrival times of one that does not stamp, that much.
_STAMP_JITTER = 0.01  # s
_ARRIVAL_JITTER = 0.05  # s
_MAX_OUTLIER_LEVEL = 5.0  # outliers that make a fault
_DECAY = 2.0  # outliers per s that are subtracted
_WINDOW = 1.0  # s over which positions and velocities are compared
_OFFSET = 0.1  # rad that they may differ, and ...
_SHARE = 0.5  # ... this part of the way that the velocities tell
_LONG = 0.5  # s of contradiction that make a fault
_GAP = 0.2  # s without a state after which a comparison says nothing
# No joint goes this fast one way in one state and back in the next. Two publishers that disagree do.
_TURN = 2.0  # times the velocity limit, or ...
_TURN_SPEED = 3.0  # ... rad/s, for limits set far below what a hand can do

_NONE = Reason.NONE


class Plausibility:
    """Looks at one joint state after the other.

    A position that is further from the last one than the arm can have come is an outlier. It is left out. If the next
    one agrees with it, the measurement has jumped, and the new place counts: what follows from the distance to
    the command is for the watchdogs. Many outliers in a short time are a fault, and so are many smaller jumps to and
    fro. Where the joints come in several messages, each is looked at by itself.

    Args:
        limits: joints.
        settings: `jump_speed`.
    """

    def __init__(self, limits: MotionLimits, settings: ControlSettings) -> None:
        self._speeds = [max(settings.jump_speed * float(v), _HAND_SPEED) for v in limits.velocity]
        self._turn_speeds = [max(_TURN * float(v), _TURN_SPEED) for v in limits.velocity]
        self._continuous = ContinuousJoints(limits)
        self._all = tuple(range(limits.size))
        self._outliers: dict[tuple[int, ...], tuple[Sequence[float], float]] = {}
        self._outlier_level = 0.0
        self._fast = [0.0] * limits.size
        self._errors = [0.0] * limits.size
        self._ways = [0.0] * limits.size
        self._contradictions: dict[tuple[int, ...], float] = {}
        self._jumped = [0.0] * limits.size
        self._has_jumped = False

    @property
    def fault(self) -> Reason:
        """What is wrong with the joint states, or NONE."""
        if self._outlier_level >= _MAX_OUTLIER_LEVEL:
            return Reason.JOINT_STATES_JUMP
        for contradiction in self._contradictions.values():
            if contradiction >= _LONG:
                return Reason.JOINT_STATES_CONTRADICT
        return _NONE

    @property
    def calm(self) -> bool:
        """Whether there was no outlier recently."""
        return self._outlier_level <= 0.0

    def believe(
        self,
        old: Sequence[float],
        new: Sequence[float],
        elapsed: float,
        *,
        stamped: bool,
        joints: tuple[int, ...] | None = None,
    ) -> bool:
        """Whether to take positions.

        Args:
            old: (n,) last positions that were taken, rad.
            new: (n,) positions, rad.
            elapsed: time between them, s.
            stamped: whether it was measured by the driver's stamps, and not by arrival.
            joints: those that were measured. None: all. The others stay where they were.
        """
        joints = self._all if joints is None else joints
        jitter = _STAMP_JITTER if stamped else _ARRIVAL_JITTER
        elapsed = elapsed if elapsed > 0.0 else 0.0  # what is not a number is 0 too
        outlier = self._outliers.get(joints)
        # Asked first: by now the arm could have come here from the old place too, but not by way of the outlier.
        if outlier is not None and self._confirms(outlier, new, elapsed, jitter, stamped, joints):
            self._jumped = [total + b - a for total, a, b in zip(self._jumped, old, new, strict=True)]
            self._has_jumped = True
            self._settle(joints)
            return True
        ways, time = list(map(sub, new, old)), max(elapsed, jitter)
        # A driver that reports often tells of small ways. They are settled without a look at each joint.
        small = max(ways) <= _NOISE and min(ways) >= -_NOISE
        # |new - old| <= noise + speed * dt: what an arm can do, with the uncertainty of dt in its favour.
        if small or self._possible(ways, time, joints):
            if self._turns_back(ways, time, joints, small):
                self._outlier_level += 1.0
            elif outlier is None and self._outlier_level > 0.0:
                share = len(joints) / len(self._all)
                self._outlier_level = max(self._outlier_level - _DECAY * elapsed * share, 0.0)
            self._settle(joints)
            return True
        self._outlier_level += 1.0
        self._outliers[joints] = new, elapsed
        return False

    def _settle(self, joints: tuple[int, ...]) -> None:
        """The joints' positions are confirmed: outliers from before no longer count, whatever sent them."""
        if self._outliers:
            present = set(joints)
            self._outliers = {key: value for key, value in self._outliers.items() if present.isdisjoint(key)}

    def _turns_back(self, ways: Sequence[float], elapsed: float, joints: tuple[int, ...], small: bool) -> bool:
        """Whether a joint went one way too fast in the last state, and comes back too fast in this one."""
        speeds, fast, back = self._turn_speeds, self._fast, False
        if small and not any(fast):
            return False
        for i in joints:
            way = ways[i]
            if -_NOISE <= way <= _NOISE:
                fast[i] = 0.0
                continue
            bound = _NOISE + speeds[i] * elapsed
            speed = way if way > bound or way < -bound else 0.0
            back = back or fast[i] * speed < 0.0
            fast[i] = speed
        return back

    def _confirms(
        self,
        outlier: tuple[Sequence[float], float],
        new: Sequence[float],
        elapsed: float,
        jitter: float,
        stamped: bool,
        joints: tuple[int, ...],
    ) -> bool:
        """Whether positions agree with the outlier before them."""
        position, at = outlier
        if self._continuous:  # both were counted from the last position, half a turn away perhaps
            position = self._continuous.nearest(position, new)
        if stamped and elapsed <= at:  # the same message once more
            return False
        return self._possible(list(map(sub, new, position)), max(elapsed - at, jitter), joints)

    def motion(self, position: list[float]) -> list[float]:
        """(n,) positions as the arm has moved: without what it cannot have moved, rad."""
        if not self._has_jumped:
            return position
        return [p - jump for p, jump in zip(position, self._jumped, strict=True)]

    def compare(
        self,
        moved: Sequence[float],
        before: Sequence[float],
        velocity: Sequence[float],
        elapsed: float,
        joints: tuple[int, ...],
    ) -> None:
        """Compare the velocities of two states with the way between them.

        A velocity of exactly 0 in both is one that the driver does not report, or a joint that stands.

        Args:
            moved: (n,) way, rad.
            before, velocity: (n,) reported velocities at its two ends, rad/s.
            elapsed: time between the states, s.
            joints: those that were measured.
        """
        if not 0.0 < elapsed < _GAP:
            for i in joints:
                self._errors[i] = self._ways[i] = 0.0
            return
        # Two exponentially weighted sums over the window T: of the way that velocities do not explain, and of the way
        # they tell. S = exp(-dt / T) S_old + new is a moving sum that needs no memory, also for uneven dt. The way told
        # is by the trapezoidal rule, (v_before + v) / 2 dt, whose own error is of order dt^3.
        kept = math.exp(-elapsed / _WINDOW)
        errors, ways, contradicts = self._errors, self._ways, False
        for i in joints:
            first, last = before[i], velocity[i]
            error, total = kept * errors[i], kept * ways[i]
            if first != 0.0 or last != 0.0:
                told = 0.5 * (first + last) * elapsed
                error += moved[i] - told
                total += abs(told)
            errors[i], ways[i] = error, total
            if abs(error) > _OFFSET + _SHARE * total:
                contradicts = True
        self._contradictions[joints] = self._contradictions.get(joints, 0.0) + elapsed if contradicts else 0.0

    def _possible(self, ways: Sequence[float], elapsed: float, joints: tuple[int, ...]) -> bool:
        speeds = self._speeds
        for i in joints:  # as a loop: `all` of a generator takes three times as long
            way = ways[i]
            bound = _NOISE + speeds[i] * elapsed
            if way > bound or way < -bound:
                return False
        return True
