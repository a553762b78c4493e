"""Keeps clients from filling the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable


class LogThrottle(logging.Filter):
    """Lets some lines through in each period. The next period's first line says how many were left out.

    Args:
        most: lines in a period.
        period: s.
        clock: gives the time, s.
    """

    def __init__(self, most: int = 20, period: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._most, self._period, self._clock = most, period, clock
        self._begun, self._lines = clock(), 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is written."""
        now = self._clock()
        if now - self._begun >= self._period:
            left_out = self._lines - self._most
            if left_out > 0:
                record.msg = f"{record.msg} ({left_out} lines before this one were left out)"
            self._begun, self._lines = now, 0
        self._lines += 1
        return self._lines <= self._most
