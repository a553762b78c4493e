"""Settings of the System 1 node: those of the denoiser, of the control core and of the command loop."""

from __future__ import annotations

from dataclasses import dataclass, field

from hume_core.settings import check, setting
from hume_system1.control.control_settings import ControlSettings
from hume_system1.denoiser_settings import DenoiserSettings

LIMIT_SCALE = "limit_scale."
"""Begins the name of each parameter of `LimitScales`."""


@dataclass(frozen=True)
class LimitScales:
    """Shares of the profile's limits, at most 1."""

    velocity: float = setting(
        1.0, "Share of the profile's velocity limits. May be lowered at any time.", low=0.01, high=1.0, read_only=False
    )
    acceleration: float = setting(
        1.0,
        "Share of the profile's acceleration limits. May be lowered at any time.",
        low=0.01,
        high=1.0,
        read_only=False,
    )
    jerk: float = setting(
        1.0, "Share of the profile's jerk limits. May be lowered at any time.", low=0.01, high=1.0, read_only=False
    )

    def __post_init__(self) -> None:
        """Check every share.

        Raises:
            ConfigError: one is out of range.
        """
        check(self, "limit scale")


@dataclass(frozen=True)
class System1Settings:
    """What the node was started with.

    Attributes:
        denoiser: handed on to the denoiser process.
        control: of the control core.
    """

    denoiser: DenoiserSettings = field(default_factory=DenoiserSettings)
    control: ControlSettings = field(default_factory=ControlSettings)
    dry_run: bool = setting(False, "System 1 publishes no commands, only its status.")
    activate_controllers: bool = setting(
        False,
        "Before System 1 is activated, make the controllers of the profile active. At its end, those from before.",
    )
    priority: int = setting(
        60, "SCHED_FIFO priority of the command loop, if allowed. 0: ordinary scheduling.", low=0, high=99
    )
    lock_memory: bool = setting(True, "Keep in memory what the process uses (mlockall), where allowed.")
    startup_timeout: float = setting(
        120.0, "How long configure waits for the denoiser.", unit="s", low=1.0, high=3600.0
    )
    clock_offset_limit: float = setting(
        0.05, "Offset of System 2's clock from which to warn.", unit="s", low=0.001, high=60.0
    )
    stop_topics: tuple[str, ...] = setting(
        ("hume/estop", "/hume/estop"),
        "Topics of std_msgs/Bool on which true is an emergency stop. Without a leading slash within the namespace.",
    )
    black_box: str = setting("", "File for the last minutes of commands, written at clean-up. Empty: none.")

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ConfigError: one is not valid.
        """
        check(self, "parameter")

    @property
    def limits_file(self) -> str:
        """Tightens the profile's limits. Empty: none."""
        return self.denoiser.limits_file
