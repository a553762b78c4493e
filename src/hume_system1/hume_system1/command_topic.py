"""The topic on which a controller takes its commands."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node

from hume_ros import qos


class CommandTopic:
    """What every sink on a topic has.

    Args:
        node: who publishes.
        message_type: of the controller.
        topic: of the controller.
    """

    def __init__(self, node: Node, message_type: Any, topic: str) -> None:
        self._node = node
        self._publisher: Any = node.create_publisher(message_type, topic, qos.COMMAND)

    def unheard(self) -> str:
        """The topic if nobody subscribes to it, else empty."""
        return "" if self._publisher.get_subscription_count() else str(self._publisher.topic_name)

    def close(self) -> None:
        """Leave the topic."""
        self._node.destroy_publisher(self._publisher)
