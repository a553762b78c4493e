"""Settings of the nodes that show what goes on."""

from __future__ import annotations

from dataclasses import dataclass

from hume_core.errors import ConfigError
from hume_core.node_settings import ModelSettings
from hume_core.robot import RobotProfile
from hume_core.settings import check, find, same_as, setting

WINDOW, SERVE, FILE_SUFFIX = "window", "serve", ".rrd"


@dataclass(frozen=True)
class ViewSettings:
    """Of both nodes: whose rows and joints are shown."""

    robot: str = same_as(find(ModelSettings, "robot"))
    prefix: str = same_as(find(ModelSettings, "prefix"))
    prefix_controllers: bool = same_as(find(ModelSettings, "prefix_controllers"))
    checkpoint: str = same_as(
        find(ModelSettings, "checkpoint"), help="Checkpoint of System 2. Its weights stay unread."
    )
    contract: str = same_as(find(ModelSettings, "contract"))

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ConfigError: a value is not valid.
        """
        check(self, "parameter")


def shown_robot(settings: ViewSettings) -> RobotProfile:
    """The robot with its prefix.

    Raises:
        RobotProfileError: unknown robot, or a wrong profile or prefix.
    """
    return RobotProfile.load(settings.robot, settings.prefix, settings.prefix_controllers)


@dataclass(frozen=True)
class MarkerSettings(ViewSettings):
    """Of `hume_markers`."""

    frame_id: str = setting("", "Frame of the markers. Unset: base_link of the robot profile.")
    rate: float = setting(4.0, "How often commanded and measured tool are looked at.", unit="Hz", low=1.0, high=50.0)
    trail: float = setting(3.0, "How much of their way is shown.", unit="s", low=0.1, high=60.0)


@dataclass(frozen=True)
class RerunSettings(ViewSettings):
    """Of `hume_rerun`."""

    to: str = setting(WINDOW, "Where it is shown: window, serve (in a browser), or a file that ends in .rrd.")
    image_rate: float = setting(10.0, "Images of each camera that are shown.", unit="Hz", low=0.1, high=120.0)

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ConfigError: a value is not valid.
        """
        super().__post_init__()
        check_target(self.to)


def check_target(to: str) -> str:
    """The target of rerun as it came, once it is known to be one.

    Raises:
        ConfigError: it is none.
    """
    if to not in (WINDOW, SERVE) and not to.endswith(FILE_SUFFIX):
        raise ConfigError(
            f"rerun cannot show to '{to}'. Valid: {WINDOW}, {SERVE}, or a file that ends in {FILE_SUFFIX}"
        )
    return to
