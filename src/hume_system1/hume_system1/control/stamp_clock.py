"""ROS time at a steady time, smoothly, from readings of both clocks.

A controller plays a trajectory by its stamp. An error of the stamp shifts the whole motion: 20 us at 2 rad/s are
40 urad, and a controller at 1 kHz that meets them in one cycle sees 40 rad/s^2. Two readings of two clocks are never
taken at one instant. /clock of a simulator comes in steps, and goes at the simulation's speed. So a
phase-locked loop (a critically damped second-order filter) estimates the offset between the clocks and its rate. Only
their smooth course is used.
"""

from __future__ import annotations

# Part of the error that is taken over per reading, at least: the first readings count more. The part of it that goes
# into the rate makes the filter critically damped.
# At 200 readings per second a gain of 0.01 averages over about 2 / 0.01 readings, 1 s.
_GAIN = 0.01
_COUNTED_MORE = 2.0 / _GAIN - 2.0  # readings
_MEMORY = 1_000_000_000  # ns. Readings that come rarely count more each
_RARE = 20_000_000  # ns between readings: those of a simulator, whose rate may be any
_SNAP = 50_000_000  # ns. A clock that was set is followed at once
_FASTEST = 20.0  # times real time. No simulation is faster
_LONGEST_STEP = 500_000_000  # ns
_STEPS = 2.0  # readings that may be missing before the clock is taken to stand still


class StampClock:
    """Estimates ROS time at steady times. All times in ns: seconds since 1970 have no room for them in a float.

    A reading that has not advanced says nothing but that the next one has not come. It is left out.

    Attributes:
        rate: ns of ROS time per ns of steady time.
        step: steady time between the last two readings that advanced, ns. 0 before there are two.
    """

    def __init__(self) -> None:
        self._steady = self._ros = self._newest = self._changed = 0
        self._readings = 0
        self.rate = 1.0
        self.step = 0

    def update(self, steady: int, ros: int) -> None:
        """Take readings of both clocks, as near to each other as can be had, ns."""
        if self._readings == 0 or ros < self._newest - _SNAP:
            self._begin(steady, ros)
            return
        elapsed = steady - self._changed
        if ros <= self._newest or elapsed <= 0:
            return
        expected = self.at(steady)
        error, advance = ros - expected, ros - self._newest
        self._newest, self._changed = ros, steady
        # A pause is no step.
        longest = 2 * self.step if 0 < self.step < _LONGEST_STEP // 2 else _LONGEST_STEP
        self.step = elapsed if elapsed < longest else longest
        if abs(error) > (elapsed if elapsed > _SNAP else _SNAP):
            # The clock was set, or its rate has changed a lot, which only these two readings tell.
            rare = elapsed > _RARE and advance < _FASTEST * elapsed
            self._begin(steady, ros, advance / elapsed if rare else self.rate, self.step)
            return
        # One step of a phase-locked loop (in radar: an alpha-beta filter). With the prediction's error e,
        #
        #     offset += alpha e        rate += beta e / elapsed
        #
        # The error then obeys z^2 - (2 - alpha - beta) z + (1 - alpha) = 0. Its roots are equal, so it dies out as fast
        # as it can without overshoot, where (alpha + beta)^2 = 4 beta: for small gains beta = alpha^2 / 4. Two
        # integrators, so a clock that goes at a constant wrong rate leaves no error in the end. Franklin, Powell and
        # Workman, Digital Control of Dynamic Systems. Kalata, The tracking index, 1984.
        self._readings += 1
        phase, rate = self._gains(elapsed)
        self._ros, self._steady = expected + round(phase * error), steady
        self.rate += rate * error / elapsed

    def at(self, steady: int) -> int:
        """ROS time at a steady time near the last reading, ns."""
        return self._ros + round(self.rate * (steady - self._steady))

    def stands(self, steady: int) -> bool:
        """Whether readings that were due by a steady time, ns, have not come."""
        return steady > self._changed + round(_STEPS * self.step)

    def until(self, steady: int) -> int:
        """As `at`, but the clock stands still where readings that were due have not come, ns."""
        return self.at(min(steady, self._changed + round(_STEPS * self.step)))

    def _begin(self, steady: int, ros: int, rate: float = 1.0, step: int = 0) -> None:
        self._steady, self._ros, self._newest, self._changed = steady, ros, ros, steady
        self.rate, self.step, self._readings = rate, step, 1

    def _gains(self, elapsed: int) -> tuple[float, float]:
        """Parts of the error that go into the phase and into the rate."""
        # The first readings count more, as there are no others: alpha falls with n until it is `_GAIN`.
        n = self._readings
        if elapsed < _RARE:
            phase = 2.0 / (n + 2.0) if n < _COUNTED_MORE else _GAIN
            return phase, 0.25 * phase * phase
        # A straight line through all n readings so far by least squares, updated reading by reading, is this filter
        # with alpha = 2 (2n - 1) / (n (n + 1)) and beta = 6 / (n (n + 1)) (Morrison, Introduction to Sequential
        # Smoothing and Prediction, 1969). Used until the filter's own memory is full.
        least = max(_GAIN, min(0.5, elapsed / _MEMORY))
        return (
            max(least, 2.0 * (2.0 * n - 1.0) / (n * (n + 1.0))),
            max(0.25 * least * least, 6.0 / (n * (n + 1.0))),
        )
