"""What a training needs, looked at before any work: packages, device, output folder, checkpoint and dataset."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from hume_core.checkpoint import CheckpointReader, resolve_folder
from hume_core.config import HumeConfig
from hume_core.errors import CheckpointError, ConfigError, DatasetError
from hume_core.texts import listed
from hume_training.data.hub import dataset_folder
from hume_training.data.info import DatasetInfo, read_info
from hume_training.training.config import System1Config, System2Config, TrainingConfig
from hume_training.training.loop import identity
from hume_training.training.state import check_state
from hume_training.training.trackers import check_trackers, is_installed


def check_setup(config: TrainingConfig) -> None:
    """Refuse a training that would fail later. Nothing but the first bytes of files is read.

    Raises:
        ConfigError: a package is missing, there is no such device, or the output folder cannot be written.
        CheckpointError: there is no such checkpoint, or the output folder belongs to another training.
        DatasetError: there is no such dataset, or it lacks a camera of the checkpoint.
    """
    check_trackers(config.tracker)
    check_lora(config)
    check_device(config.device)
    datasets = [read_dataset_info(name.strip()) for name in config.dataset.split(",")]
    _check_weights(config)
    if config.checkpoint:
        _check_checkpoint(config, datasets)
    check_output(Path(config.output))
    _check_run(config)


def check_lora(config: TrainingConfig) -> None:
    """Refuse adapters without the package that makes them."""
    if isinstance(config, System1Config | System2Config) and config.lora.rank and not is_installed("peft"):
        raise ConfigError("lora.rank needs the package peft, which is not installed. Run setup/bootstrap.sh again")


def check_device(name: str) -> None:
    """Refuse a torch device that is not there.

    Raises:
        ConfigError: says what there is.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device '{name}' is no torch device. Valid: cpu, cuda, cuda:0 and the like") from error
    if device.type == "cpu":
        return
    module = getattr(torch, device.type, None)
    count = module.device_count() if module is not None and module.is_available() else 0
    if (device.index or 0) >= count:
        there = f"{count} of them" if count else "none"
        raise ConfigError(
            f"device is '{name}', but this PyTorch ({torch.__version__}) finds {there}. Set device: cpu, or install a "
            "PyTorch that supports your GPU"
        )


def check_output(folder: Path) -> None:
    """Make the folder of a run, and refuse one that cannot be written.

    Raises:
        ConfigError: says why.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            f"output folder '{folder}' cannot be written: {error.strerror}. Name another with output"
        ) from error


def read_dataset_info(name: str) -> DatasetInfo:
    """`meta/info.json` of a dataset.

    Raises:
        DatasetError: there is no such folder and nothing on the hub, or it holds no dataset that can be read.
    """
    folder = dataset_folder(name)
    if not folder.is_dir():
        raise DatasetError(f"dataset '{name}' is no folder. Name one, or several separated by commas, with dataset")
    return read_info(folder)


def _check_weights(config: TrainingConfig) -> None:
    if not isinstance(config, System2Config):
        return
    for field in ("paligemma", "dinov2"):
        folder = getattr(config, field)
        if folder and not (Path(folder) / "config.json").is_file():
            raise CheckpointError(
                f"{field} is '{folder}', which has no config.json. Name a folder of published weights"
            )


def _check_checkpoint(config: TrainingConfig, datasets: list[DatasetInfo]) -> None:
    folder = resolve_folder(config.checkpoint)
    sizes = HumeConfig.load(folder / "config.json")
    CheckpointReader(folder)
    if not sizes.has_system1:
        # The training of System 2 makes a whole checkpoint of it, whose sizes are those of the dataset. The other
        # trainings say what they miss when they load it, which they do first.
        return
    for info in datasets:
        missing = [key for key in sizes.camera_keys if key not in info.cameras]
        if missing:
            raise DatasetError(
                f"checkpoint '{config.checkpoint}' needs camera '{missing[0]}', which the dataset lacks. "
                f"It has: {listed(info.cameras)}"
            )


def _check_run(config: TrainingConfig) -> None:
    """Refuse to go on with the run of another training."""
    objective = type(config).__name__.replace("Config", "Objective")
    check_state(Path(config.output), identity(config, objective, config.batch_size), config.defaults())
