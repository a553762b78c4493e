"""Gradient checkpointing keeps less and changes no gradient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.data.demonstrations import Demonstrations
from hume_training.training.batches import Batches
from hume_training.training.config import System1Config, System2Config, ValueConfig
from hume_training.training.recompute import layers_of, recompute_layers
from hume_training.training.system1 import System1Objective
from hume_training.training.system2 import System2Objective, new_checkpoint
from hume_training.training.taught import taught_rows
from hume_training.training.value import ValueObjective


@pytest.fixture(scope="module")
def base(dataset: Path, data: Demonstrations, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    config = System2Config.from_dict({"dataset": str(dataset), "output": str(folder)})
    return new_checkpoint(config, taught_rows(config, data), folder / "checkpoint")


def _system2(content: dict[str, Any], data: Demonstrations, base: Path) -> System2Objective:
    config = System2Config.from_dict(content | {"keyframe_weight": 0.5})
    return System2Objective(config, taught_rows(config, data), System2.from_pretrained(base))


def _adapted(content: dict[str, Any], data: Demonstrations, base: Path) -> System2Objective:
    pytest.importorskip("peft")
    lora = {"rank": 4, "parts": ["vision", "language", "expert"]}
    return _system2(content | {"lora": lora}, data, base)


def _system1(content: dict[str, Any], data: Demonstrations, base: Path) -> System1Objective:
    config, model = System1Config.from_dict(content), System1.from_pretrained(base)
    batches = Batches(taught_rows(config, data), model.config, 0, 4, 2)
    chunks = torch.zeros(8, model.config.s2_chunk_size, model.config.max_action_dim)
    return System1Objective(config, batches, model, batches.frames[:8], chunks)


def _value(content: dict[str, Any], data: Demonstrations, base: Path) -> ValueObjective:
    config = ValueConfig.from_dict(content)
    return ValueObjective(config, taught_rows(config, data), System2.from_pretrained(base))


def _gradients(objective: Any) -> tuple[dict[str, Tensor], int]:
    """Gradients of a step by name, and the bytes that were kept for them."""
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss, _ = objective.loss(0)
    size = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    loss.backward()
    found = {
        f"{key}.{name}": parameter.grad
        for key, module in objective.modules.items()
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }
    return found, size


@pytest.mark.parametrize("make", [_system2, _adapted, _system1, _value], ids=["system2", "lora", "system1", "value"])
def test_gradients_stay_and_less_is_kept(
    make: Callable[..., Any], data: Demonstrations, dataset: Path, base: Path, tmp_path: Path
) -> None:
    content = {"dataset": str(dataset), "output": str(tmp_path), "checkpoint": str(base), "batch_size": 4}
    plain, kept = _gradients(make(content, data, base))
    again, kept_again = _gradients(make(content | {"gradient_checkpointing": True}, data, base))
    assert plain.keys() == again.keys()
    assert len(plain) > 10
    for name, gradient in plain.items():
        torch.testing.assert_close(again[name], gradient, rtol=1e-5, atol=1e-7, msg=name)
    assert kept_again < 0.7 * kept


def test_nothing_is_recomputed_without_gradients(base: Path) -> None:
    system2 = System2.from_pretrained(base)
    noise = torch.randn(2, 1, system2.config.s2_chunk_size, system2.config.max_action_dim)
    before = system2.think(system2.blank_observation(), 2, noise=noise).candidates
    assert len(list(layers_of([system2.network, system2.network]))) == 9
    recompute_layers([system2])
    assert torch.equal(system2.think(system2.blank_observation(), 2, noise=noise).candidates, before)
