"""Tool paths of the robot that a node shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rclpy.node import Node

from hume_core.robot import RobotProfile
from hume_core.tool_paths import ToolPaths, load_every_tool, load_tool_paths
from hume_ros.description import receive_description
from hume_views.settings import ViewSettings

_DESCRIPTION_TIMEOUT = 5.0  # s


def tools_of(node: Node, profile: RobotProfile, settings: ViewSettings, points: int) -> ToolPaths:
    """Tool paths of the only arm. A description that the profile does not name comes from its topic.

    Arguments and errors as of `load_tool_paths`.
    """
    return load_tool_paths(profile, settings.checkpoint, settings.contract, _description_of(node), points)


def every_tool_of(node: Node, profile: RobotProfile, settings: ViewSettings, points: int) -> tuple[ToolPaths, ...]:
    """The same of each arm with kinematics."""
    return load_every_tool(profile, settings.checkpoint, settings.contract, _description_of(node), points)


def _description_of(node: Node) -> Callable[[], str]:
    return partial(receive_description, node, _DESCRIPTION_TIMEOUT)
