"""A segment as a smooth curve in time: the natural cubic spline through its rows."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Rows up to which the curvature comes from a matrix, which is made once for each number of rows.
_DENSE = 64
# The inverse of the endless tridiagonal system (1, 4, 1) is known: row k of it is (sqrt(3) - 2)^|k| / (2 sqrt(3)). It
# falls off by 2 - sqrt(3) = 0.27 per row, to 1e-16 within so many.
_REACH = 28
_DECAY = np.sqrt(3.0) - 2.0
_KERNEL = 6.0 / (2.0 * np.sqrt(3.0)) * _DECAY ** np.abs(np.arange(-_REACH, _REACH + 1))


@lru_cache(maxsize=32)
def _curvature_operator(rows: int) -> Array:
    """(rows, rows) matrix from row values to second derivatives at the rows, for unit spacing (ends 0)."""
    # On a piece between rows i and i + 1 the cubic is fixed by both values y and both second derivatives m. That the
    # slope is continuous at row i is, for unit spacing,
    #
    #     m[i-1] + 4 m[i] + m[i+1] = 6 (y[i-1] - 2 y[i] + y[i+1])
    #
    # and the ends of a natural spline have m = 0. Of all curves through the rows it has the least mean square
    # acceleration (Holladay 1957; de Boor, A Practical Guide to Splines, chapter IV).
    operator = np.zeros((rows, rows))
    if rows < 3:
        return operator
    inner = rows - 2
    system = 4.0 * np.eye(inner) + np.eye(inner, k=1) + np.eye(inner, k=-1)
    second_difference = np.eye(inner, rows) - 2.0 * np.eye(inner, rows, k=1) + np.eye(inner, rows, k=2)
    operator[1:-1] = np.linalg.solve(system, 6.0 * second_difference)
    return operator


def _curvature(rows: Array) -> Array:
    """Second derivatives (h, n) at the rows (h, n) of the natural cubic spline, for unit spacing.

    A tick has no time to solve a large system that it meets for the first time. For many rows the inverse of the system
    is applied as a convolution. The curvature is 0 at both ends, as if the rows went on mirrored with the other sign.
    """
    h = rows.shape[0]
    if h <= _DENSE:
        curvature: Array = _curvature_operator(h) @ rows
        return curvature
    # Continued beyond both ends with mirrored sign, the right side makes the endless system's solution odd about the
    # ends, that is 0 there. So it is also the solution of the finite system with m = 0 at both ends.
    bent = np.zeros((h + 2 * _REACH, rows.shape[1]))
    bent[_REACH + 1 : -_REACH - 1] = rows[:-2] - 2.0 * rows[1:-1] + rows[2:]
    bent[:_REACH] = -bent[2 * _REACH : _REACH : -1]
    bent[-_REACH:] = -bent[-_REACH - 2 : -2 * _REACH - 2 : -1]
    return np.stack([np.convolve(column, _KERNEL, "valid") for column in bent.T], axis=1)


class Spline:
    """Natural cubic spline: continuous position, velocity and acceleration.

    Args:
        start: ROS time of row 0, s.
        dt: time between rows, s.
        rows: (h, n) positions, rad. A single row is a point that holds for dt.

    Attributes:
        start, end: time it covers, s.
    """

    __slots__ = ("_basis", "_coefficients", "_rate", "dt", "end", "start")

    def __init__(self, start: float, dt: float, rows: Array) -> None:
        if rows.shape[0] == 1:
            rows = np.concatenate((rows, rows))
        h = rows.shape[0]
        # (h - 1, 4, n): value and derivatives in units of dt, at the start of each piece
        pieces = np.empty((h - 1, 4, rows.shape[1]))
        curvature = _curvature(rows)
        # y + u y' + u^2 / 2 m + u^3 / 6 (m_next - m), where y' is what reaches the next row's value at u = 1.
        here, after = curvature[:-1], curvature[1:]
        pieces[:, 0] = rows[:-1]
        slope = np.subtract(rows[1:], rows[:-1], out=pieces[:, 1])
        slope -= (2.0 * here + after) / 6.0
        pieces[:, 2] = here
        np.subtract(after, here, out=pieces[:, 3])
        self._coefficients = pieces
        self._basis = np.zeros((4, 4))
        self._rate = 1.0 / dt
        self.dt = dt
        self.start = start
        self.end = start + (h - 1) * dt

    def sample(self, t: float, out: Array) -> None:
        """Write position, velocity, acceleration and jerk at time t into out (4, n).

        Before the start it is the first row at rest. After the end, the last row at rest.
        """
        u = (t - self.start) * self._rate
        pieces = self._coefficients
        if u < 0.0:
            out[0] = pieces[0, 0]
            out[1:] = 0.0
            return
        k = int(u)
        if k >= len(pieces):
            k = len(pieces) - 1
            if u > k + 1.0:
                np.sum(pieces[k] * _END, axis=0, out=out[0])
                out[1:] = 0.0
                return
        taylor_rows(u - k, self._rate, self._basis)
        np.matmul(self._basis, pieces[k], out=out)


# Writes all numbers of a small matrix at once: numpy takes longer for a single row.
_ROWS = Struct("16d")
_END = np.array([[1.0], [1.0], [0.5], [1.0 / 6.0]])


def taylor_rows(u: float, rate: float, out: Array) -> None:
    """Rows that turn (value, d, dd, ddd) per unit into the derivatives 0 to 3 per second, u units later.

    Args:
        u: units since the expansion point.
        rate: units per second.
        out: (4, 4), written.
    """
    r2 = rate * rate
    half = 0.5 * u * u
    _ROWS.pack_into(
        out.data, 0,
        1.0, u, half, half * u / 3.0,
        0.0, rate, rate * u, rate * half,
        0.0, 0.0, r2, r2 * u,
        0.0, 0.0, 0.0, r2 * rate,
    )  # fmt: skip
