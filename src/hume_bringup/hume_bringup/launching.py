"""Turns the description into launch actions; needs the packages launch and launch_ros."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from hume_bringup.description import NodeSpec, graph
from hume_bringup.environment import default_environment
from hume_bringup.options import LaunchOptions


def launch_description(graph_name: str) -> LaunchDescription:
    """Launch description of a named set of nodes, with every launch argument declared.

    Args:
        graph_name: a key of `hume_bringup.description.GRAPHS`.
    """
    return LaunchDescription(
        [
            *(_declaration(item) for item in fields(LaunchOptions)),
            *(SetEnvironmentVariable(name, value) for name, value in default_environment().items()),
            OpaqueFunction(function=_actions, args=[graph_name]),
        ]
    )


def _declaration(item: Any) -> DeclareLaunchArgument:
    default = "" if item.default is None else str(item.default)
    return DeclareLaunchArgument(
        item.name,
        default_value=default.lower() if isinstance(item.default, bool) else default,
        description=item.metadata["help"],
    )


def _actions(context: LaunchContext, graph_name: str) -> list[Node]:
    texts = {item.name: LaunchConfiguration(item.name).perform(context) for item in fields(LaunchOptions)}
    return [_action(spec) for spec in graph(graph_name, LaunchOptions.from_text(texts))]


def _action(spec: NodeSpec) -> Node:
    files = [spec.params_file] if spec.params_file else []
    return Node(
        package=spec.package,
        executable=spec.executable,
        name=spec.name,
        namespace=spec.namespace,
        parameters=[*files, dict(spec.parameters)],
        arguments=["--ros-args", "--log-level", f"{spec.name}:={spec.log_level}"],
        output="screen",
    )
