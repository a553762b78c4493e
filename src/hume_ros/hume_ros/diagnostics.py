"""Publishing `/diagnostics` (REP 107) once a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from hume_ros import qos
from hume_ros.timers import steady_timer


@dataclass(frozen=True)
class Health:
    """What a node says about itself: level, one line, and figures by name."""

    level: bytes
    message: str
    values: Mapping[str, str]


OK = DiagnosticStatus.OK
WARN = DiagnosticStatus.WARN
ERROR = DiagnosticStatus.ERROR


class DiagnosticsPublisher:
    """Asks `report` once a second and publishes what it says.

    Args:
        node: owner. Its name is the component's name.
        report: called from the spin thread.
    """

    def __init__(self, node: Node, report: Callable[[], Health]) -> None:
        self._node = node
        self._report = report
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", qos.STATUS)
        self._timer = steady_timer(node, 1.0, self._publish)

    def close(self) -> None:
        """Stop publishing."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._publisher)

    def _publish(self) -> None:
        health = self._report()
        status = DiagnosticStatus(
            level=health.level,
            name=self._node.get_fully_qualified_name(),
            message=health.message,
            hardware_id="hume",
            values=[KeyValue(key=key, value=value) for key, value in health.values.items()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)
