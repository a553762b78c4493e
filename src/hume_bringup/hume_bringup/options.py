"""Launch arguments: one list for the launch files and for `hume up`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from hume_core.errors import ConfigError


def _argument(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"help": meaning})


@dataclass(frozen=True)
class LaunchOptions:
    """What can be chosen at launch. An argument left out keeps what the parameter files say."""

    robot: str = _argument("wx250s_sim", "robot profile: a name or the path of a YAML file")
    checkpoint: str = _argument("", "checkpoint folder, or a hub name such as org/name")
    task: str = _argument("", "instruction to carry out from the start; empty: wait for hume/execute_task")
    namespace: str = _argument("", "namespace of every node and relative topic")
    params_file: str = _argument("", "YAML file with node parameters; launch arguments go above it")
    use_sim_time: bool = _argument(False, "take the time from /clock")
    autostart: bool = _argument(True, "configure and activate the nodes")
    dry_run: bool = _argument(False, "System 1 publishes no commands, only its status")
    system1: bool = _argument(True, "start System 1 here")
    system2: bool = _argument(True, "start System 2 here")
    refine: bool | None = _argument(None, "denoise with System 1; false follows System 2's chunk as it is")
    candidates: int | None = _argument(None, "candidates N per thought of System 2")
    device: str | None = _argument(None, "torch device of both systems: cpu or cuda[:N]")
    dtype: str | None = _argument(None, "compute type of both systems: float32 or bfloat16")
    seed: int | None = _argument(None, "seed of the simulated scene and of System 2's noise")
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
        if text.lower() not in ("true", "false"):
            raise ConfigError(f"launch argument '{name}' is '{text}'; valid: true, false")
        return text.lower() == "true"
    if "int" in kind:
        try:
            return int(text)
        except ValueError:
            raise ConfigError(f"launch argument '{name}' is '{text}'; valid: a whole number") from None
    return text
