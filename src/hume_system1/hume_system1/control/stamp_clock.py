"""From the steady clock to ROS time stamps, smoothly.

A controller plays a trajectory by its stamp. An error of the stamp shifts the whole motion: 20 us at 2 rad/s are
40 urad, and a controller at 1 kHz that meets them in one cycle sees 40 rad/s^2. Two readings of two clocks are never
taken at one instant, and /clock of a simulator comes in steps. So the offset between the clocks and its rate are
estimated by a phase-locked loop (a critically damped second-order filter) and only their smooth course is used.
"""

from __future__ import annotations

# Part of the error that is taken over per reading, at least: the first readings count more. The part of it that goes
# into the rate makes the filter critically damped.
_GAIN = 0.01
_SNAP = 50_000_000  # ns; a clock that was set is followed at once


class StampClock:
    """Estimates ROS time at steady times. All times in ns: seconds since 1970 have no room for them in a float."""

    def __init__(self) -> None:
        self._steady = self._ros = 0
        self._rate = 1.0
        self._readings = 0

    def update(self, steady: int, ros: int) -> None:
        """Take readings of both clocks, as near to each other as can be had; ns."""
        elapsed = steady - self._steady
        if elapsed <= 0 and self._readings:
            return
        error = ros - self.at(steady)
        if self._readings == 0 or abs(error) > _SNAP:
            self._steady, self._ros, self._readings = steady, ros, 1
            return
        self._readings += 1
        gain = max(_GAIN, 2.0 / (self._readings + 2.0))
        self._ros, self._steady = self.at(steady) + round(gain * error), steady
        self._rate += 0.25 * gain * gain * error / elapsed

    def at(self, steady: int) -> int:
        """ROS time at a steady time near the last reading, ns."""
        return self._ros + round(self._rate * (steady - self._steady))
