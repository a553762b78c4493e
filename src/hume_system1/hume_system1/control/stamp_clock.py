"""From the steady clock to ROS time stamps, smoothly.

A controller plays a trajectory by its stamp. An error of the stamp shifts the whole motion: 20 us at 2 rad/s are
40 urad, and a controller at 1 kHz that meets them in one cycle sees 40 rad/s^2. Two readings of two clocks are never
taken at one instant, and /clock of a simulator comes in steps. So the offset between the clocks and its rate are
estimated by a phase-locked loop (a critically damped second-order filter) and only their smooth course is used.
"""

from __future__ import annotations

# Gains per reading: offset, and rate for critical damping. A hundred readings to follow.
_OFFSET_GAIN = 0.01
_RATE_GAIN = 0.25 * _OFFSET_GAIN * _OFFSET_GAIN
_SNAP = 50_000_000  # ns; a clock that was set is followed at once


class StampClock:
    """Estimates ROS time at steady times. All times in ns: seconds since 1970 have no room for them in a float."""

    def __init__(self) -> None:
        self._steady = self._ros = 0
        self._rate = 1.0
        self._known = False

    def update(self, steady: int, ros: int) -> None:
        """Take readings of both clocks, as near to each other as can be had; ns."""
        if not self._known:
            self._begin(steady, ros)
            return
        elapsed = steady - self._steady
        if elapsed <= 0:
            return
        expected = self._ros + round(self._rate * elapsed)
        error = ros - expected
        if abs(error) > _SNAP:
            self._begin(steady, ros)
            return
        self._steady, self._ros = steady, expected + round(_OFFSET_GAIN * error)
        self._rate += _RATE_GAIN * error / elapsed

    def at(self, steady: int) -> int:
        """ROS time at a steady time near the last reading, ns."""
        return self._ros + round(self._rate * (steady - self._steady))

    def _begin(self, steady: int, ros: int) -> None:
        self._steady, self._ros, self._rate, self._known = steady, ros, 1.0, True
