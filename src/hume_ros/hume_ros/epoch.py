"""Task epochs, shared by every node through a latched topic.

An epoch is a counter that grows on every new instruction, cancel, reset, emergency stop and takeover. Each node
keeps the highest it has seen and may start the next one; what carries an older epoch is dropped.
"""

from __future__ import annotations

from collections.abc import Callable

from hume_msgs.msg import Epoch
from rclpy.node import Node

from hume_ros import qos


class EpochKeeper:
    """The highest task epoch known to a node.

    Args:
        node: owner; publishes and subscribes `hume/epoch`.
        on_change: called with (epoch, reason) when another node begins a newer epoch, from the spin thread.
    """

    def __init__(self, node: Node, on_change: Callable[[int, str], None]) -> None:
        self._node = node
        self._on_change = on_change
        self._publisher = node.create_publisher(Epoch, "hume/epoch", qos.LATCHED)
        self._subscription = node.create_subscription(Epoch, "hume/epoch", self._receive, qos.LATCHED)
        self._source = node.get_fully_qualified_name()
        self.value = 0

    def start_new(self, reason: str) -> int:
        """Begin the next epoch, tell everybody, and return it."""
        self.announce(self.value + 1, reason)
        return self.value

    def announce(self, epoch: int, reason: str) -> None:
        """Tell everybody of an epoch that began here."""
        self.value = epoch
        message = Epoch(epoch=epoch, source=self._source, reason=reason)
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def close(self) -> None:
        """Leave the topic."""
        self._node.destroy_subscription(self._subscription)
        self._node.destroy_publisher(self._publisher)

    def catch_up(self, epoch: int, reason: str) -> None:
        """Another node is in this epoch; nothing happens where it is not newer.

        What a node announced leaves the topic with the node. One that starts again learns the epoch from those who
        stayed.
        """
        if epoch > self.value:
            self.value = epoch
            self._on_change(epoch, reason)

    def _receive(self, message: Epoch) -> None:
        if message.source != self._source:
            self.catch_up(int(message.epoch), str(message.reason))
