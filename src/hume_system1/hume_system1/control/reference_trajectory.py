"""What the arm should do at a given time: admitted segments, sampled by time stamp and spliced smoothly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hume_core.limits import MotionLimits
from hume_system1.control.splice import Departure, Fade
from hume_system1.control.spline import Spline

Array = NDArray[np.float64]

# Rows of a segment in the configurations in use. Others cost a little more the first time.
_USUAL_ROWS = (1, 2, 4, 5, 8, 10, 16, 20, 32, 50)
_ORDERS = np.arange(4.0)


class ReferenceTrajectory:
    """The motion to follow. All times are ROS time in s. Loop thread only.

    A new segment waits until the committed part of the old motion is over and its own first row is due. Then it is
    followed after a splice. If a newer segment arrives meanwhile, it replaces the one that waits. The committed part
    ends when it was going to.

    Args:
        limits: joints.
        committed: how long the old motion stays as it is after a new segment came, s.
        blend: time of a passage from one segment to the next, s. See `splice`.

    Attributes:
        splices: passages from one segment to another so far.
    """

    def __init__(self, limits: MotionLimits, committed: float, blend: float) -> None:
        n = limits.size
        self._committed = committed
        self._fade = Fade(n, blend)
        self._departure = Departure(limits, blend)
        self._current: Spline | None = None
        self._pending: Spline | None = None
        self._due = 0.0
        self._out = np.zeros((4, n))
        self._old = np.zeros((4, n))
        self._scratch = np.zeros((4, n))
        self._grippers: tuple[Spline, Array] | None = None
        self._warm_up()
        self.splices = 0

    def clear(self) -> None:
        """Forget all motion: nothing of it may be blended with what comes."""
        self._current = self._pending = self._grippers = None
        self._fade.clear()
        self._departure.clear()

    def add(self, now: float, segment: Spline, grippers: Array | None = None) -> None:
        """Take a segment that has been admitted.

        Args:
            now: ROS time, s.
            segment: its curve.
            grippers: (h, g) gripper values of its rows.
        """
        if self._pending is None or not self._due <= now + self._committed:
            self._due = now + self._committed
        self._pending = segment
        if grippers is not None and grippers.size:
            self._grippers = (segment, grippers)

    def covers(self, t: float) -> bool:
        """Whether there is motion for time t."""
        if self._current is not None and t <= self._current.end:
            return True
        pending = self._pending
        return pending is not None and pending.start <= t <= pending.end

    def anchor(self, t: float, state: Array, rate: float = 1.0) -> None:
        """Begin following in the state the command is in, whatever was followed before.

        Args:
            t: ROS time, s.
            state: (3, n) commanded position, velocity and acceleration.
            rate: s of ROS time per s that the command moves.
        """
        # Chain rule between the two times: with ROS time t = rate * s for s seconds of the command,
        # d^k/ds^k = rate^k d^k/dt^k. A simulation at half speed asks for half the velocity and a quarter of the
        # acceleration. `sample` goes the other way.
        if rate != 1.0:
            state = state * (rate ** -_ORDERS[:3])[:, None]
        pending, current = self._pending, self._current
        if pending is not None and (current is None or t > current.end or pending.start <= t <= pending.end):
            self._current, self._pending = pending, None
        if self._current is None:
            return
        # In motion the difference fades, since the command may not stop for it. At rest the arm departs on its own
        # time, as long as its limits need: a fade has a fixed rate, and a large distance would ask for too much.
        self._current.sample(t, self._out)
        if state[1:].any():
            self._departure.clear()
            self._fade.begin(t, state - self._out[:3])
        else:
            self._fade.clear()
            self._departure.begin(t, state[0], self._out[0])

    def sample(self, t: float, rate: float = 1.0) -> list[list[float]]:
        """Position, velocity, acceleration and jerk at time t as (4, n). `covers(t)` must be true.

        Args:
            t: ROS time, s.
            rate: s of ROS time per s that the command moves.
        """
        pending, spliced = self._pending, False
        if pending is not None and t >= pending.start:
            over = self._current is None or t > self._current.end
            if over or t >= self._due:
                spliced = self._splice(t, pending)
        if spliced:
            self._fade.add(t, self._out, self._scratch)
        else:
            self._read(t, self._out)
        self._departure.weigh(t, self._out)
        if rate != 1.0:
            self._out *= (rate**_ORDERS)[:, None]
        rows: list[list[float]] = self._out.tolist()
        return rows

    def grippers(self, t: float) -> list[float] | None:
        """Gripper values (g,) of the newest segment's row in force at time t, None if there are none."""
        if self._grippers is None:
            return None
        segment, values = self._grippers
        k = int((t - segment.start) / segment.dt)
        row: list[float] = values[min(max(k, 0), len(values) - 1)].tolist()
        return row

    def _warm_up(self) -> None:
        """Go through everything once: the first use of linear algebra takes milliseconds that a tick does not have."""
        for rows in _USUAL_ROWS:
            self.add(0.0, Spline(0.0, 1.0, np.zeros((rows, self._out.shape[1]))))
            self.anchor(0.0, self._out[:3])
            self.sample(0.5)
        self.clear()

    def _read(self, t: float, out: Array) -> None:
        if self._current is not None:
            self._current.sample(t, out)
            self._fade.add(t, out, self._scratch)

    def _splice(self, t: float, segment: Spline) -> bool:
        """Go on with a segment. Returns whether its sample for time t is left in `_out`, for the fade to be added."""
        self._pending = None
        if segment.end < t:
            return False
        before = self._current
        if before is not None:
            self._read(t, self._old)
            segment.sample(t, self._out)
            self._old -= self._out
            self._fade.begin(t, self._old)
            self.splices += 1
        self._current = segment
        return before is not None
