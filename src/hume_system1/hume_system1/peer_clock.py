"""The clock of System 2's machine against this one's."""

from __future__ import annotations

import math
import time

from hume_msgs.msg import Heartbeat
from rclpy.node import Node

from hume_ros import qos
from hume_ros.clock_offset import LowestDelay, clock_offset
from hume_ros.conversions import stamp_seconds

_WARN_PERIOD = 10.0


class PeerClock:
    """Measures the offset from System 2's heartbeats, and warns where it is large.

    Ages of chunks and observations are differences between stamps of both machines, so that an offset counts as age.

    Args:
        node: listens and logs.
        limit: largest offset without a warning, s.
    """

    def __init__(self, node: Node, limit: float) -> None:
        self._node, self._limit = node, limit
        self._there = math.inf
        self._back = LowestDelay()
        self._received = -math.inf
        self._subscription = node.create_subscription(
            Heartbeat, "hume/system2/heartbeat", self._on_heartbeat, qos.STATUS
        )

    def close(self) -> None:
        """Leave the topic."""
        self._node.destroy_subscription(self._subscription)

    @property
    def offset(self) -> float:
        """System 2's clock minus this one's, s. NaN while unknown."""
        return clock_offset(self._there, self._back.value(time.monotonic()))

    @property
    def round_trip(self) -> float:
        """Smallest time there and back, s. NaN while unknown."""
        back = self._back.value(time.monotonic())
        return self._there + back if math.isfinite(self._there) and math.isfinite(back) else math.nan

    @property
    def age(self) -> float:
        """Time since System 2's last heartbeat, s. Infinite: none."""
        return time.monotonic() - self._received

    def problem(self) -> str:
        """What is wrong with the clocks, or empty. Logged too."""
        offset = self.offset
        if math.isnan(offset) or abs(offset) <= self._limit:
            return ""
        text = (
            f"System 2's clock is {abs(offset):.3f} s {'ahead of' if offset > 0 else 'behind'} this machine's. "
            "Synchronise both with chrony or PTP"
        )
        self._node.get_logger().warning(text, throttle_duration_sec=_WARN_PERIOD)
        return text

    def figures(self) -> dict[str, str]:
        """For diagnostics."""
        return {
            "clock offset of System 2, s": f"{self.offset:.4f}",
            "round trip to System 2, s": f"{self.round_trip:.4f}",
            "System 2 heartbeat age, s": f"{self.age:.3f}",
        }

    def _on_heartbeat(self, message: Heartbeat) -> None:
        self._received = time.monotonic()
        now = 1e-9 * self._node.get_clock().now().nanoseconds
        self._back.add(self._received, now - stamp_seconds(message.header.stamp))
        ages = dict(zip(message.source_names, message.source_ages, strict=False))
        self._there = float(ages.get("hume/status", math.inf))
