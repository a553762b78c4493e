"""What people watch and record with: rviz, Foxglove, bags."""

from __future__ import annotations

from typing import Any

from hume_bringup.environment import share_file
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.node_spec import NodeSpec, OnExit
from hume_bringup.robot_description import expand
from hume_core.robot import find_profile

_FOXGLOVE_PORT = 8765


def viewers(options: LaunchOptions) -> list[NodeSpec]:
    """rviz and Foxglove's bridge, as far as they are wanted."""
    shared: dict[str, Any] = {"namespace": options.namespace, "log_level": options.log_level, "on_exit": OnExit.IGNORE}
    nodes = []
    if options.rviz:
        nodes.append(
            NodeSpec(
                "rviz2",
                "rviz2",
                "rviz2",
                {"use_sim_time": options.use_sim_time},
                arguments=("-d", str(share_file("rviz", "hume.rviz") or "")),
                **shared,
            )
        )
    if options.foxglove:
        # Nothing listens beyond this machine by default.
        parameters = {"use_sim_time": options.use_sim_time, "address": "127.0.0.1", "port": _FOXGLOVE_PORT}
        nodes.append(NodeSpec("foxglove_bridge", "foxglove_bridge", "foxglove_bridge", parameters, **shared))
    return nodes


def state_publisher(options: LaunchOptions) -> NodeSpec:
    """Link frames and `/robot_description` of the simulated arm."""
    return NodeSpec(
        "robot_state_publisher",
        "robot_state_publisher",
        "robot_state_publisher",
        {"use_sim_time": options.use_sim_time, "robot_description": expand("wx250s.urdf.xacro")},
        namespace=options.namespace,
        log_level=options.log_level,
    )


def recorder(options: LaunchOptions) -> list[NodeSpec]:
    """`hume record` into the folder that `record` names."""
    if not options.record:
        return []
    arguments = ["--robot", str(find_profile(options.robot)), "--output", options.record]
    if options.namespace:
        arguments += ["--namespace", options.namespace]
    if options.use_sim_time:
        arguments += ["--use-sim-time"]
    return [NodeSpec("hume_bags", "record", "record", arguments=tuple(arguments), ros=False, on_exit=OnExit.IGNORE)]
