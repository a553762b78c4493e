"""Sizes of checkpoints that are made here: small ones for robots without a GPU, and released sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hume_core.config import HumeConfig
from hume_core.errors import ConfigError
from hume_core.nn.gemma import StackConfig


@dataclass(frozen=True)
class Preset:
    """Sizes of every part of a checkpoint.

    Attributes:
        image: side of the square model input, pixels.
        patch: side of one patch, pixels.
        stem: "patch" as released, or "conv".
        siglip, dino: (hidden, intermediate, layers, heads) of the vision towers.
        text, expert, value, system1: Gemma stacks.
        vocabulary: number of token ids.
        chunk, segment: H and h, steps.
        max_dim: padded state and action size. More where a robot needs it.
    """

    image: int
    patch: int
    siglip: tuple[int, int, int, int]
    dino: tuple[int, int, int, int]
    text: StackConfig
    expert: StackConfig
    value: StackConfig
    system1: StackConfig
    vocabulary: int = 512
    chunk: int = 16
    segment: int = 8
    max_dim: int = 32
    stem: str = "patch"


SMALL = Preset(
    image=64,
    patch=8,
    siglip=(128, 256, 3, 4),
    dino=(128, 512, 3, 4),
    text=StackConfig(160, 384, 3, 4, 1, 32),
    expert=StackConfig(128, 256, 3, 4, 1, 32),
    value=StackConfig(160, 384, 2, 4, 1, 32),
    system1=StackConfig(128, 256, 3, 4, 1, 32),
)
MEDIUM = Preset(
    image=224,
    patch=14,
    siglip=(384, 1536, 12, 6),
    dino=(384, 1536, 12, 6),
    text=StackConfig(512, 2048, 8, 8, 1, 64),
    expert=StackConfig(256, 1024, 8, 8, 1, 64),
    value=StackConfig(512, 1024, 4, 8, 1, 64),
    system1=StackConfig(512, 2048, 13, 8, 1, 128),
    chunk=50,
    segment=10,
)
TABLETOP = Preset(
    image=64,
    patch=16,
    stem="conv",
    siglip=(128, 256, 3, 4),
    dino=(128, 256, 3, 4),
    text=StackConfig(128, 256, 3, 4, 1, 32),
    expert=StackConfig(128, 256, 3, 4, 1, 32),
    value=StackConfig(128, 256, 2, 4, 1, 32),
    system1=StackConfig(128, 256, 3, 4, 1, 32),
    max_dim=8,
)
RELEASED = Preset(
    image=224,
    patch=14,
    siglip=(1152, 4304, 27, 16),
    dino=(384, 1536, 12, 6),
    text=StackConfig(2048, 16384, 18, 8, 1, 256),
    expert=StackConfig(1024, 4096, 18, 8, 1, 256),
    value=StackConfig(2048, 4096, 4, 8, 1, 256),
    system1=MEDIUM.system1,
    vocabulary=257_152,
)
"""PaliGemma 3B with its action expert and System 1, as the authors publish them for LIBERO."""
PRESETS = {
    "small": SMALL,
    "small_conv": replace(SMALL, stem="conv"),
    "tabletop": TABLETOP,
    "medium": MEDIUM,
    "released": RELEASED,
}


def find_preset(name: str) -> Preset:
    """Look a preset up.

    Raises:
        ConfigError: unknown. The message lists the valid names.
    """
    if name not in PRESETS:
        raise ConfigError(f"unknown preset '{name}'. Valid: {', '.join(PRESETS)}")
    return PRESETS[name]


def preset_config(
    preset: Preset, cameras: Sequence[str], state_dim: int, action_dim: int, **settings: Any
) -> HumeConfig:
    """Configuration of a checkpoint.

    Args:
        preset: sizes.
        cameras: camera keys.
        state_dim: real state size s.
        action_dim: real action size a.
        settings: other fields of ``HumeConfig``, such as ``theta1`` or ``vqh_chunk_size``.
    """
    image = {"type": "VISUAL", "shape": [3, preset.image, preset.image]}
    content: dict[str, Any] = {
        "type": "hume",
        "input_features": {f"observation.images.{key}": image for key in cameras}
        | {"observation.state": {"type": "STATE", "shape": [state_dim]}},
        "output_features": {"action": {"type": "ACTION", "shape": [action_dim]}},
        "s1_chunk_size": preset.segment,
        "s2_chunk_size": preset.chunk,
        "n_action_steps": preset.chunk,
        "max_state_dim": max(preset.max_dim, state_dim),
        "max_action_dim": max(preset.max_dim, action_dim),
        "resize_imgs_with_padding": [preset.image, preset.image],
        "proj_width": preset.expert.hidden_size,
        "s1_proj_width": preset.system1.hidden_size,
        "patch_stem": preset.stem,
        "paligemma_config": _paligemma(preset),
        "gemma_expert_config": stack_section(preset.expert, preset.vocabulary),
        "s1_gemma_expert_config": stack_section(preset.system1, preset.vocabulary),
        "s1_dino_config": _dino(preset),
    }
    return HumeConfig.from_dict(content | settings)


def stack_section(stack: StackConfig, vocabulary: int) -> dict[str, Any]:
    """A Gemma section of ``config.json``."""
    return {
        "model_type": "gemma",
        "hidden_activation": "gelu_pytorch_tanh",
        "hidden_size": stack.hidden_size,
        "intermediate_size": stack.intermediate_size,
        "num_hidden_layers": stack.num_hidden_layers,
        "num_attention_heads": stack.num_attention_heads,
        "num_key_value_heads": stack.num_key_value_heads,
        "head_dim": stack.head_dim,
        "vocab_size": vocabulary,
    }


def _paligemma(preset: Preset) -> dict[str, Any]:
    hidden, intermediate, layers, heads = preset.siglip
    tokens = (preset.image // preset.patch) ** 2
    return {
        "model_type": "paligemma",
        "hidden_size": preset.text.hidden_size,
        "projection_dim": preset.text.hidden_size,
        "vocab_size": preset.vocabulary,
        "image_token_index": preset.vocabulary - 1,
        "text_config": stack_section(preset.text, preset.vocabulary) | {"num_image_tokens": tokens},
        "vision_config": {
            "model_type": "siglip_vision_model",
            "hidden_size": hidden,
            "intermediate_size": intermediate,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "image_size": preset.image,
            "patch_size": preset.patch,
            "num_image_tokens": tokens,
            "projection_dim": preset.text.hidden_size,
            "vision_use_head": False,
        },
    }


def _dino(preset: Preset) -> dict[str, Any]:
    hidden, intermediate, layers, heads = preset.dino
    return {
        "model_type": "dinov2",
        "hidden_size": hidden,
        "mlp_ratio": intermediate // hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "image_size": preset.image,
        "patch_size": preset.patch,
    }
