"""Receiving the robot description."""

from __future__ import annotations

import rclpy
from rclpy.node import Node
from rclpy.wait_for_message import wait_for_message
from std_msgs.msg import String

from hume_core.errors import KinematicsError
from hume_ros import qos

TOPIC = "robot_description"


def receive_description(node: Node, timeout: float) -> str:
    """The URDF text that robot_state_publisher latches on `robot_description`. Blocks the calling thread.

    Args:
        node: that asks. A short-lived node beside it listens, so that its executor may be busy.
        timeout: s.

    Raises:
        KinematicsError: nothing came.
    """
    listener = rclpy.create_node(
        f"{node.get_name()}_description", context=node.context, use_global_arguments=False,
        start_parameter_services=False,
    )  # fmt: skip
    try:
        topic = node.resolve_topic_name(TOPIC)
        found, message = wait_for_message(String, listener, topic, qos_profile=qos.LATCHED, time_to_wait=timeout)
    finally:
        listener.destroy_node()
    if not found or message is None:
        raise KinematicsError(
            f"no robot description on {topic} within {timeout:.0f} s. Start robot_state_publisher, or set "
            "kinematics.urdf in the robot profile"
        )
    return str(message.data)
