"""Which nodes run with which parameters: the one description behind the launch files and `hume up`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hume_bringup.options import LaunchOptions
from hume_core.errors import ConfigError
from hume_core.robot import find_profile

_VIDEO_RATE = 15.0


@dataclass(frozen=True)
class NodeSpec:
    """One process.

    Attributes:
        package, executable: as for `ros2 run`.
        name: node name.
        parameters: node parameters by name.
        params_file: YAML file read before `parameters`, or empty.
        namespace: of the node.
        log_level: of its logger.
    """

    package: str
    executable: str
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    params_file: str = ""
    namespace: str = ""
    log_level: str = "info"

    def ros_arguments(self) -> list[str]:
        """The specification as ROS command-line arguments."""
        arguments = ["--ros-args", "-r", f"__node:={self.name}", "--log-level", f"{self.name}:={self.log_level}"]
        if self.namespace:
            arguments += ["-r", f"__ns:=/{self.namespace.strip('/')}"]
        if self.params_file:
            arguments += ["--params-file", self.params_file]
        for name, value in self.parameters.items():
            # JSON is YAML: strings stay strings, whatever they look like.
            arguments += ["-p", f"{name}:={json.dumps(value)}"]
        return arguments


def _given(**values: Any) -> dict[str, Any]:
    """Only the values that were chosen; the rest stays with parameter files and defaults."""
    return {name: value for name, value in values.items() if value is not None and value != ""}


def _node(options: LaunchOptions, package: str, executable: str, name: str, **parameters: Any) -> NodeSpec:
    return NodeSpec(
        package=package,
        executable=executable,
        name=name,
        parameters=_given(use_sim_time=options.use_sim_time, **parameters),
        params_file=options.params_file,
        namespace=options.namespace,
        log_level=options.log_level,
    )


def systems(options: LaunchOptions) -> list[NodeSpec]:
    """System 2 and System 1, as far as they are wanted here.

    Raises:
        ConfigError: no checkpoint was named.
        RobotProfileError: the robot is unknown.
    """
    profile = str(find_profile(options.robot))
    if not options.checkpoint and (options.system1 or options.system2) and not options.params_file:
        raise ConfigError("launch argument 'checkpoint' is empty; give a checkpoint folder or a hub name")
    shared = {
        "robot": profile,
        "checkpoint": options.checkpoint,
        "autostart": options.autostart,
        "device": options.device,
        "dtype": options.dtype,
    }
    nodes = []
    if options.system2:
        nodes.append(
            _node(
                options,
                "hume_system2",
                "system2_node",
                "hume_system2",
                task=options.task,
                candidates=options.candidates,
                seed=options.seed,
                **shared,
            )
        )
    if options.system1:
        nodes.append(
            _node(
                options,
                "hume_system1",
                "system1_node",
                "hume_system1",
                dry_run=options.dry_run,
                refine=options.refine,
                **shared,
            )
        )
    return nodes


def robot_graph(options: LaunchOptions) -> list[NodeSpec]:
    """Both systems for an arm whose driver and cameras run already."""
    return systems(options)


def sim_graph(options: LaunchOptions) -> list[NodeSpec]:
    """The simulated arm and both systems."""
    simulator = _node(
        options,
        "hume_sim",
        "hume_sim",
        "hume_sim",
        publish_clock=options.use_sim_time,
        seed=options.seed,
        video_rate=_VIDEO_RATE if options.video else None,
    )
    return [simulator, *systems(options)]


GRAPHS: dict[str, Callable[[LaunchOptions], list[NodeSpec]]] = {"sim": sim_graph, "robot": robot_graph}


def graph(name: str, options: LaunchOptions) -> list[NodeSpec]:
    """The nodes of a named set.

    Raises:
        ConfigError: unknown set, missing parameter file or missing checkpoint.
        RobotProfileError: unknown robot.
    """
    if name not in GRAPHS:
        raise ConfigError(f"'{name}' is no set of nodes; valid: {', '.join(GRAPHS)}")
    if options.params_file and not Path(options.params_file).is_file():
        raise ConfigError(f"parameter file '{options.params_file}' does not exist")
    return GRAPHS[name](options)
