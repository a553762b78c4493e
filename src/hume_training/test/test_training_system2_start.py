"""Training starts from a System 2 that was published alone: its weights, the dataset's sizes and statistics."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from hume_core.errors import CheckpointError
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.data.demonstrations import Demonstrations
from hume_training.initialize import create_checkpoint
from hume_training.presets import SMALL
from hume_training.training.config import System1Config, System2Config, ValueConfig
from hume_training.training.system1 import train_system1
from hume_training.training.system2 import train_system2
from hume_training.training.value import train_value

PART = "s2_model."


@pytest.fixture(params=["model.", "module.model."])
def alone(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder of type 'system2' whose statistics were never filled, for states and actions of other sizes."""
    source, folder = create_checkpoint(tmp_path / "source", SMALL, 5, state_dim=3, action_dim=9), tmp_path / "alone"
    folder.mkdir()
    for path in source.glob("*token*"):
        shutil.copy(path, folder)
    found = load_file(source / "model.safetensors")
    tensors = {
        request.param + name.removeprefix(PART): tensor for name, tensor in found.items() if name.startswith(PART)
    }
    tensors |= {name: torch.full_like(tensor, torch.inf) for name, tensor in found.items() if "normalize" in name}
    save_file(tensors, folder / "model.safetensors")
    content = json.loads((source / "config.json").read_text())
    for name in [name for name in content if name.startswith(("s1_", "s2_", "vqh_", "theta"))]:
        del content[name]
    (folder / "config.json").write_text(json.dumps(content | {"type": "system2", "chunk_size": SMALL.chunk}))
    return folder


def test_a_training_starts_from_it(dataset: Path, data: Demonstrations, alone: Path, tmp_path: Path) -> None:
    content = {"dataset": str(dataset), "output": str(tmp_path / "run"), "checkpoint": str(alone), "batch_size": 2}
    config = System2Config.from_dict(content | {"steps": 2})
    assert not train_system2(config, stop_after=1).finished
    start = tmp_path / "run" / "start"
    given, made = load_file(alone / "model.safetensors"), load_file(start / "model.safetensors")
    network = [name for name in made if name.startswith(PART)]
    assert len(network) > 50
    for name in network:
        other = next(full for full in given if full.endswith("model." + name.removeprefix(PART)))
        assert torch.equal(made[name], given[other]), name
    assert (start / "tokenizer.json").read_bytes() == (alone / "tokenizer.json").read_bytes()
    mean = made["normalize_inputs.buffer_observation_state.mean"]
    assert torch.isfinite(mean).all()
    assert mean.shape == (data.state.shape[1],)
    assert train_system2(config).finished
    trained = tmp_path / "run" / "checkpoint"
    system2, system1 = System2.from_pretrained(trained), System1.from_pretrained(trained)
    assert system2.config.has_system1
    assert (system2.config.s2_chunk_size, system2.config.s1_chunk_size) == (SMALL.chunk, system1.config.s1_chunk_size)
    assert system2.config.action_dim == data.action.shape[1]
    system2.warm_up(1)
    system1.warm_up(1)


def test_the_other_trainings_need_a_whole_checkpoint(dataset: Path, alone: Path, tmp_path: Path) -> None:
    tensors = load_file(alone / "model.safetensors")
    filled = {name: tensor.nan_to_num(posinf=1.0) for name, tensor in tensors.items()}
    save_file(filled, alone / "model.safetensors")
    content = {"dataset": str(dataset), "output": str(tmp_path / "run"), "checkpoint": str(alone), "steps": 1}
    with pytest.raises(CheckpointError, match=r"System 2 alone, without a value head\. `hume train system2`"):
        train_value(ValueConfig.from_dict(content))
    with pytest.raises(CheckpointError, match="holds System 2 alone"):
        train_system1(System1Config.from_dict(content))
