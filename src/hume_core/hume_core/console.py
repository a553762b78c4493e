"""Lines for people."""

from __future__ import annotations

import sys
from contextlib import suppress


def say(text: str) -> None:
    """Print a line on standard error. Nothing happens where the terminal is gone."""
    with suppress(OSError):
        print(f"hume: {text}", file=sys.stderr, flush=True)
