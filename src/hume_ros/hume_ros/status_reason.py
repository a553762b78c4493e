"""Mode and reason in the status of System 1."""

from __future__ import annotations

from hume_msgs.msg import System1Status


def reason_without_mode(status: System1Status) -> str:
    """Why System 1 is in its mode: "taken over" for the reason "hold: taken over". Empty while it runs."""
    mode, _, rest = str(status.reason).partition(": ")
    return rest if mode == str(status.mode_name).lower() else str(status.reason)


def mode_with_reason(status: System1Status) -> str:
    """The reason, which begins with the mode, such as "hold: taken over". The mode's name where there is no reason."""
    return str(status.reason or status.mode_name)
