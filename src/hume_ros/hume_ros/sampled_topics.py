"""Topics that are looked at now and then: a fast stream then costs nothing between two looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message


class SampledTopics:
    """Subscriptions that no executor serves. The middleware keeps the newest messages until somebody asks.

    They belong to a node of their own, since an executor wakes up for every message of the nodes it has.

    Args:
        node: beside which they stand: in its namespace and context.
    """

    def __init__(self, node: Node) -> None:
        self._owner = node
        self._node = rclpy.create_node(
            f"{node.get_name()}_samples", namespace=node.get_namespace(), context=node.context,
            use_global_arguments=False, start_parameter_services=False, enable_rosout=False,
        )  # fmt: skip
        self._subscriptions: dict[str, Any] = {}

    def add(self, message_type: Any, topic: str, quality: QoSProfile) -> None:
        """Begin to listen.

        Args:
            message_type: of the topic.
            topic: name, which is also what `take` goes by.
            quality: its depth is how many messages are kept between two looks.
        """
        # The process's remappings are known to the other node alone.
        name = self._owner.resolve_topic_name(topic)
        self._subscriptions[topic] = self._node.create_subscription(message_type, name, lambda _: None, quality)

    def take(self, topic: str) -> Iterator[Any]:
        """The messages that have come since the last look, newest first. What is not asked for is not decoded."""
        kind, handle = self._subscriptions[topic].msg_type, self._subscriptions[topic].handle
        found = []
        with handle:
            while (taken := handle.take_message(kind, True)) is not None:
                found.append(taken[0])
        return (deserialize_message(data, kind) for data in reversed(found))

    def close(self) -> None:
        """Leave every topic."""
        self._node.destroy_node()
