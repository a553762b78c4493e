"""The points of each message to a `joint_trajectory_controller`.

That controller plays a message by its time stamps. It interpolates between the points, by quintics where they
have velocities and accelerations. Where the first point lies ahead it begins at the measured state. An arm lags behind
its command, so a stream that begins again at the measured state in every message jerks and never catches up.

So every message repeats the points before, and its first point lies in the past: the controller is always between
two points of the message and never looks at the measured state. Each command is due `lead` seconds after its tick.
A message holds the commands that are not yet over, then the way to standstill (see `stop_path`). Consecutive
messages agree on all that the controller has played, so it follows one smooth curve: the commands, `lead` late.
If messages stop coming, the controller itself brings the arm to rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, inf

import numpy as np
from numpy.typing import NDArray

from hume_system1.control.joint_limiter import JointLimiter
from hume_system1.control.stop_path import StopPath

Array = NDArray[np.float64]

# The first point lies this far in the past, for a controller whose clock is behind. As a multiple of the lead.
_BEHIND = 1.0
# The arm rests at the end for so long: the controller refuses a message that comes when its last point is over.
_RESTS = 0.5  # s
# Points closer than this part of a period are one.
_SAME = 0.1


class TrajectoryStream:
    """Remembers the last commands and puts the points of the next message together.

    Args:
        size: number of joints n.
        lead: how long after its tick a command is due, s.
        period: of the stream, s.
        longest_tick: after a longer time without a command the controller has played the stop, s.

    Attributes:
        count: number of points of the newest message.
        times: (count,) steady time of each point, s.
        positions, velocities, accelerations: (count, n) rad, rad/s, rad/s^2.
    """

    def __init__(self, size: int, lead: float, period: float, longest_tick: float) -> None:
        self._lead, self._period, self._longest_tick = lead, period, longest_tick
        self._keep = (1.0 + _BEHIND) * lead
        self._last = -inf
        self._stop = StopPath(size)
        # A stop that was played since the last message stays in the past of the next.
        past = ceil(self._keep / period) + 2 + StopPath.most_points(size)
        self.capacity = past + 1 + StopPath.most_points(size) + 1
        self._times = np.zeros(self.capacity)
        self._rows = np.zeros((3, self.capacity, size))
        self._said = self._starts = 0
        self.count = 0

    @property
    def times(self) -> Array:
        """See the class."""
        return self._times[: self.count]

    @property
    def positions(self) -> Array:
        """See the class."""
        return self._rows[0, : self.count]

    @property
    def velocities(self) -> Array:
        """See the class."""
        return self._rows[1, : self.count]

    @property
    def accelerations(self) -> Array:
        """See the class."""
        return self._rows[2, : self.count]

    def add(self, now: float, starts: int, joints: Sequence[JointLimiter]) -> None:
        """Put the points of the next message together.

        Args:
            now: steady time of the tick, s.
            starts: of the command. Another number than last time is a new motion from rest.
            joints: commanded state of each joint.
        """
        if starts != self._starts:
            self._starts, self._said, self.count, self._last = starts, 0, 0, -inf
        # Let f be the curve of commands, `lead` late. A message holds f up to `due`, then the stop from there. If the
        # next message arrives before `due`, the controller is still on f, and the next message holds f there too, with
        # the same position, velocity and acceleration. So it plays f, and a stop only where no message comes in time.
        due = now + self._lead
        stopped = now - self._last > self._longest_tick
        self._last = now
        # A stop that was played is part of the past. One that was not has been replaced by other commands.
        known = self.count if stopped else self._said
        known = int(np.searchsorted(self._times[:known], due - _SAME * self._period))
        self._forget(known, now - self._lead * _BEHIND)
        if stopped:
            self._append_rest(due - self._period, joints)
        self._append(due, [[joint.p, joint.v, joint.a] for joint in joints])
        self._said = self.count
        self._append_stop(due, joints)

    def _forget(self, known: int, before: float) -> None:
        """Keep the first `known` points, but of those that are due before `before` only the last."""
        first = max(int(np.searchsorted(self._times[:known], before, side="right")) - 1, 0)
        self.count = known - first
        if first and self.count:
            self._times[: self.count] = self._times[first:known].copy()
            self._rows[:, : self.count] = self._rows[:, first:known].copy()

    def _append_rest(self, until: float, joints: Sequence[JointLimiter]) -> None:
        """Where the arm rested, it rested until one period before the new command is due."""
        if self.count == 0:
            place = [[joint.p, 0.0, 0.0] for joint in joints]
            self._append(until - self._keep, place)
            self._append(until, place)
            return
        last = self.count - 1
        if self._times[last] < until and not self._rows[1:, last].any():
            self._times[self.count] = until
            self._rows[:, self.count] = self._rows[:, last]
            self.count += 1

    def _append(self, time: float, states: list[list[float]]) -> None:
        self._times[self.count] = time
        self._rows[:, self.count] = np.array(states).T
        self.count += 1

    def _append_stop(self, due: float, joints: Sequence[JointLimiter]) -> None:
        stop = self._stop
        stop.plan(joints)
        end = self.count + len(stop.times)
        self._times[self.count : end] = due + stop.times
        self._rows[0, self.count : end] = stop.positions
        self._rows[1, self.count : end] = stop.velocities
        self._rows[2, self.count : end] = stop.accelerations
        self._times[end] = self._times[end - 1] + _RESTS
        self._rows[:, end] = self._rows[:, end - 1]
        self.count = end + 1
