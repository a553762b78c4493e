"""Answers requests until the pipe closes. Each is [method, arguments], each answer {"ok": ...} or {"error": ...}."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from hume_libero.framing import PROTOCOL, Channel, FramingError


def serve(channel: Channel, methods: dict[str, Callable[..., Any]]) -> None:
    """Answer until the other side ends. A request that fails is answered with its error, and goes to the log whole."""
    while True:
        try:
            name, arguments = channel.receive()
        except FramingError:
            return
        try:
            answer: dict[str, Any] = {"ok": methods[name](**arguments)}
        except Exception as error:  # whatever LIBERO raises belongs to the request
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        channel.send(answer)


def main() -> None:
    """Serve on the process's own standard input and output. What LIBERO prints goes to standard error."""
    # Before LIBERO is imported: it prints.
    channel = Channel(os.dup(0), os.dup(1))
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    from hume_libero.child.benchmark import Benchmarks
    from hume_libero.child.worlds import Worlds

    benchmarks = Benchmarks()
    worlds = Worlds(benchmarks)
    methods: dict[str, Callable[..., Any]] = {
        "hello": lambda: {"protocol": PROTOCOL, "versions": benchmarks.versions()},
        "tasks": benchmarks.tasks,
        "open": worlds.open,
        "reset": worlds.reset,
        "row": worlds.row,
        "joints": worlds.joints,
        "picture": worlds.picture,
    }
    serve(channel, methods)
