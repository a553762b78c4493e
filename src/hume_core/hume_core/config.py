"""Configuration of a Hume checkpoint: ``config.json`` of the released layout, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hume_core.config_schema import check_range, parse_features, parse_section, parse_value
from hume_core.errors import ConfigError
from hume_core.json_file import read_json
from hume_core.texts import shortened

IMAGE_PREFIX = "observation.images."
STATE_KEY = "observation.state"
ACTION_KEY = "action"
EXTENSIONS = ("patch_stem", "state_history_order", "s1_origin", "num_candidates", "value_temperature")


@dataclass(frozen=True)
class Feature:
    """One input or output: its kind (VISUAL, STATE, ACTION) and shape."""

    type: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class HumeConfig:
    """Fields of ``config.json``; names and defaults are those of the released checkpoints.

    Our own, and left out of the file where they hold their defaults, are ``patch_stem`` ("patch" or "conv"),
    ``state_history_order`` ("oldest_first" or "newest_first"), ``s1_origin`` ("anchor" or "newest_state": what the
    joint deltas that System 1 sees and gives are relative to), ``num_candidates`` (N of a thought) and
    ``value_temperature`` (0: choose the candidate of the highest value, as the paper does; above 0: take the mean of
    all candidates, each weighted with exp(value / temperature)).

    Raises:
        ConfigError: a field is unknown, missing, of a wrong type or out of range; the message names it.
    """

    input_features: dict[str, Feature]
    output_features: dict[str, Feature]
    paligemma_config: dict[str, Any]
    gemma_expert_config: dict[str, Any]
    s1_dino_config: dict[str, Any]
    s1_gemma_expert_config: dict[str, Any]
    type: str = "hume"
    n_obs_steps: int = 1
    normalization_mapping: dict[str, str] = field(
        default_factory=lambda: {"VISUAL": "IDENTITY", "STATE": "MEAN_STD", "ACTION": "MEAN_STD"}
    )
    device: str | None = None
    use_amp: bool = False
    s1_chunk_size: int = 10
    s2_chunk_size: int = 50
    n_action_steps: int = 50
    max_state_dim: int = 32
    max_action_dim: int = 32
    resize_imgs_with_padding: tuple[int, int] = (224, 224)
    empty_cameras: int = 0
    adapt_to_pi_aloha: bool = False
    use_delta_joint_actions_aloha: bool = False
    tokenizer_max_length: int = 48
    proj_width: int = 1024
    num_steps: int = 10
    use_cache: bool = True
    attention_implementation: str = "eager"
    freeze_vision_encoder: bool = True
    train_expert_only: bool = False
    train_state_proj: bool = True
    optimizer_lr: float = 2.5e-5
    optimizer_betas: tuple[float, float] = (0.9, 0.95)
    optimizer_eps: float = 1e-8
    optimizer_weight_decay: float = 1e-10
    scheduler_warmup_steps: int = 1000
    scheduler_decay_steps: int = 30000
    scheduler_decay_lr: float = 2.5e-6
    freeze_s2: bool = True
    s1_his_state_size: int = 1
    cache_s2_actions: bool = False
    theta2: float = 1.0
    theta1: float = 1.0
    noise_slides_eps: float = 0.0
    noise_slides_alp: float = 0.0
    s1_proj_width: int = 512
    freeze_s1_vision_encoder: bool = False
    s1_num_steps: int = 10
    num_pos: int = 3
    discount: float = 0.98
    actor_lr: float = 1e-4
    critic_lr: float = 3e-4
    temp_lr: float = 3e-4
    qf_lr: float = 3e-4
    next_obs_offset: int = 1
    vqh_chunk_size: int = 1
    patch_stem: str = "patch"
    state_history_order: str = "oldest_first"
    s1_origin: str = "anchor"
    num_candidates: int = 5
    value_temperature: float = 0.0

    def __post_init__(self) -> None:
        if self.type != "hume":
            raise ConfigError(f"config field 'type' is '{self.type}'; only 'hume' checkpoints can be loaded")
        check_range(self)

    @classmethod
    def load(cls, path: Path | str) -> HumeConfig:
        """Read ``config.json``.

        Raises:
            ConfigError: the file is missing or no JSON, or see the class.
        """
        return cls.from_dict(read_json(path, ConfigError, missing="a checkpoint folder needs a config.json"))

    @classmethod
    def from_dict(cls, content: Any) -> HumeConfig:
        """Check the content of a ``config.json``; see the class for errors."""
        if not isinstance(content, Mapping):
            raise ConfigError("config.json must hold one JSON object with the fields of a 'hume' checkpoint")
        known = {item.name: item for item in fields(cls)}
        for name in content:
            if name not in known:
                raise ConfigError(f"unknown config field '{shortened(name)}'; valid fields: {', '.join(sorted(known))}")
        values: dict[str, Any] = {}
        for name, value in content.items():
            if name.endswith("_features"):
                values[name] = {key: Feature(*pair) for key, pair in parse_features(name, value).items()}
            elif name in _SECTIONS:
                values[name] = parse_section(name, value)
            else:
                values[name] = parse_value(name, value, str(known[name].type))
        for name in (*_SECTIONS, "input_features", "output_features"):
            if name not in values:
                raise ConfigError(f"config field '{name}' is missing")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Content of ``config.json``; our own fields only where they differ from the released behaviour."""
        content = {item.name: getattr(self, item.name) for item in fields(self)}
        for name in ("input_features", "output_features"):
            content[name] = {
                key: {"type": feature.type, "shape": list(feature.shape)} for key, feature in content[name].items()
            }
        for item in fields(self):
            if item.name in EXTENSIONS and content[item.name] == item.default:
                del content[item.name]
        return content

    @property
    def camera_keys(self) -> tuple[str, ...]:
        """Camera keys (what follows ``observation.images.``), in the order of ``input_features``."""
        return tuple(
            key.removeprefix(IMAGE_PREFIX) for key, item in self.input_features.items() if item.type == "VISUAL"
        )

    @property
    def state_dim(self) -> int:
        """Real state size s."""
        return self.input_features[STATE_KEY].shape[-1]

    @property
    def action_dim(self) -> int:
        """Real action size a."""
        return self.output_features[ACTION_KEY].shape[-1]

    @property
    def image_size(self) -> tuple[int, int]:
        """(width, height) of the model input, pixels."""
        return self.resize_imgs_with_padding


def check_layers(config: HumeConfig, tensors: int) -> None:
    """Refuse more layers than a file with this many tensors can hold, before anything is built.

    Raises:
        ConfigError: naming the section.
    """
    stacks = {name: getattr(config, name) for name in _SECTIONS if name != "paligemma_config"}
    stacks |= {f"paligemma_config.{name}": config.paligemma_config[name] for name in ("text_config", "vision_config")}
    for name, section in stacks.items():
        if section["num_hidden_layers"] > tensors:
            raise ConfigError(
                f"config field '{name}.num_hidden_layers' is {section['num_hidden_layers']}; the checkpoint has "
                f"{tensors} tensors in all"
            )


_SECTIONS = ("paligemma_config", "gemma_expert_config", "s1_dino_config", "s1_gemma_expert_config")
