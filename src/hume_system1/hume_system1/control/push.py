"""A pushed arm is not a broken arm: hold, follow it a little, and go on once the push is over.

While the arm is away, the command comes towards it, slowly and not far. That takes the force out of a push. Joint
states that are wrong cannot lead the arm far either. What does not end in time is a fault.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from hume_core.limits import MotionLimits
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.divergence import Divergence
from hume_system1.control.limiter import Rows
from hume_system1.control.states import Reason

# As parts of the joint's tracking bound.
_SETTLED = 0.5  # the arm follows again
_NEAR = 0.2  # no need to come closer
_CHANGED = 0.1  # a difference that changes by less is constant
_CONSTANT_FOR = 0.2  # s
# Of the timeout: the command takes this long for the whole way that it may move towards the arm.
_COMING = 0.5


class PushWatch:
    """Tells a transient push from what is broken, and what to follow while it lasts.

    Args:
        limits: joints.
        settings: `push_settle`, `push_timeout`, `push_reach`, and `tracking_ratio`, above which the arm is away.

    Attributes:
        pushed: a push is going on.
        fault: why it is no transient push, or NONE.
    """

    def __init__(self, limits: MotionLimits, settings: ControlSettings) -> None:
        self._settings = settings
        self._divergence = Divergence(limits)
        self._bounds = [float(bound) for bound in limits.tracking]
        self._reach = [settings.push_reach * bound for bound in self._bounds]
        # The tracking law goes at most bandwidth / 3 times the distance per second: with three equal poles at w its
        # position gain is w^3 / (3 w^2) = w / 3 (see `tracking_gains`, small dt). A reference that stays this step
        # ahead of the command so moves it by the whole reach in `_COMING` of the timeout.
        per_second = _COMING * settings.push_timeout * settings.bandwidth / 3.0
        self._steps = [reach / per_second for reach in self._reach]
        self._zeros = [0.0] * limits.size
        self._origin: Sequence[float] = self._zeros
        self._began = self._settled_since = self._constant_since = math.inf
        self._constant: Sequence[float] = self._zeros
        self.pushed = False
        self.fault = Reason.NONE

    def forget(self, command: Sequence[float], arm: Sequence[float]) -> None:
        """Nothing is watched. Watching begins again from these positions, see `update`."""
        self.pushed, self.fault = False, Reason.NONE
        self._divergence.forget(command, arm)

    def update(
        self, now: float, ratio: float, command: Sequence[float], measured: Sequence[float], arm: Sequence[float]
    ) -> None:
        """Look once per tick.

        Args:
            now: steady clock, s.
            ratio: largest |command - measured| as a multiple of its bound.
            command: (n,) commanded positions, rad.
            measured: (n,) measured positions, rad.
            arm: (n,) measured positions without their jumps, rad.
        """
        self._divergence.update(ratio, command, measured, arm)
        if self.pushed:
            self._follow_up(now, ratio, command, measured)
            return
        above = self._settings.tracking_ratio
        if ratio > above and self._divergence.pushed(above, command, measured, arm):
            self._begin(now, command)

    def reference(self, command: Sequence[float], measured: Sequence[float]) -> Rows:
        """(4, n) to follow while pushed: towards the arm, until near it, or as far as the command may move."""
        positions = [self._towards(i, p, m - p) for i, (p, m) in enumerate(zip(command, measured, strict=True))]
        return [positions, self._zeros, self._zeros, self._zeros]

    def _begin(self, now: float, command: Sequence[float]) -> None:
        self.pushed = True
        self._began, self._origin = now, command
        self._settled_since = self._constant_since = math.inf

    def _follow_up(self, now: float, ratio: float, command: Sequence[float], measured: Sequence[float]) -> None:
        s = self._settings
        self._settled_since = min(self._settled_since, now) if ratio <= _SETTLED else math.inf
        if now - self._settled_since >= s.push_settle:
            self.pushed = False
        elif now - self._began > s.push_timeout:
            self.fault = Reason.PUSH_LASTS
        elif self._offset_stays(now, command, measured):
            self.fault = Reason.OFFSET_STAYS

    def _offset_stays(self, now: float, command: Sequence[float], measured: Sequence[float]) -> bool:
        """Whether the command has moved as far as it may, and the difference is as large as before and constant."""
        differences = [p - m for p, m in zip(command, measured, strict=True)]
        far = [abs(d) > _SETTLED * bound for d, bound in zip(differences, self._bounds, strict=True)]
        if not any(far[i] and self._came_along(i, command[i], -differences[i]) for i in range(len(far))):
            self._constant_since = math.inf
            return False
        changes = zip(differences, self._constant, self._bounds, strict=True)
        if self._constant_since == math.inf or any(abs(d - old) > _CHANGED * bound for d, old, bound in changes):
            self._constant_since, self._constant = now, differences
        return now - self._constant_since >= _CONSTANT_FOR

    def _came_along(self, i: int, command: float, distance: float) -> bool:
        """Whether joint i's command has used up its way towards an arm `distance` rad away."""
        way = command - self._origin[i] if distance >= 0.0 else self._origin[i] - command
        return way >= self._reach[i]

    def _towards(self, i: int, command: float, distance: float) -> float:
        if abs(distance) <= _NEAR * self._bounds[i] or self._came_along(i, command, distance):
            return command
        step = self._steps[i]
        return command + min(max(distance, -step), step)
