"""Watching the ROS clock against the steady clock, and a smooth version of it to sample motion with."""

from __future__ import annotations

import math

from hume_system1.control.states import Reason

_BACKWARD = 0.01  # s; less is the slewing of a disciplined clock
_CORRECTION = 0.1  # part of the error taken over per reading
_SNAP = 0.1  # s; an error above this is taken over whole


class RosClock:
    """ROS time as the command loop uses it.

    /clock of a simulator comes in steps (often 10 ms or more) and may run slower than real time, while commands are
    made every few milliseconds: motion sampled on the raw clock would move in steps too. `time` runs on with the steady
    clock and is drawn towards the readings.

    Args:
        frozen: longest time without an advance, s of steady time.
        jump: largest advance in excess of the steady clock, s.

    Attributes:
        time: smooth ROS time, s; never goes back except at a restart.
        fault: what is wrong with the clock; stays until `restart`.
    """

    def __init__(self, frozen: float, jump: float) -> None:
        self._frozen = frozen
        self._jump = jump
        self.restart()

    def restart(self) -> None:
        """Forget the past: the next reading is right."""
        self.time = math.nan
        self.fault = Reason.NONE
        self._reading = math.nan
        self._changed = math.nan
        self._steady = math.nan

    def update(self, steady: float, ros: float) -> None:
        """Take the reading of a tick, both clocks in s."""
        if math.isnan(self._reading):
            if math.isfinite(ros):
                self.time = self._reading = ros
                self._changed = self._steady = steady
            return
        self._watch(steady, ros)
        expected = self.time + (steady - self._steady)
        self._steady = steady
        if not math.isfinite(ros):
            return
        error = ros - expected
        if abs(error) > _SNAP:
            expected = ros
        else:
            expected += _CORRECTION * error
        if expected > self.time:
            self.time = expected

    def _watch(self, steady: float, ros: float) -> None:
        advance = ros - self._reading
        if not advance > 0.0:
            if advance < -_BACKWARD:
                self._blame(Reason.CLOCK_BACKWARD)
                self._reading, self._changed = ros, steady
            elif steady - self._changed > self._frozen:
                self._blame(Reason.CLOCK_FROZEN)
            return
        if advance - (steady - self._changed) > self._jump:
            self._blame(Reason.CLOCK_FORWARD)
        if math.isfinite(ros):
            self._reading, self._changed = ros, steady

    def _blame(self, reason: Reason) -> None:
        if self.fault is Reason.NONE:
            self.fault = reason
