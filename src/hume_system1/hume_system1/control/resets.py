"""A person's request to leave FAULT or ESTOP."""

from __future__ import annotations

import math


class ResetRequest:
    """From when a reset is asked for until it is complete, cancelled or expired.

    Args:
        timeout: how long it waits for its conditions, s.

    Attributes:
        pending: it has begun and waits for its conditions.
        fresh_chunk: a chunk was admitted since it began.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._asked = False
        self._until = -math.inf
        self.pending = False
        self.fresh_chunk = False

    def ask(self) -> None:
        """Somebody asks for it."""
        self._asked = True

    def take(self) -> bool:
        """Whether it was asked for since the last call."""
        asked, self._asked = self._asked, False
        return asked

    def begin(self, now: float) -> None:
        """It begins to wait for its conditions at steady time `now`, s."""
        self.pending, self.fresh_chunk = True, False
        self._until = now + self._timeout

    def end(self) -> None:
        """It is complete, or void."""
        self.pending = False

    def cancel(self) -> None:
        """It is void, and so is one that was asked for in this tick."""
        self.pending = self._asked = False

    def expire(self, now: float) -> None:
        """It is void once it has waited too long, steady time `now`, s."""
        if now > self._until:
            self.pending = False

    def chunk_admitted(self) -> None:
        """A chunk has come since it began."""
        self.fresh_chunk = True
