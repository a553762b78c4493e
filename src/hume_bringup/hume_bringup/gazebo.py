"""Gazebo (Harmonic or newer): world, arm, bridge and controllers."""

from __future__ import annotations

import os
from pathlib import Path

from hume_bringup.environment import share_file
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.node_spec import NodeSpec, OnExit
from hume_bringup.robot_description import expand
from hume_core.errors import ConfigError

ROBOT = "wx250s_sim"
"""Profile of the arm in the world."""

CONTROLLERS = ("joint_state_broadcaster", "arm_controller", "gripper_controller")


def installed(*parts: str) -> Path:
    """A file of this package's share folder.

    Raises:
        ConfigError: the workspace is not built or not sourced.
    """
    path = share_file("..", *parts)
    if path is None:
        raise ConfigError(f"'{'/'.join(parts)}' is not installed. Build the workspace and source install/setup.bash")
    return path.resolve().parent / path.name


def gazebo_nodes(options: LaunchOptions) -> list[NodeSpec]:
    """The simulation without the two systems.

    Raises:
        ConfigError: a namespace or a prefix was asked for, or another robot than the one in the world.
    """
    if options.prefix:
        raise ConfigError("the names of the arm in Gazebo have no prefix. Leave launch argument 'prefix' empty")
    if options.namespace:
        raise ConfigError("Gazebo runs without a namespace. Leave launch argument 'namespace' empty")
    if Path(options.robot).stem != ROBOT:
        raise ConfigError(f"launch argument 'robot' is '{options.robot}'. The Gazebo world has: {ROBOT}")
    sim_time = {"use_sim_time": True}
    controllers = str(installed("config", "gazebo", "controllers.yaml"))
    description = expand("wx250s.urdf.xacro", gazebo="true", controllers=controllers)
    return [
        *_simulator(str(installed("worlds", "tabletop.sdf")), options.gui),
        NodeSpec(
            "robot_state_publisher",
            "robot_state_publisher",
            "robot_state_publisher",
            {**sim_time, "robot_description": description},
        ),
        NodeSpec(
            "ros_gz_sim",
            "create",
            "spawn_arm",
            sim_time,
            arguments=("-topic", "robot_description", "-name", "wx250s"),
            on_exit=OnExit.IGNORE,
        ),
        NodeSpec(
            "ros_gz_bridge",
            "parameter_bridge",
            "gazebo_bridge",
            {**sim_time, "config_file": str(installed("config", "gazebo", "bridge.yaml"))},
            stops_last=True,
        ),
        NodeSpec(
            "controller_manager",
            "spawner",
            "spawn_controllers",
            sim_time,
            arguments=(*CONTROLLERS, "--param-file", controllers),
            on_exit=OnExit.IGNORE,
        ),
    ]


def _simulator(world: str, gui: bool) -> list[NodeSpec]:
    """Server, and its window where wanted. The server finds the plugins of the sourced workspaces."""
    plugins = [os.environ.get("GZ_SIM_SYSTEM_PLUGIN_PATH", ""), os.environ.get("LD_LIBRARY_PATH", "")]
    environment = {"GZ_SIM_SYSTEM_PLUGIN_PATH": os.pathsep.join(part for part in plugins if part)}
    arguments = ("sim", "-r", "-s", world)
    server = NodeSpec("", "gz", "gazebo", arguments=arguments, ros=False, environment=environment, stops_last=True)
    window = NodeSpec("", "gz", "gazebo_window", arguments=("sim", "-g"), ros=False, on_exit=OnExit.IGNORE)
    return [server, window] if gui else [server]
