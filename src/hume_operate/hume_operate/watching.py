"""`hume status`: once, or again and again until a key ends it."""

from __future__ import annotations

import io
import math
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.live import Live

from hume_core.json_report import json_text
from hume_core.labels import Label
from hume_operate.client import OperatorClient
from hume_operate.keys import Keys
from hume_operate.snapshot import Snapshot, StatusWatch
from hume_operate.status_view import line, view

_REFRESH = 0.2
_LINE_PERIOD = 1.0
_SETTLE = 0.6
"""A single snapshot listens this long for chunks and segments, s."""
_PICTURE_SETTLE = 8.0
"""The same for a picture, which shows a curve, s."""
_PICTURE_WIDTH = 100
_LABELS = {"s": Label.SUCCESS, "f": Label.FAILURE, "d": Label.DISCARD}


def show_once(client: OperatorClient, as_json: bool, picture: Path | None = None) -> int:
    """Print one snapshot. Returns 0.

    Args:
        client: of the stack.
        as_json: print JSON.
        picture: also draw the view to this file, as SVG.

    Raises:
        NobodyAnswersError: System 1 publishes no status.
        OSError: the picture cannot be written.
    """
    watch = StatusWatch(client)
    client.require_status()
    watch.snapshot()
    client.spin(_SETTLE if picture is None else _PICTURE_SETTLE)
    snapshot = watch.snapshot()
    if picture is not None:
        canvas = Console(record=True, width=_PICTURE_WIDTH, file=io.StringIO())
        canvas.print(view(snapshot, keys=True))
        canvas.save_svg(str(picture), title="hume status --watch")
    if as_json:
        print(json_text(snapshot.as_json()))
    else:
        Console().print(view(snapshot))
    return 0


def watch_status(client: OperatorClient, as_json: bool, seconds: float | None) -> int:
    """Show snapshots until `q`, Ctrl-C or the end of `seconds`. Returns 0.

    In a terminal it is one view that changes, elsewhere, or as JSON, a line a second.

    Raises:
        NobodyAnswersError: System 1 publishes no status.
    """
    watch = StatusWatch(client)
    client.require_status()
    end = math.inf if seconds is None else time.monotonic() + seconds
    with suppress(KeyboardInterrupt):
        if as_json or not sys.stdout.isatty():
            _print_lines(client, watch, end, lambda shot: json_text(shot.as_json()) if as_json else line(shot))
        else:
            _live(client, watch, end)
    return 0


def _print_lines(client: OperatorClient, watch: StatusWatch, end: float, text: Callable[[Snapshot], str]) -> None:
    while time.monotonic() < end:
        client.spin(min(_LINE_PERIOD, max(0.0, end - time.monotonic())))
        print(text(watch.snapshot()), flush=True)


def _live(client: OperatorClient, watch: StatusWatch, end: float) -> None:
    actions = KeyActions(client)
    with Keys() as keys, Live(auto_refresh=False, screen=True) as live:
        while time.monotonic() < end:
            for key in keys.pressed():
                if key == "q":
                    return
                actions.press(key)
            live.update(view(watch.snapshot(), actions.notice, keys.available), refresh=True)
            client.spin(_REFRESH)


class KeyActions:
    """What the keys do. Their answers come while the view goes on.

    Args:
        client: of the stack.

    Attributes:
        notice: what the last key did.
    """

    def __init__(self, client: OperatorClient) -> None:
        self._stop, self._label = client.stop_sender(), client.label_sender()
        self.notice = ""

    def press(self, key: str) -> None:
        """Do what a key means. One that means nothing does nothing."""
        if key == " ":
            self._stop()
            self.notice = "emergency stop sent. Leave it with: hume reset"
        elif key in _LABELS:
            label = _LABELS[key]
            self.notice = self._label(label) or f"the newest task is labelled {label.value}"
