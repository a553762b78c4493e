"""From a policy's gripper value to a gripper command."""

from __future__ import annotations

import math

from hume_system1.control.control_settings import GripperSettings


class GripperSetpoint:
    """Mapping, hysteresis and rate limit of a gripper.

    Args:
        settings: see `GripperSettings`.

    Attributes:
        command: m. NaN before the first value.
        target: where `command` is going, m, without the rate limit. NaN before the first value of a stream.
    """

    def __init__(self, settings: GripperSettings) -> None:
        self._settings = settings
        self._is_open: bool | None = None
        self.command = math.nan
        self.target = math.nan

    def start(self, measured: float | None) -> None:
        """Begin a new stream from the measured opening, m. None leaves the first command free."""
        self.command = math.nan if measured is None else self._clamped(measured)
        self._is_open = None
        self.target = math.nan

    def step(self, value: float | None, dt: float) -> float:
        """Advance dt s.

        Args:
            value: policy value, None to stay (an object is not dropped because motion stops).
            dt: tick length, s.

        Returns:
            The command, m. NaN as long as no value has come.
        """
        if value is None:
            return self.command
        self.target = target = self._mapped(value)
        if math.isnan(self.command):
            self.command = target
            return self.command
        step = self._settings.rate * dt
        self.command += min(max(target - self.command, -step), step)
        return self.command

    def _mapped(self, value: float) -> float:
        s = self._settings
        # Policies count either way round and in any units. 0 is closed and 1 is open from here on.
        openness = (value - s.policy_closed) / (s.policy_open - s.policy_closed)
        openness = min(max(openness, 0.0), 1.0)
        if s.binary:
            openness = 1.0 if self._decide(openness) else 0.0
        return s.closed + openness * (s.open - s.closed)

    def _decide(self, openness: float) -> bool:
        # Hysteresis (a Schmitt trigger): between the two thresholds the last decision stays. So a value that is noisy
        # about one threshold does not open and close the gripper each time.
        s = self._settings
        if openness < s.close_below:
            self._is_open = False
        elif openness > s.open_above:
            self._is_open = True
        elif self._is_open is None:
            self._is_open = openness >= 0.5 * (s.close_below + s.open_above)
        return self._is_open

    def _clamped(self, opening: float) -> float:
        low, high = sorted((self._settings.closed, self._settings.open))
        return min(max(opening, low), high)
