"""Settings that more than one part of the stack has."""

from __future__ import annotations

from dataclasses import dataclass

from hume_core.engine_names import EAGER, ENGINE_CHOICES
from hume_core.errors import ConfigError
from hume_core.settings import Setting, check, same_as, setting

STREAM_RATE = Setting("Rate of the command stream.", default=200.0, unit="Hz", low=50.0, high=1000.0)
"""The robot profile sets it. The control core runs at it."""


@dataclass(frozen=True)
class LifecycleSettings:
    """Of every lifecycle node."""

    exit_on_failure: bool = setting(False, "End the process when autostart cannot configure or activate.")
    autostart: bool = setting(False, "Configure and activate without being asked.")


ROBOT_PREFIX = Setting(
    "Prefix of the robot's joints, links and controllers, such as left_. Empty: as the profile says.", default=""
)
"""Of everything that reads a robot profile."""
PREFIX_CONTROLLERS = Setting(
    "Whether the controllers' names have the prefix too. False: those of joints and links alone.", default=True
)
"""Beside `ROBOT_PREFIX`."""


@dataclass(frozen=True)
class ModelSettings:
    """Of every node that runs a part of the policy."""

    robot: str = setting("", "Robot profile: a name or the path of a YAML file.")
    prefix: str = same_as(ROBOT_PREFIX)
    prefix_controllers: bool = same_as(PREFIX_CONTROLLERS)
    checkpoint: str = setting("", "Checkpoint folder, or a hub name such as org/name or org/name@revision.")
    contract: str = setting(
        "",
        "What the checkpoint's numbers mean: a built-in policy contract or a path. Empty: the checkpoint's own.",
    )
    device: str = setting("cpu", "Torch device: cpu or cuda[:N].", policy=True)
    dtype: str = setting("float32", "Compute type.", choices=("float32", "bfloat16"), policy=True)
    engine: str = setting(
        EAGER,
        "What runs the model. onnx is faster on the CPU, and its first start exports the model. auto: onnx for float32 "
        "on the CPU, else eager. compile is torch.compile: minutes to start.",
        choices=ENGINE_CHOICES,
        policy=True,
    )
    threads: int = setting(1, "Torch threads on the CPU.", low=1, high=256, policy=True)
    sensor_timeout: float = setting(
        20.0, "How long configure waits for every sensor topic.", unit="s", low=0.1, high=600.0
    )

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ConfigError: a value is not valid.
        """
        check(self, "parameter")

    def require_model(self) -> None:
        """Check that robot and checkpoint are named.

        Raises:
            ConfigError: one is not.
        """
        if not self.robot or not self.checkpoint:
            raise ConfigError("the parameters 'robot' and 'checkpoint' must be set")
