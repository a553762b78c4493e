"""A conservative estimate of the delay from observation to command."""

from __future__ import annotations

import math
from collections import deque


class DelayEstimate:
    """The largest of the last delays, without the first ones.

    Under-estimating is the greater harm, as a command for a time that has passed makes a jump. So the estimate is a
    maximum and not a mean. The first segments after a start are slow for reasons that do not last (caches,
    compilation, discovery). One of them would stay the maximum for a whole window, so they are not counted.

    Args:
        skip: first samples after `restart` that do not count.
        window: samples the maximum is taken over.

    Attributes:
        latest: the newest measured delay, s. NaN before the first.
    """

    def __init__(self, skip: int = 3, window: int = 50) -> None:
        self.latest = math.nan
        self._skip = skip
        self._left_to_skip = skip
        self._samples: deque[float] = deque(maxlen=window)

    def restart(self) -> None:
        """The producer was restarted: skip its first samples again. The estimate stays until then."""
        self._left_to_skip = self._skip

    def add(self, delay: float) -> None:
        """Note a measured delay, s. What is not finite or negative is ignored."""
        if not math.isfinite(delay) or delay < 0.0:
            return
        self.latest = delay
        if self._left_to_skip > 0:
            self._left_to_skip -= 1
            return
        self._samples.append(delay)

    @property
    def value(self) -> float:
        """The estimate, s. NaN until a sample counts."""
        # If the delays come in no particular order, the next one is above the largest of n with probability
        # 1 / (n + 1), whatever their distribution: 2 % for 50. Each of the n + 1 is the largest equally often (David
        # and Nagaraja, Order Statistics). A mean would be too short for about half of them.
        samples = tuple(self._samples)
        return max(samples) if samples else math.nan
