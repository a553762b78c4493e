"""Goals that recorders can hear. An action's goals are requests, which nobody else sees without this."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile

_DEPTH = 100


def publish_goals(node: Node, client: Any) -> None:
    """Publish every goal that an action client sends on `NAME/_action/send_goal/_service_event`.

    Where this ROS cannot do it (before Kilted), nothing happens.

    Args:
        node: of the client.
        client: an `ActionClient`.
    """
    if hasattr(client, "configure_introspection"):
        from rclpy.service_introspection import ServiceIntrospectionState

        client.configure_introspection(node.get_clock(), QoSProfile(depth=_DEPTH), ServiceIntrospectionState.CONTENTS)
