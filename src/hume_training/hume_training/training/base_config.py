"""What every training needs: one YAML file, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from hume_core.errors import ConfigError
from hume_core.texts import shown
from hume_core.yaml_file import read_yaml
from hume_training.training.config_values import Names, checked_value

RENAMED = {
    "largest_gap": "max_proposal_error",
    "lowest_start": "min_flow_time",
    "origin": "relative_to",
    "tensorboard": "tracker",
}
"""Former name of a field -> its name."""

TRACKERS = ("tensorboard", "wandb", "trackio")

ConfigType = TypeVar("ConfigType", bound="TrainingConfig")


@dataclass(frozen=True)
class TrainingConfig:
    """What every training needs.

    Attributes:
        dataset: folder of a LeRobot dataset, or several separated by commas.
        output: folder of the run: resume state, log, and the checkpoint in `checkpoint/`.
        checkpoint: folder or hub name to start from. Empty: random weights (System 2 only).
        seed: moves every random choice.
        steps, batch_size: of the whole training.
        learning_rate, final_learning_rate: peak, and end of the cosine.
        warmup_steps: linear rise to the peak.
        weight_decay, beta1, beta2, clip_norm: of AdamW and the gradient.
        ema_decay: of the moving average of the weights, which is what the checkpoint holds.
        image_shift: largest random shift of each image, pixels.
        start_frames, start_weight: the first frames of an episode are drawn this many times as often: what is
            meant by the instruction is decided there.
        precision: float32; bfloat16 by autocast. Or auto: bfloat16 where the device computes in it. Others imitate it,
            many times slower than float32.
        device: torch device.
        threads: torch threads on the CPU.
        log_every, save_every: steps.
        evaluate_every: steps between closed-loop evaluations of System 2 in the simulator, or of the value head on
            branches that are held out. 0: none.
        evaluate_episodes: of each evaluation.
        gradient_checkpointing: keep the inputs of each layer alone, and compute the rest again in the backward pass:
            a third to a half more work for a fraction of the memory.
        tracker: where the log goes besides `log.jsonl`: tensorboard, wandb, trackio. See
            `hume_training.training.trackers`.
    """

    dataset: str
    output: str
    checkpoint: str = ""
    seed: int = 0
    steps: int = 5000
    batch_size: int = 64
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    warmup_steps: int = 200
    weight_decay: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.95
    clip_norm: float = 1.0
    ema_decay: float = 0.998
    image_shift: int = 2
    start_frames: int = 0
    start_weight: int = 1
    precision: str = "float32"
    device: str = "cpu"
    threads: int = 1
    log_every: int = 20
    save_every: int = 250
    evaluate_every: int = 0
    evaluate_episodes: int = 20
    gradient_checkpointing: bool = False
    tracker: Names = ()

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "threads", "log_every", "save_every", "evaluate_episodes", "start_weight"):
            if getattr(self, name) < 1:
                raise ConfigError(f"training field '{name}' is {getattr(self, name)}. It must be at least 1")
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise ConfigError(f"training field 'precision' is '{self.precision}'. Valid: auto, float32, bfloat16")
        if not 0.0 <= self.ema_decay < 1.0:
            raise ConfigError(f"training field 'ema_decay' is {self.ema_decay}. Valid: 0 up to, not including, 1")
        check_names("tracker", self.tracker, TRACKERS)

    @classmethod
    def load(cls: type[ConfigType], path: str | Path, changes: Mapping[str, Any] | None = None) -> ConfigType:
        """Read a YAML file. `changes` win over it.

        Raises:
            ConfigError: the file cannot be read, or a field is unknown, missing or of a wrong type.
        """
        content = read_yaml(path, "training file")
        if not isinstance(content, Mapping):
            raise ConfigError(f"{path} must be a mapping with the fields {', '.join(cls.field_names())}")
        return cls.from_dict({**content, **(changes or {})})

    @classmethod
    def from_dict(cls: type[ConfigType], content: Mapping[str, Any]) -> ConfigType:
        """Check names and types. See `load` for errors."""
        known, groups = cls._types(), cls._groups()
        checked: dict[str, Any] = {}
        for name, value in _flat(content, groups).items():
            if name not in known:
                renamed = f". It is called '{RENAMED[name]}' now" if name in RENAMED else ""
                raise ConfigError(f"unknown training field '{name}'{renamed}. Valid: {', '.join(known)}")
            checked[name] = checked_value(name, value, known[name])
        for name in ("dataset", "output"):
            if name not in checked:
                raise ConfigError(f"training field '{name}' is missing")
        for group, kind in groups.items():
            own = [name for name in checked if name.startswith(f"{group}.")]
            checked[group] = kind(**{name.removeprefix(f"{group}."): checked.pop(name) for name in own})
        return cls(**checked)

    @classmethod
    def _groups(cls) -> dict[str, Any]:
        """Fields that hold fields of their own: name -> class."""
        return {item.name: type(item.default) for item in fields(cls) if is_dataclass(item.default)}

    @classmethod
    def _types(cls) -> dict[str, str]:
        """Every field of the file and its annotation. Those of a group as `group.field`."""
        groups = cls._groups()
        types = {item.name: str(item.type) for item in fields(cls) if item.name not in groups}
        inner = {f"{name}.{item.name}": str(item.type) for name, kind in groups.items() for item in fields(kind)}
        return types | inner

    @classmethod
    def field_names(cls) -> list[str]:
        """Every field of the file. Those of a group as `group.field`."""
        return list(cls._types())

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """What fields are that a file leaves out."""
        given: dict[str, Any] = {item.name: item.default for item in fields(cls) if item.default is not MISSING}
        groups = cls._groups()
        return _flat({name: asdict(value) if name in groups else value for name, value in given.items()}, groups)

    def to_dict(self) -> dict[str, Any]:
        """Content of the file."""
        return _flat(asdict(self), self._groups())


def check_names(field: str, names: Names, valid: Sequence[str]) -> None:
    """Refuse names that a field does not know.

    Raises:
        ConfigError: lists the valid ones.
    """
    unknown = [name for name in names if name not in valid]
    if unknown:
        raise ConfigError(f"training field '{field}' has '{unknown[0]}'. Valid: {', '.join(valid)}")


def _flat(content: Mapping[str, Any], groups: Mapping[str, Any]) -> dict[str, Any]:
    """`lora: {rank: 8}` as `lora.rank: 8`. Of two values for a field the later one counts."""
    flat: dict[str, Any] = {}
    for name, value in content.items():
        if name not in groups:
            flat[name] = value
            continue
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            valid = ", ".join(item.name for item in fields(groups[name]))
            raise ConfigError(
                f"training field '{name}' is {shown(value)}. It must be a mapping with fields of: {valid}"
            )
        flat |= {f"{name}.{key}": inner for key, inner in value.items()}
    return flat
