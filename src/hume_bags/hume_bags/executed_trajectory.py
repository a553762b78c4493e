"""What a `joint_trajectory_controller` commands, from the trajectories that it gets.

As the controller does it: a point is due at the trajectory's start plus its `time_from_start`. Between two points it
goes in a line, in a cubic where both have velocities, in a quintic where both have accelerations too. From the arrival
of a trajectory to its first point it goes the same way from what it commanded until then. After the last point it
stays there. A newer trajectory replaces the whole of an older one when it arrives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hume_bags.tracks import Array, covered
from hume_core.angles import short_way

_DEGREE = 5


@dataclass(frozen=True)
class Points:
    """Points of a trajectory, in order.

    Attributes:
        times: (k,) when they are due, s, strictly ascending.
        states: (3, k, n) positions, velocities and accelerations. Of the last two NaN where they are not given.
    """

    times: Array
    states: Array


class TrajectoryController:
    """Takes trajectories in the order of their arrival.

    Args:
        continuous: (n,) joints that may turn without end: the way to the first point is the short one.
        what: for errors.
    """

    def __init__(self, continuous: NDArray[np.bool_], what: str) -> None:
        self._continuous, self._what = continuous, what
        self._points: Points | None = None
        self._since = 0.0
        self._begins: list[float] = []
        self._origins: list[float] = []
        self._durations: list[float] = []
        self._polynomials: list[Array] = []

    def take(self, arrival: float, points: Points, resting: Array | None = None) -> None:
        """A trajectory arrives.

        Args:
            arrival: s, not before that of the last one.
            points: at least one.
            resting: (n,) where the joints are if nothing was commanded yet, rad. None: not known. Then nothing is
                commanded before the first point.
        """
        before = self.state(arrival)
        if before is None and resting is not None:
            before = np.stack([resting, np.zeros_like(resting), np.zeros_like(resting)])
        self._finish(arrival)
        since = arrival
        if points.times[0] > arrival and before is not None:
            first = points.states[0, 0]
            before[0] = first - short_way(first - before[0], self._continuous)
            states = np.concatenate([before[:, None], points.states], axis=1)
            points = Points(np.concatenate([[arrival], points.times]), states)
        elif points.times[0] > arrival:
            since = float(points.times[0])
        self._points, self._since = points, since

    def stop(self, time: float) -> None:
        """Stay where the command is at a time, s."""
        state = self.state(time)
        if state is not None:
            self._finish(time)
            state[1:] = 0.0
            self._points, self._since = Points(np.array([time]), state[:, None]), time

    def state(self, time: float) -> Array | None:
        """(3, n) position, velocity and acceleration commanded at a time after the last arrival. None before any."""
        if self._points is None or time < self._since:
            return None
        times, states = self._points.times, self._points.states
        k = int(np.searchsorted(times, time, side="right")) - 1
        if k == len(times) - 1:
            return np.stack([states[0, k], np.zeros_like(states[0, k]), np.zeros_like(states[0, k])])
        polynomial, x = _segment(self._points, k), time - times[k]
        rows = []
        for _ in range(3):
            rows.append(sum(row * x**power for power, row in enumerate(polynomial)))
            polynomial = polynomial[1:] * np.arange(1, len(polynomial))[:, None]
        return np.stack(rows)

    def track(self, end: float) -> ExecutedTrack:
        """Everything that was commanded up to a time, s. Nothing can be added after that."""
        self._finish(end)
        self._points = None
        order = np.array(self._begins), np.array(self._origins), np.array(self._durations)
        return ExecutedTrack(*order, np.array(self._polynomials), end, self._what)

    def _finish(self, until: float) -> None:
        """Keep what was commanded of the newest trajectory, and forget the rest of it."""
        if self._points is None or until <= self._since:
            return
        times = self._points.times
        first = max(int(np.searchsorted(times, self._since, side="right")) - 1, 0)
        for k in range(first, int(np.searchsorted(times, until, side="left"))):
            last = k == len(times) - 1
            self._begins.append(max(float(times[k]), self._since))
            self._origins.append(float(times[k]))
            self._durations.append(0.0 if last else float(times[k + 1] - times[k]))
            self._polynomials.append(_rest(self._points, k) if last else _segment(self._points, k))


class ExecutedTrack:
    """Pieces of polynomials over time. Make it with `TrajectoryController.track`. See `Track`.

    Args:
        begins: (m,) when each piece begins, s, ascending.
        origins: (m,) what its polynomial counts from, s.
        durations: (m,) how long it goes on from there, s. After that its end is held.
        polynomials: (m, 6, n) coefficients, the constant first.
        end: until when the last one counts, s.
        what: for errors.
    """

    def __init__(
        self, begins: Array, origins: Array, durations: Array, polynomials: Array, end: float, what: str
    ) -> None:
        self._begins, self._origins, self._durations = begins, origins, durations
        self._polynomials, self._what = polynomials, what
        self.start, self.end = (float(begins[0]), end) if len(begins) else (np.inf, -np.inf)

    def at(self, times: Array) -> Array:
        """See `Track`."""
        times = covered(self, times, self._what)
        piece = np.searchsorted(self._begins, times, side="right") - 1
        x = np.clip(times - self._origins[piece], 0.0, self._durations[piece])[:, None]
        polynomials = self._polynomials[piece]
        values = polynomials[:, _DEGREE]
        for power in range(_DEGREE - 1, -1, -1):
            values = values * x + polynomials[:, power]
        return values


def _rest(points: Points, k: int) -> Array:
    polynomial = np.zeros((_DEGREE + 1, points.states.shape[2]))
    polynomial[0] = points.states[0, k]
    return polynomial


def _segment(points: Points, k: int) -> Array:
    """(6, n) coefficients of the way from point k to the next, by the time since point k."""
    length = points.times[k + 1] - points.times[k]
    (p, v, a), (q, w, b) = points.states[:, k], points.states[:, k + 1]
    polynomial = _rest(points, k)
    if np.isnan([v, w]).any():
        polynomial[1] = (q - p) / length
    elif np.isnan([a, b]).any():
        polynomial[1] = v
        polynomial[2] = (3.0 * (q - p) / length - 2.0 * v - w) / length
        polynomial[3] = (2.0 * (p - q) / length + v + w) / length**2
    else:
        # The quintic with these positions, velocities and accelerations at both ends.
        polynomial[1], polynomial[2] = v, 0.5 * a
        way, speed = q - p - v * length - 0.5 * a * length**2, (w - v - a * length) * length
        bend = (b - a) * length**2
        polynomial[3] = (10.0 * way - 4.0 * speed + 0.5 * bend) / length**3
        polynomial[4] = (-15.0 * way + 7.0 * speed - bend) / length**4
        polynomial[5] = (6.0 * way - 3.0 * speed + 0.5 * bend) / length**5
    return polynomial
