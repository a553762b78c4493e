"""Which engine runs a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from hume_core.engine_names import AUTO, COMPILE, EAGER, ENGINE_CHOICES, ONNX
from hume_core.engines.base import Engine
from hume_core.engines.compiled import CompileEngine
from hume_core.engines.eager import EagerEngine
from hume_core.engines.onnx_engine import OnnxEngine, missing_packages
from hume_core.engines.onnx_export import LARGEST, weights_size
from hume_core.errors import ConfigError

ENGINES: dict[str, Callable[[Path | None], Engine]] = {
    EAGER: lambda checkpoint: EagerEngine(),
    COMPILE: lambda checkpoint: CompileEngine(),
    ONNX: OnnxEngine,
}
"""Name -> how it is made for the folder of a checkpoint."""


def make_engine(name: str, model: nn.Module, checkpoint: Path | None) -> Engine:
    """The engine of a name, for a model that has its final device and type.

    Args:
        name: one of `ENGINE_CHOICES`.
        model: what it will run.
        checkpoint: folder that the model came from.

    Raises:
        ConfigError: the name is unknown.
    """
    if name not in ENGINE_CHOICES:
        raise ConfigError(f"engine is '{name}'. Valid: {', '.join(ENGINE_CHOICES)}")
    return ENGINES[_fastest(model) if name == AUTO else name](checkpoint)


def _fastest(model: nn.Module) -> str:
    """The fastest engine that starts within seconds."""
    # One call per graph leaves out what Python and each operation cost, which is most of the time of a small model. A
    # large one gains little, but loses nothing either. torch.compile is no choice: it compiles again at every start.
    weights = list(model.parameters())
    suits = all(weight.device.type == "cpu" and weight.dtype == torch.float32 for weight in weights)
    return ONNX if suits and weights_size(model) <= LARGEST and not missing_packages() else EAGER
