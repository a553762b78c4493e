"""Two processes that split the weights (FSDP) train as one does that holds them all."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from hume_core.errors import ConfigError
from hume_training.data.demonstrations import Demonstrations
from hume_training.training.loop import train
from hume_training.training.sharding import sharding_wanted
from hume_training.training.system2 import new_checkpoint
from hume_training.training.taught import taught_rows

pytest.importorskip("peft")

SCRIPT = Path(__file__).with_name("parallel_trainings.py")
CONFIG = Path(__file__).parents[1] / "hume_training" / "configs" / "fsdp.yaml"


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


trainings = _load(SCRIPT)


@pytest.fixture(scope="module")
def start(dataset: Path, data: Demonstrations, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    config = trainings.system2_config(dataset, folder)
    return new_checkpoint(config, taught_rows(config, data), folder)


def launch_environment() -> dict[str, str]:
    """What `accelerate launch` makes of our configuration."""
    content = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    assert content["distributed_type"] == "FSDP"
    return {"ACCELERATE_USE_FSDP": "true"} | {
        name.upper().replace("LAYER_CLS", "CLS"): str(value) for name, value in content["fsdp_config"].items()
    }


@pytest.fixture(scope="module")
def sharded(dataset: Path, start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("sharded")
    trainings.in_two_processes("sharded", dataset, start, output, **launch_environment())
    return output


def _halves(objective: Any) -> Any:
    """One process that does the work of two."""

    def loss(step: int) -> Any:
        (one, first), (other, second) = compute(2 * step), compute(2 * step + 1)
        return 0.5 * (one + other), {name: 0.5 * (first[name] + second[name]) for name in first}

    compute, objective.loss = objective.loss, loss
    return objective


@pytest.mark.parametrize("name", list(trainings.SHARDED))
def test_the_checkpoint_is_that_of_one_process(
    sharded: Path, dataset: Path, start: Path, tmp_path: Path, name: str
) -> None:
    half = trainings.system2_config(dataset, tmp_path, batch_size=2, checkpoint=str(start), **trainings.SHARDED[name])
    train(half, _halves(trainings.system2_objective(half, start)))
    found, wanted, before = (
        load_file(folder / "model.safetensors")
        for folder in (sharded / name / "checkpoint", tmp_path / "checkpoint", start)
    )
    assert found.keys() == wanted.keys()
    # The gradient of a key's bias is 0 but for rounding, which the optimizer blows up to full steps.
    names = [key for key in wanted if not key.endswith("k_proj.bias")]
    way, difference = (
        torch.cat([(wanted[key] - other[key]).flatten() for key in names]).norm() for other in (before, found)
    )
    assert way > 0
    assert difference < 1e-3 * way


@pytest.mark.parametrize("name", list(trainings.SHARDED))
def test_each_process_holds_a_part_of_what_is_large(sharded: Path, name: str) -> None:
    split = [(sharded / f"{name}{index}.txt").read_text().splitlines() for index in range(2)]
    assert split[0] == split[1]
    for part in ("language.layers.0.", "expert.layers.2.", "vision.tower.encoder.layers.1.", "token_embedding."):
        assert any(part in parameter for parameter in split[0]), part
    assert any("lora_A" in parameter for parameter in split[0]) == (name == "lora")
    assert not any("projections." in parameter for parameter in split[0])


def test_a_state_of_two_processes_is_resumed_by_one(sharded: Path, dataset: Path, start: Path) -> None:
    config = trainings.system2_config(dataset, sharded / "everything", checkpoint=str(start), steps=4)
    assert train(config, trainings.system2_objective(config, start)).steps == 4


def test_accelerate_reads_our_configuration() -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    found = load_config_from_file(str(CONFIG))
    assert (found.distributed_type.value, found.num_machines) == ("FSDP", 1)
    assert found.fsdp_config["fsdp_version"] == 2


def test_one_process_splits_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert not sharding_wanted()
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert sharding_wanted()
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "false")
    assert not sharding_wanted()


def test_what_one_process_evaluates_cannot_be_split(
    dataset: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = trainings.line_config(tmp_path)
    monkeypatch.setattr("hume_training.training.loop.sharding_wanted", lambda: True)
    with pytest.raises(ConfigError, match=r"evaluate_every needs the whole model in one process, which FSDP splits"):
        train(config, trainings.Line(config), evaluate=lambda step: {})
