"""What both systems decided while a bag was replayed, in a few lines."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

from hume_core.texts import shortened


class Decisions:
    """Counts chunks by instruction, and time by mode of System 1. One thread feeds it. It is read after that."""

    def __init__(self) -> None:
        self._chunks: Counter[str] = Counter()
        self._low, self._high = math.inf, -math.inf
        self._modes: Counter[str] = Counter()
        self._heard = False

    def add_chunk(self, message: Any) -> None:
        """An `ActionChunk` of System 2."""
        self._chunks[str(message.instruction)] += 1
        self._low, self._high = min(self._low, float(message.value)), max(self._high, float(message.value))

    def add_status(self, message: Any) -> None:
        """A `System1Status`. Those of one rate tell how long a mode was in force."""
        self._heard = True
        self._modes[str(message.mode_name).lower()] += 1

    def report(self, bag: Path) -> list[str]:
        """Lines for people. None where neither system was heard.

        Args:
            bag: that was played.
        """
        if not self._heard and not self._chunks:
            return []
        look = (
            f"look closer: ./hume regress {bag} --checkpoint FOLDER steps through it, and record:=RUN records a replay"
        )
        return [self._thoughts(), *self._motion(), look]

    def _thoughts(self) -> str:
        if not self._chunks:
            return "System 2 chose no chunk. Give it a task: task:=TEXT, or hume task TEXT"
        told = ", ".join(f"'{shortened(text, 60)}'" for text in self._chunks)
        count = sum(self._chunks.values())
        return f"System 2 chose {count} chunks for {told}, values {self._low:.2f} to {self._high:.2f}"

    def _motion(self) -> list[str]:
        total = sum(self._modes.values())
        if not total:
            return []
        shares = ", ".join(f"{name} {100 * count / total:.0f} %" for name, count in self._modes.most_common())
        return [f"System 1 was in: {shares} of the time"]
