"""Configuration of a Hume checkpoint: ``config.json`` of the released layout, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hume_core.config_consistency import check_consistency, vision_side
from hume_core.config_fields import LEROBOT, SECTIONS, START_TIMES
from hume_core.config_schema import parse_features, parse_section, parse_value, unknown_field
from hume_core.errors import ConfigError
from hume_core.json_file import read_json
from hume_core.texts import shortened

IMAGE_PREFIX = "observation.images."
STATE_KEY = "observation.state"
ACTION_KEY = "action"
TYPES = ("hume", "system2")
EXTENSIONS = (
    "patch_stem", "state_history_order", "s1_origin", "num_candidates", "value_temperature", "noise_schedule",
    "agreement_weight",
)  # fmt: skip
_LEROBOT = "lerobot_fields"
# What a checkpoint of type 'system2' does not say.
_SYSTEM1 = ("s1_chunk_size", "s1_dino_config", "s1_gemma_expert_config", "s1_proj_width", "s1_num_steps", "s1_origin")


@dataclass(frozen=True)
class FeatureShape:
    """One input or output: its kind (VISUAL, STATE, ACTION) and shape."""

    type: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class HumeConfig:
    """Fields of ``config.json``. Names and defaults are those of the released checkpoints.

    Our own, and left out of the file where they hold their defaults, are ``patch_stem`` ("patch" or "conv"),
    ``state_history_order`` ("oldest_first" or "newest_first"), ``s1_origin`` ("anchor" or "newest_state": what the
    joint deltas that System 1 sees and gives are relative to), ``num_candidates`` (N of a thought),
    ``value_temperature`` (0: choose the candidate of the highest value, as the paper does; above 0: take the mean of
    all candidates, each weighted with exp(value / temperature)), ``noise_schedule`` (how the noise that candidates
    keep is spread over them, see `hume_core.config_fields.NOISE_SCHEDULES`) and ``agreement_weight`` (what a candidate
    loses of its value for each standard deviation by which it differs from the motion in progress).

    ``lerobot_fields`` keeps what other versions of LeRobot write into the file and no computation needs. A pre-trained
    System 2 (``type`` "system2") is read as a checkpoint without System 1 and value head. Its sections are empty.

    Raises:
        ConfigError: a field is unknown, missing, of a wrong type or out of range. The message names it.
    """

    input_features: dict[str, FeatureShape]
    output_features: dict[str, FeatureShape]
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
    resize_imgs_with_padding: tuple[int, int] | None = (224, 224)
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
    noise_schedule: str = START_TIMES
    agreement_weight: float = 0.0
    lerobot_fields: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise ConfigError(f"config field 'type' is '{shortened(self.type)}'. Valid: {', '.join(TYPES)}")
        check_consistency(self)

    @classmethod
    def load(cls, path: Path | str) -> HumeConfig:
        """Read ``config.json``.

        Raises:
            ConfigError: the file is missing or no JSON, or see the class.
        """
        return cls.from_dict(read_json(path, ConfigError, missing="A checkpoint folder needs a config.json"))

    @classmethod
    def from_dict(cls, content: Any) -> HumeConfig:
        """Check the content of a ``config.json``. See the class for errors."""
        if not isinstance(content, Mapping):
            raise ConfigError("config.json must hold one JSON object with the fields of a 'hume' checkpoint")
        known = {item.name: item for item in fields(cls) if item.name != _LEROBOT}
        system2 = content.get("type") == "system2"
        if system2:
            content, known = _as_hume(content), {name: item for name, item in known.items() if name not in _SYSTEM1}
        values: dict[str, Any] = {_LEROBOT: {name: value for name, value in content.items() if name in LEROBOT}}
        for name, value in content.items():
            if name in LEROBOT:
                continue
            if name not in known:
                raise unknown_field(shortened(name), name, known)
            if name.endswith("_features"):
                values[name] = {key: FeatureShape(*pair) for key, pair in parse_features(name, value).items()}
            elif name in SECTIONS:
                values[name] = parse_section(name, value)
            else:
                values[name] = parse_value(name, value, str(known[name].type))
        for name in (*SECTIONS, "input_features", "output_features"):
            if name in known and name not in values:
                raise ConfigError(f"config field '{name}' is missing")
        return cls(**(_without_system1(values) if system2 else values))

    def to_dict(self) -> dict[str, Any]:
        """Content of ``config.json``. Our own fields only where they differ from the released behaviour."""
        content = {item.name: getattr(self, item.name) for item in fields(self)}
        content |= content.pop(_LEROBOT)
        for name in ("input_features", "output_features"):
            content[name] = {
                key: {"type": feature.type, "shape": list(feature.shape)} for key, feature in content[name].items()
            }
        for item in fields(self):
            if item.name in EXTENSIONS and content[item.name] == item.default:
                del content[item.name]
        return content if self.has_system1 else _as_system2(content)

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
        side = vision_side(self.paligemma_config)
        return self.resize_imgs_with_padding or (side, side)

    @property
    def has_system1(self) -> bool:
        """Whether System 1 and the value head belong to the checkpoint. A pre-trained System 2 is alone."""
        return self.type == "hume"


def _as_hume(content: Mapping[str, Any]) -> dict[str, Any]:
    """A pre-trained System 2's content with the field names of 'hume'. A single candidate, for none can be valued.

    Raises:
        ConfigError: it has a field of 'hume' that its type does not have.
    """
    if "s2_chunk_size" in content:
        raise ConfigError("config field 's2_chunk_size' belongs to type 'hume'. In type 'system2' it is 'chunk_size'")
    renamed = {"s2_chunk_size" if name == "chunk_size" else name: value for name, value in content.items()}
    return {"num_candidates": 1, **renamed}


def _without_system1(values: dict[str, Any]) -> dict[str, Any]:
    """Without System 1 a segment is as long as the chunk."""
    length = values.get("s2_chunk_size", HumeConfig.s2_chunk_size)
    return {**values, "s1_chunk_size": length, "s1_dino_config": {}, "s1_gemma_expert_config": {}}


def _as_system2(content: dict[str, Any]) -> dict[str, Any]:
    """The reverse of `_as_hume` and `_without_system1`."""
    kept = {name: value for name, value in content.items() if name not in _SYSTEM1}
    return {"chunk_size" if name == "s2_chunk_size" else name: value for name, value in kept.items()}


def check_layers(config: HumeConfig, tensors: int) -> None:
    """Refuse more layers than a file with this many tensors can hold, before anything is built.

    Raises:
        ConfigError: naming the section.
    """
    sections = {name: getattr(config, name) for name in SECTIONS if name != "paligemma_config"}
    stacks = {name: section for name, section in sections.items() if section}
    stacks |= {f"paligemma_config.{name}": config.paligemma_config[name] for name in ("text_config", "vision_config")}
    for name, section in stacks.items():
        if section["num_hidden_layers"] > tensors:
            raise ConfigError(
                f"config field '{name}.num_hidden_layers' is {section['num_hidden_layers']}. The checkpoint has "
                f"{tensors} tensors in all"
            )
