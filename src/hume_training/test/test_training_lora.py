"""Adapters: what is trained, what a checkpoint made with them holds, and that it resumes exactly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from hume_core.checkpoint import WEIGHTS
from hume_core.errors import ConfigError
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.data.demonstrations import Demonstrations
from hume_training.training.config import System1Config, System2Config
from hume_training.training.loop import train
from hume_training.training.lora import ADAPTER, Adapters
from hume_training.training.lora_settings import LoraSettings
from hume_training.training.system1 import train_system1
from hume_training.training.system2 import System2Objective, new_checkpoint, train_system2
from hume_training.training.taught import taught_rows

peft = pytest.importorskip("peft")

LIMIT = 1e-4
LORA = {"rank": 4, "alpha": 8.0}


@pytest.fixture(scope="module")
def base(dataset: Path, data: Demonstrations, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose System 1 has something to refine."""
    folder = tmp_path_factory.mktemp("base")
    config = System2Config.from_dict({"dataset": str(dataset), "output": str(folder)})
    return new_checkpoint(config, taught_rows(config, data), folder / "checkpoint")


def _content(dataset: Path, base: Path, output: Path, **changes: Any) -> dict[str, Any]:
    content = {"dataset": str(dataset), "checkpoint": str(base), "output": str(output), "steps": 4, "batch_size": 4}
    return content | {"warmup_steps": 1, "learning_rate": 1e-2, "log_every": 1, "lora": LORA} | changes


def _tensors(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / WEIGHTS)


def _changed(before: Path, after: Path) -> set[str]:
    one, other = _tensors(before), _tensors(after)
    assert one.keys() == other.keys()
    assert {name: tensor.shape for name, tensor in one.items()} == {
        name: tensor.shape for name, tensor in other.items()
    }
    return {name for name, tensor in one.items() if not torch.equal(tensor, other[name])}


def _distance(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).abs().max() / wanted.abs().max())


def _candidates(system2: System2) -> Tensor:
    shape = (3, 1, system2.config.s2_chunk_size, system2.config.max_action_dim)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    return system2.think(system2.blank_observation(), 3, noise=noise).candidates


def test_the_checkpoint_computes_what_base_and_adapters_do(
    dataset: Path, data: Demonstrations, base: Path, tmp_path: Path
) -> None:
    config = System2Config.from_dict(_content(dataset, base, tmp_path, ema_decay=0.0))
    system2 = System2.from_pretrained(base)
    before = _candidates(system2)
    objective = System2Objective(config, taught_rows(config, data), system2)
    assert _distance(_candidates(system2), before) < 1e-6, "nothing changes at first"
    train(config, objective)
    adapted = _candidates(system2)
    merged = System2.from_pretrained(tmp_path / "checkpoint")
    assert _distance(adapted, before) > 100 * LIMIT
    assert _distance(_candidates(merged), adapted) < LIMIT
    System1.from_pretrained(tmp_path / "checkpoint").warm_up(1)


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, r"language_model\..*_proj|gemma_expert\.model.*_proj|s2_model\.(state|action)_"),
        ({"parts": ["expert"], "trained": []}, r"s2_model\..*gemma_expert\.model.*_proj"),
        ({"targets": ["q_proj", "fc1"], "parts": ["vision", "expert"]}, r"\.q_proj|\.fc1|s2_model\.(state|action)_"),
        ({"parts": ["vision"], "trained": ["vision.projector"]}, r"vision_tower.*(proj|fc\d)\.|multi_modal_projector"),
        ({"trained": ["token_embedding", "expert"], "parts": ["language"]}, r"language_model\.|gemma_expert\.model"),
    ],
    ids=["default", "expert", "targets", "vision", "whole"],
)
def test_only_what_is_named_changes(
    dataset: Path, base: Path, tmp_path: Path, settings: dict[str, Any], wanted: str
) -> None:
    content = _content(dataset, base, tmp_path, lora=LORA | settings, auxiliary_weight=0.0, steps=2)
    assert train_system2(System2Config.from_dict(content)).finished
    changed = _changed(base, tmp_path / "checkpoint")
    assert changed
    assert [name for name in changed if not re.search(wanted, name)] == []
    assert not any(name.startswith(("s1_model", "value_query_head")) for name in changed)


def test_a_resumed_training_is_the_uninterrupted_one(dataset: Path, base: Path, tmp_path: Path) -> None:
    whole, parts = (System2Config.from_dict(_content(dataset, base, tmp_path / name)) for name in ("whole", "parts"))
    train_system2(whole)
    assert not train_system2(parts, stop_after=2).finished
    assert train_system2(parts).finished
    assert _changed(tmp_path / "whole" / "checkpoint", tmp_path / "parts" / "checkpoint") == set()
    with safe_open(tmp_path / "parts" / "resume.safetensors", framework="pt") as state:
        kept = sum(state.get_tensor(name).numel() for name in state.keys())  # noqa: SIM118
    assert kept < 0.5 * sum(tensor.numel() for tensor in _tensors(base).values()), "what is frozen is not saved again"


def test_system1_learns_through_adapters(dataset: Path, base: Path, tmp_path: Path) -> None:
    content = _content(dataset, base, tmp_path, proposals=8, steps=2)
    assert train_system1(System1Config.from_dict(content)).finished
    changed = _changed(base, tmp_path / "checkpoint")
    assert changed
    assert all(
        re.search(r"^s1_model\.(fast_visuo_expert\.gemma_expert.*_proj|state_|action_)", name) for name in changed
    )


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_frozen_weights_in_half_precision_leave_the_checkpoint_as_it_was(
    dataset: Path, base: Path, tmp_path: Path, precision: str
) -> None:
    lora = LORA | {"base_precision": "bfloat16", "parts": ["expert"], "trained": ["projections", "vision.projector"]}
    content = _content(dataset, base, tmp_path, lora=lora, steps=2, precision=precision, gradient_checkpointing=True)
    assert train_system2(System2Config.from_dict(content)).finished
    changed = _changed(base, tmp_path / "checkpoint")
    assert all(re.search(r"gemma_expert|multi_modal_projector|s2_model\.(state|action)_", name) for name in changed)
    before, after = _tensors(base), _tensors(tmp_path / "checkpoint")
    for name in changed:
        assert _distance(after[name], before[name]) < 0.5


def test_a_checkpoint_in_half_precision_gets_merged_matrices_in_float32(
    dataset: Path, base: Path, tmp_path: Path
) -> None:
    half = {name: tensor.bfloat16() if "normalize" not in name else tensor for name, tensor in _tensors(base).items()}
    source = tmp_path / "half"
    source.mkdir()
    for path in base.iterdir():
        if path.name != WEIGHTS:
            (source / path.name).write_bytes(path.read_bytes())
    save_file(half, source / WEIGHTS, {"format": "pt"})
    lora = LORA | {"trained": []}
    train_system2(System2Config.from_dict(_content(dataset, source, tmp_path / "run", lora=lora, steps=2)))
    after = _tensors(tmp_path / "run" / "checkpoint")
    for name, tensor in after.items():
        same = torch.equal(tensor.float(), half[name].float())
        assert tensor.dtype == (half[name].dtype if same else torch.float32), name
    assert any(tensor.dtype == torch.float32 and name.endswith("_proj.weight") for name, tensor in after.items())


def test_the_adapters_are_kept_in_the_form_of_peft(dataset: Path, base: Path, tmp_path: Path) -> None:
    lora = LORA | {"trained": []}
    train_system2(System2Config.from_dict(_content(dataset, base, tmp_path, lora=lora)))
    system2 = System2.from_pretrained(base)
    model = peft.PeftModel.from_pretrained(system2.network, tmp_path / ADAPTER)
    for module in model.modules():
        if hasattr(module, "join_layers"):
            module.join_layers()
    merged = System2.from_pretrained(tmp_path / "checkpoint")
    assert _distance(_candidates(system2), _candidates(merged)) < LIMIT


def test_the_same_seed_makes_the_same_adapters(base: Path) -> None:
    settings = LoraSettings(rank=2)
    made = []
    for seed in (1, 1, 2):
        torch.manual_seed(len(made))
        adapters = Adapters(System2.from_pretrained(base), settings, ("expert",), seed)
        made.append(torch.cat([value.flatten() for value in adapters.modules["adapters"].parameters()]))
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_parts_without_such_layers_are_refused(base: Path) -> None:
    with pytest.raises(ConfigError, match=r"lora\.parts expert have no layers named fc1\. Name others"):
        Adapters(System2.from_pretrained(base), LoraSettings(rank=2, targets=("fc1",)), ("expert",), 0)
