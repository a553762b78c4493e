"""How far apart the clocks of two machines are, from the stamps of messages that go both ways."""

from __future__ import annotations

import math
from collections import deque

WINDOW = 10.0
"""Over how long the smallest delay is taken, s: the message with the shortest delay says most about the clocks."""


class LowestDelay:
    """Smallest (arrival - stamp) of a topic over a sliding window: network delay plus difference of the clocks.

    Args:
        window: s.
    """

    def __init__(self, window: float = WINDOW) -> None:
        self._window = window
        self._kept: deque[tuple[float, float]] = deque()

    def add(self, now: float, delay: float) -> None:
        """Note a message.

        Args:
            now: steady clock, s.
            delay: the receiver's clock at arrival minus the message's stamp, s. Negative if the sender's is ahead.
        """
        # A sliding minimum: an older delay that is not smaller can never be the minimum again, so it goes. What is kept
        # rises, and its first is the smallest. Each message is added and removed once, whatever the window's length.
        while self._kept and self._kept[-1][1] >= delay:
            self._kept.pop()
        self._kept.append((now, delay))

    def value(self, now: float) -> float:
        """Smallest delay of the window before `now` (steady clock, s). Infinite if no message came."""
        while self._kept and self._kept[0][0] < now - self._window:
            self._kept.popleft()
        return self._kept[0][1] if self._kept else math.inf


def clock_offset(there: float, back: float) -> float:
    """The other machine's clock minus this one's, s. Exact where both ways take equally long.

    Args:
        there: smallest delay of messages from here, by the other's clock at arrival, s.
        back: smallest delay of messages from there, by this clock at arrival, s.

    Returns:
        The offset, wrong by at most half the round trip. NaN while one way is silent.
    """
    # With the true offset o and network delays d1 there and d2 back: there = d1 + o and back = d2 - o, so
    #
    #     (there - back) / 2 = o + (d1 - d2) / 2
    #
    # The error is half the difference of the delays, at most half their sum. The smallest delays of a window have no
    # queueing in them and differ the least (RFC 5905, the clock filter of NTP).
    return 0.5 * (there - back) if math.isfinite(there) and math.isfinite(back) else math.nan
