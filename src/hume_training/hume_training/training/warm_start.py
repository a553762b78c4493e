"""System 1's vision from a trained System 2 of the same widths, instead of from random weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hume_core.errors import ConfigError
from hume_core.images import IMAGENET_MEAN, IMAGENET_STD
from hume_system1.model import System1
from hume_system2.model import System2

_LAYER = {
    "layer_norm1": "norm1",
    "layer_norm2": "norm2",
    "self_attn.q_proj": "attention.q_proj",
    "self_attn.k_proj": "attention.k_proj",
    "self_attn.v_proj": "attention.v_proj",
    "self_attn.out_proj": "attention.o_proj",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}


@torch.no_grad()
def warm_start(system1: System1, system2: System2) -> None:
    """Copy System 2's stem, first vision layers and position embeddings into System 1. Of as many layers, the rest too.

    The first convolution is rescaled for System 1's ImageNet-normalised input, so that it sees the same image.

    Raises:
        ConfigError: the widths of the two differ.
    """
    source, target = system2.network.vision, system1.network.vision
    found = source.tower.embeddings.patch_embedding
    stem = target.tower.embeddings.patch_embeddings.projection
    try:
        stem.load_state_dict(found.state_dict())
        if isinstance(found, nn.Sequential):
            _rescale(stem[0], found[0].weight)
        positions = source.tower.embeddings.position_embedding.weight
        target.tower.embeddings.position_embeddings[0, 1:].copy_(positions)
        layers = zip(target.tower.encoder.layer, source.tower.encoder.layers, strict=False)
        for into, out in layers:
            for before, after in _LAYER.items():
                into.get_submodule(after).load_state_dict(out.get_submodule(before).state_dict())
        if len(target.tower.encoder.layer) == len(source.tower.encoder.layers):
            target.tower.layernorm.load_state_dict(source.tower.post_layernorm.state_dict())
            target.projector.load_state_dict(source.projector.state_dict())
    except RuntimeError as error:
        raise ConfigError(f"warm_start needs both systems to be of the same widths: {error}") from error


def _rescale(convolution: nn.Conv2d, weight: Tensor) -> None:
    """Same output from (x + 1) / 2 normalised by ImageNet as from x."""
    mean, std = weight.new_tensor(IMAGENET_MEAN), weight.new_tensor(IMAGENET_STD)
    convolution.weight.copy_(weight * (2.0 * std)[None, :, None, None])
    assert convolution.bias is not None
    convolution.bias += (weight.sum((2, 3)) * (2.0 * mean - 1.0)).sum(1)
