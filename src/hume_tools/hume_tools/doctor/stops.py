"""Whether every stop that is published would be heard."""

from __future__ import annotations

from collections.abc import Iterator

from hume_core.robot import RobotProfile
from hume_system1.stop_sources import stop_sources
from hume_tools.doctor.graph import Graph
from hume_tools.doctor.installation import Finding

_QOS_FIX = "publish it reliable, so that who starts later hears it too. Or repeat it for as long as the stop lasts"


def judge_stops(profile: RobotProfile, graph: Graph) -> Iterator[Finding]:
    """Findings on stop topics, the dead-man switch and the driver's states."""
    wanted = stop_sources(profile)
    for topic, kind in wanted.items():
        yield from _publishers(topic, kind, graph)
    for what, topic in _needed(profile):
        found = sorted(endpoint.node for endpoint in graph.stops.get(topic, ()))
        text = f"{topic}, from {', '.join(found)}" if found else f"nobody publishes {topic}"
        yield Finding(what, bool(found), text, "start what publishes it, or correct its topic in the profile")


def _needed(profile: RobotProfile) -> Iterator[tuple[str, str]]:
    if profile.deadman is not None:
        yield "dead-man switch", profile.deadman.topic
    for state in profile.stop_states:
        yield f"stop state {state.topic}", state.topic


def _publishers(topic: str, kind: str, graph: Graph) -> Iterator[Finding]:
    for endpoint in graph.stops.get(topic, ()):
        if endpoint.type != kind:
            yield Finding(
                f"stop on {topic}: type", False, f"{endpoint.node} publishes {endpoint.type}", f"publish {kind}"
            )
        elif endpoint.qos_problem:
            yield Finding(f"stop on {topic}: QoS", False, f"{endpoint.node}: {endpoint.qos_problem}", _QOS_FIX)
