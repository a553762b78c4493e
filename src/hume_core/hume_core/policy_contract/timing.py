"""When the rows of a chunk are due, and where System 1 may start in it."""

from __future__ import annotations

from typing import Any

from hume_core.robot_sections import Progress, Section


class Timing(Section):
    """Timing beside the time step `dt` of a contract.

    Attributes:
        system1_progress: shares of a chunk at which System 1 was trained to start, such as [0, 0.5], or
            `multiples_of_s1_chunk_size`. Left out: anywhere.
    """

    system1_progress: Progress | None = None

    def adopted(self) -> dict[str, Any]:
        """What a robot profile takes over from the checkpoint. Fields of `Action`."""
        return {} if self.system1_progress is None else {"system1_progress": self.system1_progress}


def timing_facts(dt: float, timing: Timing) -> dict[str, str]:
    """What of the timing is compared with a robot, in words."""
    return {"dt": f"{dt:.6g} s"}
