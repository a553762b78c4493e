"""Who publishes on a topic, and whether a node does so from two processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rclpy.node import Node
from rclpy.topic_endpoint_info import TopicEndpointInfo

NAMELESS = "a node without a name"
SETTLED = 15.0
"""A crashed process stays in the graph until its lease is over. Two that are there for longer both run, s."""

# What the graph calls a node of which only a publisher is known yet. A publisher without ROS stays so.
_UNKNOWN = "_NODE_NAME_UNKNOWN_"


@dataclass(frozen=True)
class Publisher:
    """A publisher in the graph.

    Attributes:
        node: its node's full name, or `NAMELESS`.
        gid: tells it from every other publisher.
    """

    node: str
    gid: tuple[int, ...]


def publishers_of(node: Node, topic: str) -> list[Publisher]:
    """The publishers of a topic, as `node` sees the graph.

    Args:
        node: looks.
        topic: relative to its namespace, or with a slash.
    """
    infos = node.get_publishers_info_by_topic(node.resolve_topic_name(topic))
    return [Publisher(_name(info), tuple(info.endpoint_gid)) for info in infos]


def _name(info: TopicEndpointInfo) -> str:
    if info.node_name == _UNKNOWN:
        return NAMELESS
    return f"{info.node_namespace.rstrip('/')}/{info.node_name}"


class RepeatedPublishers:
    """Finds nodes that publish on a topic from several processes, all of which live."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, Publisher], float] = {}

    def update(self, publishers: Mapping[str, Sequence[Publisher]], now: float) -> dict[str, dict[str, int]]:
        """Take note of who is there at steady time `now`, s.

        Args:
            publishers: topic -> its publishers.
            now: s on the steady clock.

        Returns:
            Topic -> node -> how many of its publishers are there for `SETTLED` or longer, where these are two or more.
        """
        present = {(topic, publisher) for topic, found in publishers.items() for publisher in found}
        self._since = {key: self._since.get(key, now) for key in present}
        counts: dict[str, dict[str, int]] = {}
        for topic, publisher in sorted(present, key=lambda key: (key[0], key[1].node)):
            if now - self._since[topic, publisher] >= SETTLED and publisher.node != NAMELESS:
                nodes = counts.setdefault(topic, {})
                nodes[publisher.node] = nodes.get(publisher.node, 0) + 1
        repeated = {topic: {node: n for node, n in nodes.items() if n > 1} for topic, nodes in counts.items()}
        return {topic: nodes for topic, nodes in repeated.items() if nodes}


def repeated_text(repeated: Mapping[str, Mapping[str, int]]) -> str:
    """What was found, for people. Empty: nothing."""
    return ", ".join(
        f"{node} publishes on {topic} from {count} processes"
        for topic, nodes in repeated.items()
        for node, count in nodes.items()
    )
