"""SigLIP and DINOv2 towers (transformers), with an optional convolutional patch stem for small models."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Dinov2Config, Dinov2Model, SiglipVisionConfig, SiglipVisionModel
from transformers.utils import logging as transformers_logging

from hume_core.errors import ConfigError


class ConvolutionalStem(nn.Sequential):
    """Stride-2 convolutions that turn an image into patch features: an extension of released checkpoints.

    Small towers learn edges and colours faster from it than from one wide patch projection.

    Args:
        width: channels of the result.
        patch_size: a power of two. Each halving is one convolution.
    """

    def __init__(self, width: int, patch_size: int) -> None:
        halvings = patch_size.bit_length() - 1
        if patch_size < 2 or 1 << halvings != patch_size:
            raise ConfigError(f"patch_stem 'conv' needs a patch_size that is a power of two, not {patch_size}")
        channels = [3, *(max(16, width >> (halvings - i)) for i in range(1, halvings)), width]
        parts: list[nn.Module] = []
        for before, after in pairwise(channels):
            parts += [nn.Conv2d(before, after, kernel_size=3, stride=2, padding=1), nn.GELU()]
        super().__init__(*parts, nn.Conv2d(width, width, kernel_size=1))

    @property
    def weight(self) -> Tensor:
        """Weight of the last convolution. The towers read its type."""
        return self[-1].weight


class SiglipTower(nn.Module):
    """SigLIP vision tower and the linear projector onto the language model's width.

    Args:
        config: fields of ``SiglipVisionConfig``.
        width: language model's hidden size.
        conv_stem: replace the patch projection by ``ConvolutionalStem``.
    """

    def __init__(self, config: Mapping[str, Any], width: int, conv_stem: bool = False) -> None:
        super().__init__()
        fields = {key: value for key, value in config.items() if key in _SIGLIP_FIELDS}
        settings = _quietly(SiglipVisionConfig, fields | {"vision_use_head": False})
        self.tower = SiglipVisionModel._from_config(settings, attn_implementation="sdpa")
        if conv_stem:
            self.tower.embeddings.patch_embedding = ConvolutionalStem(settings.hidden_size, settings.patch_size)
        self.projector = nn.Linear(settings.hidden_size, width)

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, 3, height, width) in [-1, 1] to tokens (B, patches, width)."""
        features = self.tower(images).last_hidden_state
        return self.projector(features.to(self.projector.weight.dtype))

    def rebuild_buffers(self) -> None:
        """Make the buffers that no checkpoint stores, after construction without memory."""
        embeddings = self.tower.embeddings
        embeddings.position_ids = torch.arange(embeddings.num_positions).expand(1, -1)


class DinoTower(nn.Module):
    """DINOv2 tower (all tokens, the class token first) and the linear projector onto System 1's width.

    Args:
        config: fields of ``Dinov2Config``.
        width: hidden size of System 1's stack.
        conv_stem: replace the patch projection by ``ConvolutionalStem``.
    """

    def __init__(self, config: Mapping[str, Any], width: int, conv_stem: bool = False) -> None:
        super().__init__()
        settings = _quietly(Dinov2Config, {key: value for key, value in config.items() if key in _DINO_FIELDS})
        self.tower = Dinov2Model._from_config(settings, attn_implementation="sdpa")
        if conv_stem:
            patches = self.tower.embeddings.patch_embeddings
            patches.projection = ConvolutionalStem(settings.hidden_size, settings.patch_size)
        self.projector = nn.Linear(settings.hidden_size, width)

    def forward(self, images: Tensor) -> Tensor:
        """ImageNet-normalised images (B, 3, height, width) to tokens (B, 1 + patches, width)."""
        features = self.tower(images).last_hidden_state
        return self.projector(features.to(self.projector.weight.dtype))


_SHARED_FIELDS = frozenset(
    {
        "hidden_act",
        "hidden_size",
        "image_size",
        "layer_norm_eps",
        "num_attention_heads",
        "num_channels",
        "num_hidden_layers",
        "patch_size",
    }
)
_SIGLIP_FIELDS = _SHARED_FIELDS | {"attention_dropout", "intermediate_size"}
_DINO_FIELDS = _SHARED_FIELDS | {
    "attention_probs_dropout_prob",
    "drop_path_rate",
    "hidden_dropout_prob",
    "layerscale_value",
    "mlp_ratio",
    "qkv_bias",
    "use_mask_token",
    "use_swiglu_ffn",
}
"""What a tower is made of, all of it checked by `hume_core.config_schema`. Transformers gets nothing else."""


def _quietly(config_class: type, fields: dict[str, Any]) -> Any:
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        return config_class(**fields)
    finally:
        transformers_logging.set_verbosity(verbosity)
