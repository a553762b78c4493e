"""What a session tells of itself."""

from __future__ import annotations

from typing import Any

from hume_core.chunk import Chunk, Segment
from hume_system1.control.command import Command
from hume_system1.control.core import ControlCore
from hume_system2.thinker import ThoughtResult
from hume_system2.thinking_cycle import PendingThought


class Listener:
    """Is called for everything that happens in a session, and does nothing. Override what is of interest.

    Times are ns since the start of the session, unless said otherwise.
    """

    def command(self, time: int, command: Command, core: ControlCore) -> None:
        """A tick. The command is reused: copy what is kept.

        Args:
            time: of the tick.
            command: what came of it.
            core: that made it.
        """

    def thought(self, start: int, end: int, task: PendingThought, result: ThoughtResult, chunk: Chunk | None) -> None:
        """A thought is over. `chunk` is None where the task had changed meanwhile."""

    def segment(self, start: int, end: int, segment: Segment) -> None:
        """A segment is done."""

    def received(self, source: str, time: int, message: Any) -> None:
        """A sensor message came."""

    def epoch(self, time: int, epoch: int, reason: str) -> None:
        """A new epoch began."""

    def event(self, time: int, kind: str, text: str) -> None:
        """Something worth a line."""
