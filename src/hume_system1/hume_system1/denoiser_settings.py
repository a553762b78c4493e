"""Parameters of the denoiser; `system1_node` declares the same ones and hands them on."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

from rclpy.node import Node

from hume_core.errors import ConfigError
from hume_ros.parameters import declare

DEFAULT_SWITCH = "at_once"
"""When a newer chunk replaces the one in use; see `denoiser.ChunkSwitch`."""


@dataclass(frozen=True)
class DenoiserSettings:
    """Each field is a read-only parameter of the same name."""

    robot: str
    checkpoint: str
    device: str
    dtype: str
    compile: bool
    threads: int
    refine: bool
    chunk_switch: str
    sensor_timeout: float
    limits_file: str
    robot_description: str

    def arguments(self) -> list[str]:
        """The settings as ROS command-line arguments."""
        arguments: list[str] = []
        for item in fields(self):
            value = getattr(self, item.name)
            # JSON is YAML: strings stay strings, whatever they look like.
            arguments += ["-p", f"{item.name}:={json.dumps(value)}"]
        return arguments


def declare_settings(node: Node) -> DenoiserSettings:
    """Declare every parameter and read it.

    Raises:
        ConfigError: a type is wrong or a value is not valid.
    """
    settings = DenoiserSettings(
        robot=declare(node, "robot", "", "Robot profile: a name or the path of a YAML file."),
        checkpoint=declare(node, "checkpoint", "", "Checkpoint folder, or a hub name such as org/name."),
        device=declare(node, "device", "cpu", "Torch device: cpu or cuda[:N]."),
        dtype=declare(node, "dtype", "float32", "Compute type: float32 or bfloat16."),
        compile=declare(node, "compile", False, "Compile the model with torch.compile."),
        threads=declare(node, "threads", 1, "Torch threads on the CPU.", low=1, high=256),
        refine=declare(node, "refine", True, "Denoise with System 1; false: follow System 2's chunk as it is."),
        chunk_switch=declare(
            node,
            "chunk_switch",
            DEFAULT_SWITCH,
            "When a newer chunk replaces the one in use: boundary or at_once.",
        ),
        sensor_timeout=declare(
            node, "sensor_timeout", 20.0, "How long configure waits for every sensor topic, s.", low=0.1, high=600.0
        ),
        limits_file=declare(node, "limits_file", "", "YAML file that tightens the profile's limits; empty: none."),
        robot_description=declare(
            node, "robot_description", "", "URDF text for end-effector actions; empty: kinematics.urdf or the topic."
        ),
    )
    if not settings.robot or not settings.checkpoint:
        raise ConfigError("the parameters 'robot' and 'checkpoint' must be set")
    for name, valid in (("dtype", ("float32", "bfloat16")), ("chunk_switch", ("boundary", "at_once"))):
        if getattr(settings, name) not in valid:
            raise ConfigError(f"parameter '{name}' is '{getattr(settings, name)}'; valid: {', '.join(valid)}")
    return settings
