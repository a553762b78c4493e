"""Settings of the denoiser. `system1_node` has the same ones and hands them on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hume_core.node_settings import ModelSettings
from hume_core.settings import declared, setting
from hume_system1.chunk_switch import ChunkSwitch


@dataclass(frozen=True)
class DenoiserSettings(ModelSettings):
    """Each field is a read-only parameter of the same name."""

    refine: bool = setting(True, "Denoise with System 1. False: follow System 2's chunk as it is.", policy=True)
    chunk_switch: str = setting(
        ChunkSwitch.AT_ONCE.value,
        "When a newer chunk replaces the one in use: once the present segment is over, or with the next one.",
        choices=[switch.value for switch in ChunkSwitch],
        policy=True,
    )
    denoiser_priority: int = setting(
        20,
        "SCHED_RR priority of the denoiser, if allowed and there are two cores or more. 0: ordinary scheduling. "
        "Below the command loop, above System 2 and other programs.",
        low=0,
        high=99,
    )
    limits_file: str = setting(
        "", "YAML file that tightens the robot's limits, such as config/limits/first_run.yaml. Empty: none."
    )
    robot_description: str = setting(
        "", "URDF text for end-effector actions. Empty: the profile's kinematics.urdf, or the topic."
    )


def ros_arguments(settings: Any) -> list[str]:
    """Settings as ROS command-line arguments. Those that are no parameters are left out."""
    arguments: list[str] = []
    for item in declared(type(settings)):
        if not item.given_by:
            # JSON is YAML: strings stay strings, whatever they look like.
            arguments += ["-p", f"{item.name}:={json.dumps(getattr(settings, item.name))}"]
    return arguments
