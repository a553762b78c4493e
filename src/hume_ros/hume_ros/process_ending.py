"""The wish to end a process: signals, and the end of its parent."""

from __future__ import annotations

import math
import os
import signal
import threading
import time

CLOSING = 2.5
"""Longest time from the request to end until the process has ended, s. The kernel sees to it."""

_STUCK = 0.3  # s
_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ProcessEnding:
    """From SIGINT, SIGTERM or SIGHUP, or because the parent has ended and the kernel sent SIGTERM.

    Make it in the main thread. Signals are read by a thread of its own: the main thread may be inside a wait of the
    middleware, and Python would call a handler only after that.

    Args:
        linger: how much longer to go on where it is the parent that has ended, s.

    Attributes:
        stuck: set by others while the main thread waits for something and nothing has to be ended in order.
    """

    def __init__(self, linger: float) -> None:
        self._linger, self._parent = linger, os.getppid()
        self._at = math.inf
        self.stuck = False
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        threading.Thread(target=self._read, name="signals", daemon=True).start()
        for number in _NUMBERS:
            # `nohup` ignores SIGHUP, and means it.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda *_: None)

    @property
    def due(self) -> bool:
        """It is time."""
        return time.monotonic() >= self._at

    def close(self) -> None:
        """Listen no more."""
        signal.set_wakeup_fd(-1)
        os.close(self._writing)

    def _read(self) -> None:
        while number := os.read(self._reading, 1):
            if number[0] in _NUMBERS and self._at == math.inf:
                self._begin()
        os.close(self._reading)

    def _begin(self) -> None:
        self._at = time.monotonic() + (self._linger if os.getppid() != self._parent else 0.0)
        # SIGALRM ends a process that has no handler for it.
        signal.setitimer(signal.ITIMER_REAL, _STUCK if self.stuck else CLOSING)
