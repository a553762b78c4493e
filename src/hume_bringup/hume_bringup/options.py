"""Launch arguments: one list for the launch files and for `hume up`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from hume_core.errors import ConfigError

_TRUE, _FALSE = ("true", "on"), ("false", "off")


def _argument(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"help": meaning})


@dataclass(frozen=True)
class LaunchOptions:
    """What can be chosen at launch. An argument left out keeps what the parameter files say."""

    robot: str = _argument("wx250s_sim", "robot profile: a name or the path of a YAML file")
    checkpoint: str = _argument("", "checkpoint folder, or a hub name such as org/name")
    task: str = _argument("", "instruction to carry out from the start; empty: wait for hume/execute_task")
    namespace: str = _argument("", "namespace of every node and relative topic")
    params_file: str = _argument("", "YAML file with node parameters; everything below goes above it")
    policy_config: str = _argument("", "YAML file with settings of the policy, such as config/policy.yaml")
    limits_file: str = _argument("", "YAML file that tightens the robot's limits, such as config/limits/first_run.yaml")
    use_sim_time: bool = _argument(False, "take the time from /clock; always true in Gazebo and in a replay")
    autostart: bool = _argument(True, "configure and activate the nodes, System 1 before System 2")
    dry_run: bool = _argument(False, "System 1 publishes no commands, only its status")
    system1: bool = _argument(True, "start System 1 here: on or off")
    system2: bool = _argument(True, "start System 2 here: on or off")
    record: str = _argument("", "folder of a bag to record into")
    bag: str = _argument("", "rosbag2 bag to replay; for mock: whose images to show")
    rate: float | None = _argument(None, "speed of a replay; 1 is as recorded")
    loop: bool = _argument(False, "replay over and over")
    rviz: bool | None = _argument(None, "start rviz2; the default is true for viz alone")
    foxglove: bool = _argument(False, "start foxglove_bridge on ws://localhost:8765")
    gui: bool = _argument(False, "open the window of Gazebo")
    refine: bool | None = _argument(None, "denoise with System 1; false follows System 2's chunk as it is")
    candidates: int | None = _argument(
        None, "candidates N per thought of System 2; unset: as many as the checkpoint says"
    )
    device: str | None = _argument(None, "torch device of both systems: cpu or cuda[:N]")
    dtype: str | None = _argument(None, "compute type of both systems: float32 or bfloat16")
    seed: int | None = _argument(None, "seed of the simulated scene and of System 2's noise")
    suite: str = _argument("", "suite of hume evaluate whose tasks and disturbances the simulator makes")
    video: bool = _argument(False, "the simulator also publishes camera/video, a view for people")
    log_level: str = _argument("info", "debug, info, warn, error or fatal")

    @classmethod
    def from_text(cls, values: Mapping[str, str]) -> LaunchOptions:
        """Options from `name: text`, as launch files and command lines give them; empty text is the default.

        Raises:
            ConfigError: unknown name, or text that is no value of the argument's type.
        """
        known = {item.name: item for item in fields(cls)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ConfigError(f"launch argument '{unknown[0]}' is unknown; valid: {', '.join(known)}")
        chosen = {name: _parse(name, str(known[name].type), text) for name, text in values.items() if text != ""}
        return cls(**chosen)


def _parse(name: str, kind: str, text: str) -> Any:
    if "bool" in kind:
        if text.lower() not in (*_TRUE, *_FALSE):
            raise ConfigError(f"launch argument '{name}' is '{text}'; valid: true, false, on, off")
        return text.lower() in _TRUE
    if "int" in kind or "float" in kind:
        number, what = (int, "a whole number") if "int" in kind else (float, "a number")
        try:
            return number(text)
        except ValueError:
            raise ConfigError(f"launch argument '{name}' is '{text}'; valid: {what}") from None
    return text
