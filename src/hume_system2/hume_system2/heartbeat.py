"""System 2's heartbeat, with what System 1 needs to compare the two machines' clocks."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Mapping

from hume_msgs.msg import Heartbeat, System1Status
from rclpy.node import Node

from hume_ros import qos
from hume_ros.clock_offset import LowestDelay
from hume_ros.conversions import stamp_seconds
from hume_ros.timers import steady_timer

_PERIOD = 0.2


class System2Heartbeat:
    """Publishes `hume/system2/heartbeat` while the node is configured.

    Args:
        node: speaks.
        ages: age of the newest message of each observation source, s.
        is_active: whether the node accepts goals.
    """

    def __init__(self, node: Node, ages: Callable[[], Mapping[str, float]], is_active: Callable[[], bool]) -> None:
        self._node, self._ages, self._is_active = node, ages, is_active
        self._count = 0
        self._status_delay = LowestDelay()
        self._publisher = node.create_publisher(Heartbeat, "hume/system2/heartbeat", qos.STATUS)
        self._timer = steady_timer(node, _PERIOD, self._publish)

    def note_status(self, status: System1Status) -> None:
        """A status of System 1 has just come."""
        now = 1e-9 * self._node.get_clock().now().nanoseconds
        self._status_delay.add(time.monotonic(), now - stamp_seconds(status.header.stamp))

    def close(self) -> None:
        """Leave the topic."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._publisher)

    def _publish(self) -> None:
        self._count += 1
        active = self._is_active()
        ages = {**self._ages(), "hume/status": self._status_delay.value(time.monotonic())}
        message = Heartbeat(
            count=self._count,
            ready=active,
            detail="" if active else "not active",
            source_names=list(ages),
            source_ages=array("f", ages.values()),
        )
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)
