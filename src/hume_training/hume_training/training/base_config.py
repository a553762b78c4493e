"""What every training needs: one flat YAML file, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from hume_core.errors import ConfigError
from hume_core.yaml_file import read_yaml
from hume_training.training.config_values import checked_value

RENAMED = {"largest_gap": "max_proposal_error", "lowest_start": "min_flow_time", "origin": "relative_to"}
"""Former name of a field -> its name."""

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
        tensorboard: also write TensorBoard event files.
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
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "threads", "log_every", "save_every", "evaluate_episodes", "start_weight"):
            if getattr(self, name) < 1:
                raise ConfigError(f"training field '{name}' is {getattr(self, name)}; it must be at least 1")
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise ConfigError(f"training field 'precision' is '{self.precision}'; valid: auto, float32, bfloat16")
        if not 0.0 <= self.ema_decay < 1.0:
            raise ConfigError(f"training field 'ema_decay' is {self.ema_decay}; valid: 0 up to, not including, 1")

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
        known = {item.name: str(item.type) for item in fields(cls)}
        for name in content:
            if name not in known:
                renamed = f"; it is called '{RENAMED[name]}' now" if name in RENAMED else ""
                raise ConfigError(f"unknown training field '{name}'{renamed}; valid: {', '.join(known)}")
        for name in ("dataset", "output"):
            if name not in content:
                raise ConfigError(f"training field '{name}' is missing")
        return cls(**{name: checked_value(name, value, known[name]) for name, value in content.items()})

    @classmethod
    def field_names(cls) -> list[str]:
        """Every field of the file."""
        return [item.name for item in fields(cls)]

    def to_dict(self) -> dict[str, Any]:
        """Content of the file."""
        return asdict(self)
