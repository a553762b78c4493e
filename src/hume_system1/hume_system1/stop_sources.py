"""Which topics may stop the arm."""

from __future__ import annotations

from hume_core.robot import RobotProfile
from hume_core.settings import find
from hume_system1.settings import System1Settings

STOP_TOPICS: tuple[str, ...] = find(System1Settings, "stop_topics").default
"""Where System 1 listens by default."""
_BOOL = "std_msgs/msg/Bool"


def stop_sources(profile: RobotProfile) -> dict[str, str]:
    """Topic -> message type of everything that may stop the arm."""
    deadman = {} if profile.deadman is None else {profile.deadman.topic: _BOOL}
    return {**dict.fromkeys(STOP_TOPICS, _BOOL), **deadman, **{s.topic: s.type for s in profile.stop_states}}
