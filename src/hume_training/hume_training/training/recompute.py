"""Gradient checkpointing: layers whose inner results are computed again in the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers.models.dinov2.modeling_dinov2 import Dinov2Layer
from transformers.models.siglip.modeling_siglip import SiglipEncoderLayer

from hume_core.nn.gemma import GemmaLayer

LAYERS = (GemmaLayer, SiglipEncoderLayer, Dinov2Layer)
"""What is computed again as a whole: the layers of all transformers."""


def layers_of(modules: Iterable[nn.Module]) -> Iterator[nn.Module]:
    """The transformer layers in modules, each once."""
    seen: set[int] = set()
    for module in modules:
        for part in module.modules():
            if isinstance(part, LAYERS) and id(part) not in seen:
                seen.add(id(part))
                yield part


def recompute_layers(modules: Iterable[nn.Module]) -> None:
    """Keep only the inputs of each layer from now on (Chen et al. 2016). Gradients stay the same.

    Args:
        modules: networks, in training or evaluation mode.
    """
    for layer in layers_of(modules):
        layer.forward = _recomputed(layer.forward)


def _recomputed(forward: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any, **named: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*arguments, **named)
        # Nothing in a layer draws random numbers.
        return checkpoint(forward, *arguments, use_reentrant=False, preserve_rng_state=False, **named)

    return run
