"""Calling services from tools: an answer that got lost is asked for again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

_REPEAT_AFTER = 2.0


def call_until_answered(client: Any, request: Any, spin: Callable[[], None], timeout: float) -> Any | None:
    """Send a request, again every two seconds, until an answer comes.

    A server may answer before it has discovered the client's reader, and that answer is lost. Only for services that
    may be called twice.

    Args:
        client: of a service that is ready.
        request: its request.
        spin: lets the client's node take messages, for a short time.
        timeout: s.

    Returns:
        The answer. None when none came in time.
    """
    calls: list[Any] = []
    deadline, repeat = time.monotonic() + timeout, 0.0
    while time.monotonic() < deadline:
        if time.monotonic() >= repeat:
            calls.append(client.call_async(request))
            repeat = time.monotonic() + _REPEAT_AFTER
        spin()
        for call in calls:
            if call.done():
                return call.result()
    return None
