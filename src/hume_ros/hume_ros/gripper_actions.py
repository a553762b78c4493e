"""The actions of `control_msgs` that drive grippers, and which of them a server offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rclpy.node import Node

from hume_core.errors import RobotProfileError

GRIPPER_COMMAND = "control_msgs/action/GripperCommand"
"""Position and largest force. Not in ros2_control of Kilted and later. Vendors' drivers have it."""
PARALLEL_GRIPPER_COMMAND = "control_msgs/action/ParallelGripperCommand"
"""Position, and where they are given, largest velocity and force of a joint."""

_FEEDBACK = "_FeedbackMessage"


@dataclass(frozen=True)
class GripperServer:
    """A server of a gripper's action that is in the ROS graph.

    Attributes:
        id: of its endpoint. A server that was started again has another one.
        type: of the action, such as `GRIPPER_COMMAND`.
    """

    id: bytes
    type: str


def gripper_action_types() -> dict[str, Any]:
    """The two action types by their names in the ROS graph.

    Raises:
        RobotProfileError: `control_msgs` is not installed, or too old.
    """
    try:
        from control_msgs.action import GripperCommand, ParallelGripperCommand
    except ImportError as error:
        raise RobotProfileError(
            "controllers.gripper.type 'gripper_action' needs control_msgs with GripperCommand and "
            "ParallelGripperCommand. Install it (apt install ros-$ROS_DISTRO-control-msgs) or use 'position'"
        ) from error
    return {GRIPPER_COMMAND: GripperCommand, PARALLEL_GRIPPER_COMMAND: ParallelGripperCommand}


def gripper_servers(node: Node, action: str) -> list[GripperServer]:
    """Servers of an action: whoever publishes its feedback. Asks the local graph only, and does not wait.

    Args:
        node: whose view of the graph, and whose namespace.
        action: name of the action.
    """
    found = node.get_publishers_info_by_topic(f"{action}/_action/feedback")
    return [GripperServer(bytes(info.endpoint_gid), info.topic_type.removesuffix(_FEEDBACK)) for info in found]
