"""Single keys from the terminal, without waiting for Return."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from types import TracebackType
from typing import Any


class Keys:
    """Reads keys while inside its `with`. Without a terminal there are none."""

    def __init__(self) -> None:
        self.available = sys.stdin is not None and sys.stdin.isatty()
        self._before: list[Any] | None = None

    def __enter__(self) -> Keys:
        """Take single keys from now on. Ctrl-C stays what it is."""
        if self.available:
            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        if self._before is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def pressed(self) -> str:
        """What was typed since the last call."""
        if not self.available or not select.select([sys.stdin], [], [], 0.0)[0]:
            return ""
        return os.read(sys.stdin.fileno(), 64).decode(errors="ignore")
