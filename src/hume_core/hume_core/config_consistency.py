"""Checks of configuration fields that only make sense together. Every error names the field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hume_core.config_fields import COUNTS, LARGEST, NOISE_SCHEDULES, STATISTICS
from hume_core.errors import ConfigError

_MOST_CAMERAS = 32
_SIGLIP_SIDE = 224
"""Of a SigLIP tower whose configuration does not say, pixels."""


def check_consistency(config: Any) -> None:
    """Check values that only make sense together.

    Raises:
        ConfigError: naming the field, the value found and what is valid.
    """
    for name, largest in COUNTS.items():
        if getattr(config, name) < 1:
            raise ConfigError(f"config field '{name}' is {getattr(config, name)}. It must be at least 1")
        if getattr(config, name) > largest:
            raise ConfigError(f"config field '{name}' is {getattr(config, name)}. It must be at most {largest}")
    if not all(1 <= side <= LARGEST["image_size"] for side in config.image_size):
        raise ConfigError(
            f"config field 'resize_imgs_with_padding' is {list(config.image_size)}. Valid: width and "
            f"height from 1 to {LARGEST['image_size']}"
        )
    for name in ("s1_chunk_size", "vqh_chunk_size"):
        if getattr(config, name) > config.s2_chunk_size:
            raise ConfigError(
                f"config field '{name}' is {getattr(config, name)}. It may not exceed s2_chunk_size, "
                f"{config.s2_chunk_size}"
            )
    for name in ("theta1", "theta2"):
        if not 0.0 < getattr(config, name) <= 1.0:
            raise ConfigError(f"config field '{name}' is {getattr(config, name)}. It must be above 0 and at most 1")
    for name in ("value_temperature", "agreement_weight"):
        if not 0.0 <= getattr(config, name) < math.inf:
            raise ConfigError(f"config field '{name}' is {getattr(config, name)}. It must be at least 0")
    _check_choices(config)
    _check_features(config)
    _check_images(config)
    _check_stacks(config)


def _check_choices(config: Any) -> None:
    choices = {
        "patch_stem": ("patch", "conv"),
        "state_history_order": ("oldest_first", "newest_first"),
        "s1_origin": ("anchor", "newest_state"),
        "noise_schedule": NOISE_SCHEDULES,
    }
    for name, valid in choices.items():
        if getattr(config, name) not in valid:
            raise ConfigError(f"config field '{name}' is {getattr(config, name)!r}. Valid: {', '.join(valid)}")
    for name in ("adapt_to_pi_aloha", "use_delta_joint_actions_aloha"):
        if getattr(config, name):
            raise ConfigError(f"config field '{name}' is true. Only false is supported")
    for kind, mode in config.normalization_mapping.items():
        modes = ("IDENTITY",) if kind == "VISUAL" else (*STATISTICS, "IDENTITY")
        if mode not in modes:
            raise ConfigError(f"config field 'normalization_mapping.{kind}' is {mode!r}. Valid: {', '.join(modes)}")


def _check_features(config: Any) -> None:
    for section, key, limit in (
        ("input_features", "observation.state", "max_state_dim"),
        ("output_features", "action", "max_action_dim"),
    ):
        feature = getattr(config, section).get(key)
        if feature is None:
            raise ConfigError(f"config field '{section}' has no '{key}'")
        if feature.shape[-1] > getattr(config, limit):
            raise ConfigError(
                f"config field '{section}.{key}' has {feature.shape[-1]} numbers. '{limit}' allows "
                f"{getattr(config, limit)}"
            )
    if not config.camera_keys:
        raise ConfigError("config field 'input_features' has no VISUAL feature. At least one camera is needed")
    if not 0 <= config.empty_cameras <= _MOST_CAMERAS or len(config.camera_keys) > _MOST_CAMERAS:
        raise ConfigError(
            f"config has {len(config.camera_keys)} cameras and 'empty_cameras' is {config.empty_cameras}. Valid: 0 to "
            f"{_MOST_CAMERAS}"
        )


def _check_images(config: Any) -> None:
    """What reaches System 2's vision tower must be of the size that its position embeddings are made for."""
    patch = config.paligemma_config["vision_config"]["patch_size"]
    side = vision_side(config.paligemma_config)
    width, height = config.image_size
    if (width // patch, height // patch) != (side // patch, side // patch):
        raise ConfigError(
            f"config field 'resize_imgs_with_padding' is {[width, height]}. "
            f"'paligemma_config.vision_config.image_size' is {side}, so it must be {[side, side]}"
        )
    if config.resize_imgs_with_padding is not None:
        return
    for key in config.camera_keys:
        shape = config.input_features[f"observation.images.{key}"].shape
        if shape != (3, side, side):
            raise ConfigError(
                f"config field 'resize_imgs_with_padding' is null, so images are taken as they are: camera '{key}' "
                f"has the shape {list(shape)}, but the vision tower takes {[3, side, side]}"
            )


def vision_side(paligemma: Mapping[str, Any]) -> int:
    """Side of the square images that System 2's vision tower takes, pixels."""
    side: int = paligemma["vision_config"].get("image_size", _SIGLIP_SIDE)
    return side


def _check_stacks(config: Any) -> None:
    text = config.paligemma_config["text_config"]
    expert = config.gemma_expert_config
    for name in ("num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim"):
        default = {"num_key_value_heads": 1, "head_dim": 256}.get(name)
        if text.get(name, default) != expert.get(name, default):
            raise ConfigError(
                f"config field 'gemma_expert_config.{name}' is {expert.get(name, default)}. It must equal "
                f"'paligemma_config.text_config.{name}', {text.get(name, default)}"
            )
    for width, section in (
        ("proj_width", "gemma_expert_config"),
        *([("s1_proj_width", "s1_gemma_expert_config")] if config.has_system1 else []),
    ):
        hidden = getattr(config, section)["hidden_size"]
        if getattr(config, width) != hidden:
            raise ConfigError(
                f"config field '{width}' is {getattr(config, width)}. It must equal '{section}.hidden_size', {hidden}"
            )
