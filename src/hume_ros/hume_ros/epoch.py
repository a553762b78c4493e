"""Task epochs, shared by every node through a latched topic.

An epoch is a counter that grows on every new instruction, cancel, reset, emergency stop and takeover. Each node
keeps the newest it has seen and may start the next one. What carries an older epoch is dropped. `hume_core.epochs` says
which epochs are accepted and how nodes agree again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from hume_msgs.msg import Epoch
from rclpy.node import Node

from hume_core.epochs import EpochAgreement
from hume_core.texts import shortened
from hume_ros import qos


class EpochKeeper:
    """The newest task epoch known to a node.

    Args:
        node: owner. Publishes and subscribes `hume/epoch`.
        on_change: called with (epoch, reason) when another node begins a newer epoch, from the spin thread.
    """

    def __init__(self, node: Node, on_change: Callable[[int, str], None]) -> None:
        self._node = node
        self._on_change = on_change
        self._source = node.get_fully_qualified_name()
        self._agreement = EpochAgreement()
        self._publisher = node.create_publisher(Epoch, "hume/epoch", qos.LATCHED)
        self._subscription = node.create_subscription(Epoch, "hume/epoch", self._receive, qos.LATCHED)

    @property
    def value(self) -> int:
        """The epoch in force."""
        return self._agreement.value

    def start_new(self, reason: str) -> int:
        """Begin the next epoch, publish it, and return it."""
        self._publish(self._agreement.begin(), reason)
        return self.value

    def hear(self, epoch: int) -> None:
        """An admitted chunk has brought a newer epoch. `on_change` is not called."""
        self._agreement.hear(epoch)

    def follow(self, epoch: int) -> None:
        """System 1's status says which epoch is in force: go there, and call `on_change`, where it is another."""
        if self._agreement.follow(epoch, time.monotonic()):
            self._on_change(epoch, "System 1 is in it")

    def lead(self, epoch: int, reason: str) -> None:
        """System 1 only: the control core is in this epoch. It is published if it is new."""
        if self._agreement.follow(epoch, time.monotonic()):
            self._publish(epoch, reason)

    def close(self) -> None:
        """Leave the topic."""
        self._node.destroy_subscription(self._subscription)
        self._node.destroy_publisher(self._publisher)

    def _publish(self, epoch: int, reason: str) -> None:
        message = Epoch(epoch=epoch, source=self._source, reason=reason)
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def _receive(self, message: Epoch) -> None:
        if message.source != self._source and self._agreement.hear(int(message.epoch)):
            self._on_change(self.value, shortened(str(message.reason)))
