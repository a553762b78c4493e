"""Signals of a process that starts others."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a service manager, a terminal that closes."""


@contextmanager
def signals_to(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    """The signals of `ENDING` go to a handler meanwhile. In the main thread, where alone they can arrive."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in ENDING}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def interrupt_on_signals() -> None:
    """The first signal of `ENDING` raises KeyboardInterrupt here. Those after it must not disturb the clean-up.

    A shell starts background jobs with SIGINT ignored, which does not count. `nohup` ignores SIGHUP, which does.
    """
    for number in ENDING:
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt
