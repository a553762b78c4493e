"""Tool paths of the robot that a node shows."""

from __future__ import annotations

from functools import partial

from rclpy.node import Node

from hume_core.robot import RobotProfile
from hume_core.tool_paths import ToolPaths, load_tool_paths
from hume_ros.description import receive_description
from hume_views.settings import ViewSettings

_DESCRIPTION_TIMEOUT = 5.0  # s


def tools_of(node: Node, profile: RobotProfile, settings: ViewSettings, points: int) -> ToolPaths:
    """Tool paths. A description that the profile does not name comes from its topic.

    Arguments and errors as of `load_tool_paths`.
    """
    fallback = partial(receive_description, node, _DESCRIPTION_TIMEOUT)
    return load_tool_paths(profile, settings.checkpoint, settings.contract, fallback, points)
