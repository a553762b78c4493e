"""Counted memory is that of models which are really made, and of steps which are really taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from hume_core.errors import ConfigError
from hume_core.nn.gemma import StackConfig
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.initialize import create_checkpoint
from hume_training.presets import MEDIUM, RELEASED, SMALL, TABLETOP, Preset, preset_config
from hume_training.training import system1, system2
from hume_training.training.config import System1Config, System2Config, ValueConfig
from hume_training.training.lora import loading_type
from hume_training.training.memory import (
    Memory,
    empty_system2,
    learning,
    system1_loss,
    system1_memory,
    system2_loss,
    system2_memory,
)
from hume_training.training.plan import plan_text
from hume_training.training.recompute import recompute_layers

pytest.importorskip("peft")

KINDS = ["everything", "lora", "bfloat16"]
ROOT = Path(__file__).parents[3]
CAMERAS = ("image", "wrist_image")
BATCH = 3
CHANGES: list[dict[str, Any]] = [
    {},
    {"lora": {"rank": 4}},
    {"lora": {"rank": 2, "trained": ["projections", "vision.projector"], "base_precision": "bfloat16"}},
]


def _config(kind: Any, **changes: Any) -> Any:
    return kind.from_dict({"dataset": "d", "output": "o"} | changes)


def _kept(model: Any, loss: Callable[[], Tensor]) -> int:
    """Bytes that a real forward pass keeps, without the weights."""
    weights = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss()
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def _check(found: Memory, model: Any, adapters: Any, loss: Callable[[], Tensor]) -> None:
    """Counted on a fake model, and the same on a real one."""
    parameters = list(model.parameters())
    assert found.parameters == sum(parameter.numel() for parameter in parameters)
    assert found.trained == learning([model.network] if adapters is None else adapters.modules.values())
    tensors = [*parameters, *model.buffers()]
    assert found.weights == sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    kept = _kept(model, loss)
    assert found.activations == pytest.approx(kept, rel=0.02)
    recompute_layers([model])
    assert kept > found.recomputed > _kept(model, loss) > 0
    assert found.flop_recomputed > 1.1 * found.flop


@pytest.mark.parametrize(
    ("preset", "changes"), [(TABLETOP, CHANGES[0]), (SMALL, CHANGES[1]), (SMALL, CHANGES[2])], ids=KINDS
)
def test_system2_is_counted_as_it_is(tmp_path: Path, preset: Preset, changes: dict[str, Any]) -> None:
    config = _config(System2Config, draws=3, **changes)
    folder = create_checkpoint(tmp_path, preset, cameras=CAMERAS)
    model = System2.from_pretrained(folder, dtype=loading_type(config.lora))
    found = system2_memory(config, model.config, preset.value, BATCH)
    adapters = system2.prepare_network(config, model)
    _check(found, model, adapters, lambda: system2_loss(model, BATCH, 3))


@pytest.mark.parametrize("changes", CHANGES[:2], ids=KINDS[:2])
def test_system1_is_counted_as_it_is(tmp_path: Path, changes: dict[str, Any]) -> None:
    config = _config(System1Config, **changes)
    folder = create_checkpoint(tmp_path, SMALL, cameras=CAMERAS)
    model = System1.from_pretrained(folder, dtype=loading_type(config.lora))
    found = system1_memory(config, model.config, BATCH)
    _check(found, model, system1.prepare_network(config, model), lambda: system1_loss(model, BATCH))


def test_system2_in_bfloat16_is_counted_as_it_is(tmp_path: Path) -> None:
    config = _config(System2Config, precision="bfloat16", lora={"rank": 4, "base_precision": "bfloat16"})
    model = System2.from_pretrained(create_checkpoint(tmp_path, SMALL, cameras=CAMERAS), dtype=torch.bfloat16)
    found = system2_memory(config, model.config, SMALL.value, BATCH)
    system2.prepare_network(config, model)
    with torch.autocast("cpu", torch.bfloat16):
        kept = _kept(model, lambda: system2_loss(model, BATCH, config.draws))
    assert found.activations == pytest.approx(kept, rel=0.02)


def _stack(config: StackConfig) -> int:
    """Numbers of a Gemma stack, by its sizes."""
    width, inner = config.hidden_size, config.intermediate_size
    attention = width * config.head_dim * (2 * config.num_attention_heads + 2 * config.num_key_value_heads)
    return config.num_hidden_layers * (attention + 3 * width * inner + 2 * width) + width


def _siglip(preset: Preset) -> int:
    hidden, inner, layers, _ = preset.siglip
    stem = 3 * preset.patch**2 * hidden + hidden + (preset.image // preset.patch) ** 2 * hidden
    layer = 4 * (hidden**2 + hidden) + 2 * hidden * inner + inner + hidden + 4 * hidden
    projector = hidden * preset.text.hidden_size + preset.text.hidden_size
    return stem + layers * layer + 2 * hidden + projector


def _adapters(rank: int, stack: StackConfig) -> int:
    """Numbers of the adapters in a Gemma stack, by its sizes: a row and a column of each matrix."""
    heads = (stack.num_attention_heads, stack.num_key_value_heads, stack.num_key_value_heads, stack.num_attention_heads)
    attention = sum(stack.hidden_size + stack.head_dim * count for count in heads)
    return stack.num_hidden_layers * rank * (attention + 3 * (stack.hidden_size + stack.intermediate_size))


@pytest.mark.parametrize("rank", [0, 8, 32])
def test_the_released_size_is_that_of_paligemma_and_its_expert(rank: int) -> None:
    config = _config(System2Config, lora={"rank": rank, "trained": []}, preset="released")
    model, modules = empty_system2(config, preset_config(RELEASED, CAMERAS, 8, 7), RELEASED.value)
    paligemma = _siglip(RELEASED) + RELEASED.vocabulary * 2048 + _stack(RELEASED.text)
    assert paligemma == 2_923_335_408, "PaliGemma 3B at 224 pixels"
    adapters = [parameter for name, parameter in model.network.named_parameters() if "lora_" in name]
    projections = sum(parameter.numel() for parameter in model.network.projections.parameters())
    frozen = sum(parameter.numel() for parameter in model.network.parameters()) - sum(x.numel() for x in adapters)
    assert frozen == paligemma + _stack(RELEASED.expert) + projections
    assert learning(modules) == (_adapters(rank, RELEASED.text) + _adapters(rank, RELEASED.expert) if rank else frozen)


def test_the_page_shows_what_the_command_prints() -> None:
    """The rows of the configuration itself and of a training of everything. The others are made alike."""
    page = (ROOT / "docs" / "fine_tune.md").read_text(encoding="utf-8")
    config = System2Config.load(ROOT / "src/hume_training/hume_training/configs/fine_tune.yaml")
    lines = [line for line in plan_text(config, ranks=()).splitlines() if line]
    assert len(lines) == 5
    assert [line for line in lines if line not in page.splitlines()] == []


def test_the_table_has_the_ranks_and_the_configuration_s_own(tmp_path: Path) -> None:
    config = _config(System2Config, preset="small", lora={"rank": 12}, batch_size=2)
    lines = plan_text(config, ranks=(4, 32)).splitlines()
    assert "2 cameras of 64x64 pixels, batch of 2, computed in float32" in lines[0]
    assert [line.split(" | ")[0] for line in lines[4:]] == ["| everything", "| rank 4", "| rank 12", "| rank 32"]
    folder = create_checkpoint(tmp_path, MEDIUM, cameras=("front",))
    text = plan_text(_config(System1Config, checkpoint=str(folder)), ranks=())
    assert "1 camera of 224x224" in text
    with pytest.raises(ConfigError, match="--plan counts the memory of `hume train system2` and `hume train system1`"):
        plan_text(_config(ValueConfig))
