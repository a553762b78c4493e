"""What has to be known of one process to start it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

REFUSED = 2
"""Exit code of a node that cannot work with its parameters. Starting it again would not help."""


def enclave(node: str) -> str:
    """SROS2 enclave of a node of this stack. Of no effect while security is off."""
    return f"/hume/{node}"


class OnExit(str, Enum):
    """What the end of a process means for the others."""

    STOP = "stop"
    """Everything stops: without it nothing works, and a new one must not begin to move by itself."""
    RESPAWN = "respawn"
    """It is started again, unless it exits with `REFUSED`: then everything stops."""
    IGNORE = "ignore"
    """The others go on."""


@dataclass(frozen=True)
class NodeSpec:
    """One process.

    Attributes:
        package, executable: as for `ros2 run`. Without a package a program on the PATH.
        name: node name, and the name of the process.
        parameters: node parameters by name.
        params_file: YAML file read before `parameters`, or empty.
        namespace: of the node.
        log_level: of its logger.
        arguments: command-line arguments before the ROS ones.
        ros: whether the program understands ROS arguments.
        lifecycle: whether it is a lifecycle node.
        on_exit: what happens when it ends.
        stops_last: it plays the robot, which System 1 needs to the end.
        environment: variables on top of the launcher's.
    """

    package: str
    executable: str
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    params_file: str = ""
    namespace: str = ""
    log_level: str = "info"
    arguments: tuple[str, ...] = ()
    ros: bool = True
    lifecycle: bool = False
    on_exit: OnExit = OnExit.STOP
    stops_last: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """A program of this stack."""
        return self.package.startswith("hume_")

    def context_arguments(self) -> list[str]:
        """The ROS arguments that launch_ros has no words for."""
        own = ["--enclave", enclave(self.name)] if self.is_ours else []
        # A node's logger is called after its full name, with dots for slashes.
        logger = ".".join(part for part in (*self.namespace.split("/"), self.name) if part)
        return ["--log-level", f"{logger}:={self.log_level}", *own]

    def ros_arguments(self) -> list[str]:
        """The specification as command-line arguments."""
        if not self.ros:
            return list(self.arguments)
        arguments = [*self.arguments, "--ros-args", "-r", f"__node:={self.name}"]
        arguments += self.context_arguments()
        if self.namespace:
            arguments += ["-r", f"__ns:=/{self.namespace.strip('/')}"]
        if self.params_file:
            arguments += ["--params-file", self.params_file]
        for name, value in self.parameters.items():
            # JSON is YAML: strings stay strings, whatever they look like.
            arguments += ["-p", f"{name}:={json.dumps(value)}"]
        return arguments
