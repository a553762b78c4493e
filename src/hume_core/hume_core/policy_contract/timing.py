"""When the rows of a chunk are due, and where System 1 may start in it."""

from __future__ import annotations

from hume_core.robot_sections import Section


class Timing(Section):
    """Timing beside the time step `dt` of a contract."""


def timing_facts(dt: float, timing: Timing) -> dict[str, str]:
    """What of the timing is compared with a robot, in words."""
    return {"dt": f"{dt:.6g} s"}
