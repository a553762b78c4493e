"""Launch arguments: one list for the launch files and for `hume up`. What a node has too is declared there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hume_core.errors import ConfigError
from hume_core.node_settings import LifecycleSettings
from hume_core.robot import RobotProfile, find_profile
from hume_core.settings import check, declared, find, parse_text, same_as, setting
from hume_system1.settings import System1Settings
from hume_system2.settings import System2Settings

_PART = r"[A-Za-z_][A-Za-z0-9_]*"
_NAMESPACE = re.compile(rf"/?({_PART}(/{_PART})*)?/?")


@dataclass(frozen=True)
class LaunchOptions:
    """What can be chosen at launch. An argument left out keeps what the parameter files say."""

    robot: str = same_as(find(System2Settings, "robot"), default="wx250s_sim")
    prefix: str = same_as(find(System2Settings, "prefix"))
    prefix_controllers: bool = same_as(find(System2Settings, "prefix_controllers"))
    checkpoint: str = same_as(find(System2Settings, "checkpoint"))
    task: str = same_as(find(System2Settings, "task"))
    contract: str = same_as(find(System2Settings, "contract"))
    namespace: str = setting("", "Namespace of every node and relative topic.")
    params_file: str = setting("", "YAML file with node parameters. Everything below goes above it.")
    policy_config: str = setting("", "YAML file with settings of the policy, such as config/policy.yaml.")
    limits_file: str = same_as(find(System1Settings, "limits_file"))
    use_sim_time: bool = setting(False, "Take the time from /clock. Always true in Gazebo and in a replay.")
    autostart: bool = same_as(
        find(LifecycleSettings, "autostart"),
        default=True,
        help="Configure and activate the nodes, System 1 before System 2.",
    )
    dry_run: bool = same_as(find(System1Settings, "dry_run"))
    activate_controllers: bool | None = same_as(find(System1Settings, "activate_controllers"), default=None)
    system1: bool = setting(True, "Start System 1 here: on or off.")
    system2: bool = setting(True, "Start System 2 here: on or off.")
    record: str = setting("", "Folder of a bag to record into.")
    bag: str = setting("", "rosbag2 bag to replay. For mock: whose images to show.")
    rate: float | None = setting(None, "Speed of a replay. 1 is as recorded.")
    loop: bool = setting(False, "Replay over and over.")
    rviz: bool | None = setting(None, "Start rviz2. The default is true for viz alone.")
    foxglove: bool = setting(False, "Start foxglove_bridge on ws://localhost:8765.")
    markers: bool | None = setting(
        None, "Draw candidates, chosen path and tool on hume/markers. The default is true with rviz or foxglove."
    )
    rerun: str = setting("", "Show everything in rerun: true (a window), serve (in a browser), or a file.rrd.")
    gui: bool = setting(False, "Open the window of Gazebo.")
    refine: bool | None = same_as(find(System1Settings, "refine"), default=None)
    candidates: int | None = same_as(find(System2Settings, "candidates"), default=None)
    device: str | None = same_as(find(System2Settings, "device"), default=None)
    dtype: str | None = same_as(find(System2Settings, "dtype"), default=None)
    seed: int | None = same_as(
        find(System2Settings, "seed"), default=None, help="Seed of the simulated scene and of System 2's noise."
    )
    suite: str = setting("", "Suite of hume evaluate whose tasks and disturbances the simulator makes.")
    video: bool = setting(False, "The simulator also publishes camera/video, a view for people.")
    log_level: str = setting("info", "Level of the log: debug, info, warn, error or fatal.")

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ConfigError: one is not valid.
        """
        check(self, "launch argument")
        if self.namespace and not _NAMESPACE.fullmatch(self.namespace):
            raise ConfigError(
                f"launch argument 'namespace' is '{self.namespace}'. Use letters, digits, underscores and slashes, "
                "such as left or cell/left"
            )

    @classmethod
    def from_text(cls, values: Mapping[str, str]) -> LaunchOptions:
        """Options from `name: text`, as launch files and command lines give them. Empty text is the default.

        Raises:
            ConfigError: unknown name, or text that is no valid value of the argument.
        """
        known = {item.name: item for item in declared(cls)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            near = get_close_matches(unknown[0], known, n=1)
            hint = f". Did you mean '{near[0]}'?" if near else "."
            raise ConfigError(f"launch argument '{unknown[0]}' is unknown{hint} Valid: {', '.join(known)}")
        return cls(
            **{name: parse_text(known[name], text, "launch argument") for name, text in values.items() if text != ""}
        )


def robot_of(options: LaunchOptions) -> RobotProfile:
    """The robot with its prefix.

    Raises:
        RobotProfileError: unknown robot, or a wrong profile or prefix.
    """
    return RobotProfile.load(options.robot, options.prefix, options.prefix_controllers)


def robot_parameters(options: LaunchOptions) -> dict[str, Any]:
    """What a node is told of its robot. The path, for nodes that run in other folders."""
    prefix = {"prefix": options.prefix} if options.prefix else {}
    without = {} if options.prefix_controllers else {"prefix_controllers": False}
    return {"robot": str(find_profile(options.robot)), **prefix, **without}


def contract_path(options: LaunchOptions) -> str:
    """The contract, for nodes that run in other folders. A name that is no file is that of a built-in contract."""
    path = Path(options.contract)
    return str(path.resolve()) if path.is_file() else options.contract
