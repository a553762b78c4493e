"""Watching the ROS clock against the steady clock, and a smooth version of it to sample motion with."""

from __future__ import annotations

import math

from hume_system1.control.stamp_clock import StampClock
from hume_system1.control.states import Reason

BACKWARD = 0.01
"""Less is the slewing of a disciplined clock, s."""

_CORRECTION = 0.1  # part of the error taken over per reading
_SNAP = 0.1  # s. An error above this is taken over whole
_OFF = 0.02  # a clock whose rate is further from 1 is a simulator's
_SURE = 50  # readings that advance in a row make a clock fine again
_STEPS = 2.5  # readings that may be missing before a coarse clock is frozen
_LONGEST = 1.0  # s that a coarse clock may stand still at most
_COARSEST = 0.105  # s of ROS time between two readings: 10 Hz, with room for rounding


class RosClock:
    """ROS time as the command loop uses it.

    /clock of a simulator comes in steps (10 ms, or 100 ms) and may run slower or faster than real time. Commands are
    made every few milliseconds, so motion sampled on the raw clock would move in steps too. `time` runs on with the
    steady clock, at the rate that the readings have, and is corrected towards them.

    Args:
        frozen: longest time without an advance, s of steady time. A coarse clock may take 2.5 of its steps.
        jump: largest advance in excess of the steady clock, s.

    Attributes:
        time: smooth ROS time, s. Never goes back except at a restart.
        rate: s of ROS time per s of steady time. Exactly 1 unless the clock is a simulator's.
        fault: what is wrong with the clock. Stays until `restart`.
        beginnings: how often it went back.
    """

    def __init__(self, frozen: float, jump: float) -> None:
        self._frozen = frozen
        self._jump = jump
        self.beginnings = 0
        self.rate = 1.0
        self._estimate = StampClock()
        self._simulated = False
        self._advances = _SURE
        self._step = self._advance = 0.0
        self.restart()

    def restart(self) -> None:
        """Forget all readings but the clock's rate: the next reading is right."""
        self.time = math.nan
        self.fault = Reason.NONE
        self._reading = math.nan
        self._changed = math.nan
        self._steady = math.nan

    def update(self, steady: float, ros: float) -> None:
        """Take the reading of a tick, both clocks in s."""
        if math.isnan(self._reading):
            if math.isfinite(ros):
                self._reading, self._changed, self._steady = ros, steady, steady
                self._estimate.update(_ns(steady), _ns(ros))
                self.time = self.now(ros)
            return
        self._watch(steady, ros)
        rate = 0.0 if self._simulated and self._estimate.stands(_ns(steady)) else self.rate
        expected = self.time + (steady - self._steady) * rate
        self._steady = steady
        if not math.isfinite(ros):
            return
        # A first-order filter on the difference of the clocks, time += 0.1 error, on top of running on with the steady
        # clock. The noise of single readings (when exactly the tick read them) comes through with a tenth.
        target = self.now(ros)
        error = target - expected
        if abs(error) > _SNAP:
            expected = target
        else:
            expected += _CORRECTION * error
        # Never back: a motion that is sampled at an earlier time than before would reverse the arm.
        if expected > self.time:
            self.time = expected

    def now(self, ros: float) -> float:
        """ROS time at the last update, where `ros` was read, s: a coarse clock has gone on since its last step."""
        if not self._simulated:
            return ros
        return max(ros, self._estimate.until(_ns(self._steady)) * 1e-9)

    def described(self) -> str:
        """How /clock comes, for people. Empty where nothing is wrong with it."""
        if self._step <= _COARSEST:
            return ""
        step = self._estimate.step * 1e-9
        rate = f"{1.0 / step:.1f} times per second" if step > 0.0 else "rarely"
        return f"/clock comes {rate}, in steps of {self._step:.2f} s. Even motion needs steps of at most 0.1 s (10 Hz)"

    def _watch(self, steady: float, ros: float) -> None:
        advance = ros - self._reading
        if not advance > 0.0:
            if advance < -BACKWARD:
                self._fault(Reason.CLOCK_BACKWARD)
                self._reading, self._changed = ros, steady
                self._estimate.update(_ns(steady), _ns(ros))
                self.beginnings += 1
                return
            if steady - self._changed > self._frozen_after():
                self._fault(Reason.CLOCK_FROZEN)
            self._advances = 0
            return
        if advance - (steady - self._changed) > self._jump:
            self._fault(Reason.CLOCK_FORWARD)
        if math.isfinite(ros):
            self._estimate.update(_ns(steady), _ns(ros))
            self._step, self._advance = min(advance, self._advance), advance
            self._reading, self._changed = ros, steady
            self._judge()

    def _judge(self) -> None:
        """Whether the clock is a simulator's: it stands still between its steps, or does not keep real time."""
        self._advances += 1
        rate, coarse = self._estimate.rate, self._advances < _SURE
        off = self._advances > 2 * _SURE and abs(rate - 1.0) > _OFF
        self._simulated = self._estimate.step > 0 and (coarse or off)
        self.rate = rate if self._simulated else 1.0

    def _frozen_after(self) -> float:
        """How long the clock may stand still, s."""
        return max(self._frozen, min(_STEPS * self._estimate.step * 1e-9, _LONGEST))

    def _fault(self, reason: Reason) -> None:
        if self.fault is Reason.NONE:
            self.fault = reason


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
