"""Subscriptions that a control loop reads itself, without an executor waking up for each message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.subscription import Subscription

from hume_ros import qos


class PolledGroup(CallbackGroup):
    """A callback group whose members no executor waits for."""

    def can_execute(self, entity: Any) -> bool:
        """Never."""
        return False

    def beginning_execution(self, entity: Any) -> bool:
        """Never."""
        return False

    def ending_execution(self, entity: Any) -> None:
        """Nothing to do."""


class PolledSubscriptions:
    """Newest-message subscriptions of a node, taken with `poll`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._group = PolledGroup()
        self._subscriptions: list[tuple[Subscription[Any], Callable[[Any], None]]] = []

    def add(self, message_type: type, topic: str, callback: Callable[[Any], None]) -> None:
        """Subscribe to a command topic. The callback runs in `poll`."""
        subscription = self._node.create_subscription(
            message_type, topic, callback, qos.COMMAND, callback_group=self._group
        )
        self._subscriptions.append((subscription, callback))

    def poll(self) -> None:
        """Hand every waiting message to its callback, in the order the topics were added."""
        for subscription, callback in self._subscriptions:
            with subscription.handle:
                taken = subscription.handle.take_message(subscription.msg_type, False)
            if taken is not None:
                callback(taken[0])
