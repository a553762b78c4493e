"""What cannot be trained is refused at once: before the dataset is read, in one line that says what to do."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from hume_core.errors import CheckpointError, ConfigError, DatasetError, HumeError
from hume_training.initialize import create_checkpoint
from hume_training.presets import SMALL, TABLETOP
from hume_training.training import dataset as dataset_of
from hume_training.training import run, setup_check, trackers
from hume_training.training.loop import identity
from hume_training.training.run import run_train

KINDS = ("system2", "system1", "value")


@pytest.fixture(autouse=True)
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a dataset fails the test."""

    def read(folders: str, largest: tuple[int, int] | None = None) -> None:
        pytest.fail(f"{folders} is read")

    monkeypatch.setattr(dataset_of, "load_datasets", read)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return create_checkpoint(tmp_path_factory.mktemp("checkpoint"), TABLETOP, cameras=("image", "wrist_image"))


@pytest.fixture
def refused(tmp_path: Path, dataset: Path, checkpoint: Path) -> Callable[..., str]:
    """Message of a training that is not started."""

    def start(error: type[HumeError], kind: str = "system2", **changes: Any) -> str:
        content = {"dataset": str(dataset), "output": str(tmp_path / "run"), "checkpoint": str(checkpoint), "steps": 1}
        file = tmp_path / "config.yaml"
        file.write_text(json.dumps({**content, **changes}))
        with pytest.raises(error) as raised:
            run_train(kind, file)
        message = str(raised.value)
        assert "\n" not in message
        return message

    return start


def _missing(monkeypatch: pytest.MonkeyPatch, module: Any, package: str) -> None:
    monkeypatch.setattr(module, "is_installed", lambda name: name != package)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("package", ["tensorboard", "wandb", "trackio"])
def test_a_tracker_that_is_not_installed(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, kind: str, package: str
) -> None:
    _missing(monkeypatch, trackers, package)
    others = [name for name in ("tensorboard", "wandb", "trackio") if name != package]
    message = refused(ConfigError, kind, tracker=[*others, package])
    assert f"tracker '{package}' needs the package {package}" in message
    assert f"pip install {package}" in message


@pytest.mark.parametrize("package", ["wandb", "nothing_of_that_name"])
def test_a_folder_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "hume_found.py").touch()
    (tmp_path / f"hume_{package}").mkdir()
    assert trackers.is_installed("hume_found")
    assert not trackers.is_installed(f"hume_{package}")
    assert not trackers.is_installed("hume_not_even_a_folder")


@pytest.mark.parametrize("mode", ["", "online", "offline", "disabled"])
def test_wandb_where_nobody_is_logged_in(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str
) -> None:
    monkeypatch.setenv("WANDB_MODE", mode)
    monkeypatch.setattr(trackers, "is_installed", lambda name: True)
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(login=lambda prompt: False))
    if mode in ("", "online"):
        message = refused(ConfigError, tracker=["wandb"])
        assert message.startswith("nobody is logged in to wandb. Run: ./hume python -m wandb login")
    else:
        trackers.check_trackers(["wandb"])


def test_an_unknown_tracker(refused: Callable[..., str]) -> None:
    assert "'visdom'. Valid: tensorboard, wandb, trackio" in refused(ConfigError, tracker=["visdom"])


@pytest.mark.parametrize("kind", ["system2", "system1"])
def test_adapters_without_their_package(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    _missing(monkeypatch, setup_check, "peft")
    assert "lora.rank needs the package peft" in refused(ConfigError, kind, lora={"rank": 4})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("device", ["cuda", "cuda:3"])
def test_a_gpu_that_is_not_there(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, kind: str, device: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    message = refused(ConfigError, kind, device=device)
    assert f"device is '{device}'" in message
    assert "finds none. Set device: cpu" in message


def test_one_gpu_too_few(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert "finds 2 of them" in refused(ConfigError, device="cuda:2")


@pytest.mark.parametrize("device", ["gpu", "cuda:x", ""])
def test_what_is_no_device(refused: Callable[..., str], device: str) -> None:
    assert "is no torch device" in refused(ConfigError, device=device)


@pytest.mark.parametrize("kind", KINDS)
def test_an_output_folder_that_cannot_be_written(refused: Callable[..., str], tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "run", tmp_path / "file"):
        message = refused(ConfigError, kind, output=str(folder))
        assert f"output folder '{folder}' cannot be written" in message


@pytest.mark.parametrize("kind", KINDS)
def test_a_dataset_that_is_not_there(refused: Callable[..., str], tmp_path: Path, dataset: Path, kind: str) -> None:
    assert "dataset './data/nothing' is no folder" in refused(DatasetError, kind, dataset="./data/nothing")
    assert "dataset 'gone' is no folder" in refused(DatasetError, kind, dataset=f"{dataset},gone")
    assert "info.json" in refused(DatasetError, kind, dataset=str(tmp_path))


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_that_is_not_there(refused: Callable[..., str], tmp_path: Path, kind: str) -> None:
    assert "'runs/nothing here'" in refused(CheckpointError, kind, checkpoint="runs/nothing here")
    (tmp_path / "empty").mkdir()
    assert "config.json" in refused(HumeError, kind, checkpoint=str(tmp_path / "empty"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_for_other_cameras(refused: Callable[..., str], tmp_path: Path, kind: str) -> None:
    other = create_checkpoint(tmp_path / "other", TABLETOP, cameras=("image", "side"))
    message = refused(DatasetError, kind, checkpoint=str(other))
    assert "needs camera 'side', which the dataset lacks. It has: image, wrist_image" in message


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_another_size(refused: Callable[..., str], checkpoint: Path, tmp_path: Path, kind: str) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(checkpoint, damaged)
    other = create_checkpoint(tmp_path / "other", SMALL, cameras=("image", "wrist_image"))
    shutil.copy(other / "model.safetensors", damaged)
    refused(CheckpointError, kind, checkpoint=str(damaged))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_truncated_weights(refused: Callable[..., str], checkpoint: Path, tmp_path: Path, share: float) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(checkpoint, damaged)
    path = damaged / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert "model.safetensors is truncated" in refused(CheckpointError, checkpoint=str(damaged))


@pytest.mark.parametrize("field", ["paligemma", "dinov2"])
def test_published_weights_that_are_not_there(refused: Callable[..., str], tmp_path: Path, field: str) -> None:
    message = refused(CheckpointError, checkpoint="", **{field: str(tmp_path)})
    assert f"{field} is '{tmp_path}', which has no config.json" in message


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_of_another_training(
    refused: Callable[..., str], dataset: Path, checkpoint: Path, tmp_path: Path, kind: str
) -> None:
    state = tmp_path / "run" / "resume.safetensors"
    state.parent.mkdir()
    content = {"dataset": str(dataset), "output": str(tmp_path / "run"), "checkpoint": str(checkpoint), "steps": 1}
    config = run.CONFIGS[kind].from_dict({**content, "seed": 5})
    for objective, message in (
        ("LineObjective", "kind='LineObjective'"),
        (f"{kind.title()}Objective", "seed=5, not 0"),
    ):
        found = {"step": "1", "config": json.dumps(identity(config, objective, 64))}
        save_file({"x": torch.zeros(1)}, state, found)
        assert message in refused(CheckpointError, kind)
    state.write_bytes(b"nothing")
    assert "cannot be resumed from" in refused(CheckpointError, kind)


def test_nothing_is_left_of_what_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    refused(DatasetError, dataset="./data/nothing")
    refused(CheckpointError, checkpoint="nope")
    assert not (tmp_path / "run").exists()
