"""Goals that recorders can hear. An action's goals are requests, which nobody else sees without this."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile

_DEPTH = 100


def publish_goals(node: Node, client: Any) -> None:
    """Publish every goal that an action client sends on `NAME/_action/send_goal/_service_event`.

    Where this ROS cannot do it (before Kilted), nothing happens. Where it may not (SROS2), a line says so: the goals
    themselves do not depend on it.

    Args:
        node: of the client.
        client: an `ActionClient`.
    """
    if not hasattr(client, "configure_introspection"):
        return
    from rclpy.service_introspection import ServiceIntrospectionState

    try:
        client.configure_introspection(node.get_clock(), QoSProfile(depth=_DEPTH), ServiceIntrospectionState.CONTENTS)
    except RuntimeError as error:
        node.get_logger().warning(f"recordings will not hold the goals that are sent: {error}")
