"""The dataset that a training names, with its pictures as large as the policy sees them."""

from __future__ import annotations

from hume_core.checkpoint import resolve_folder
from hume_core.config import HumeConfig
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.reader import load_datasets
from hume_training.presets import find_preset
from hume_training.pretrained import sized_by_system2, system2_alone
from hume_training.training.base_config import TrainingConfig


def training_data(config: TrainingConfig) -> Demonstrations:
    """Read the datasets of a training.

    Raises:
        DatasetError: one of them cannot be used.
        CheckpointError, ConfigError: the checkpoint or the preset that says how large pictures are is unknown.
    """
    return load_datasets(config.dataset, image_size(config))


def image_size(config: TrainingConfig) -> tuple[int, int] | None:
    """(width, height) that the policy resizes pictures to. None: it takes them as they are."""
    alone = system2_alone(config.checkpoint)
    if config.checkpoint and alone is None:
        return HumeConfig.load(resolve_folder(config.checkpoint) / "config.json").resize_imgs_with_padding
    preset = find_preset(getattr(config, "preset", ""))
    side = (preset if alone is None else sized_by_system2(preset, alone)).image
    return side, side
