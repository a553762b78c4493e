"""`hume train ... --plan`: the memory that a training needs, before it is started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hume_core.checkpoint import CheckpointReader, resolve_folder
from hume_core.config import HumeConfig
from hume_core.errors import ConfigError
from hume_core.nn.gemma import StackConfig
from hume_system2.model.value_stack import value_stack_config
from hume_training.presets import find_preset, preset_config
from hume_training.training.config import System1Config, System2Config, TrainingConfig
from hume_training.training.memory import Memory, in_bfloat16, system1_memory, system2_memory
from hume_training.training.setup_check import read_dataset_info

RANKS = (8, 16, 32, 64)
_CAMERAS = ("image", "wrist_image")
_NUMBERS = 7
"""Of a state and of an action, where no dataset says it."""
_COLUMNS = (
    "trained",
    "numbers",
    "weights",
    "gradients",
    "optimizer",
    "activations",
    "**sum**",
    "recomputed",
    "**sum**",
    "TFLOP",
)


def plan_text(config: TrainingConfig, ranks: Sequence[int] = RANKS) -> str:
    """What a training holds in memory, as a table: everything trained, and adapters of several ranks.

    Args:
        config: of a training of System 2 or System 1. Its own rank is in the table too.
        ranks: others.

    Raises:
        ConfigError: another training.
        CheckpointError, DatasetError: the checkpoint or the dataset that it names cannot be read.
    """
    if not isinstance(config, System1Config | System2Config):
        raise ConfigError(
            "--plan counts the memory of `hume train system2` and `hume train system1`, not of the others"
        )
    sizes, value = _sizes(config)
    rows = {}
    for rank in sorted({0, *ranks, config.lora.rank}):
        changed = replace(config, lora=replace(config.lora, rank=rank))
        rows[rank] = _measured(changed, sizes, value)
    (width, height), cameras = sizes.image_size, len(sizes.camera_keys)
    precision = "bfloat16" if in_bfloat16(config) else "float32"
    lines = [
        f"{_large(rows[0].parameters)} parameters, {cameras} camera{'s' if cameras > 1 else ''} of {width}x{height} "
        f"pixels, batch of {config.batch_size}, computed in {precision}. Sizes in GB of 10^9 bytes.",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        f"| --- {'| ---: ' * (len(_COLUMNS) - 1)}|",
        *(_line(rank, row) for rank, row in rows.items()),
    ]
    return "\n".join(lines) + "\n"


def _measured(config: System1Config | System2Config, sizes: HumeConfig, value: StackConfig) -> Memory:
    if isinstance(config, System1Config):
        return system1_memory(config, sizes, config.batch_size)
    return system2_memory(config, sizes, value, config.batch_size)


def _line(rank: int, row: Memory) -> str:
    gigabytes = [
        row.weights, row.gradients, row.optimizer, row.activations, row.total(False), row.recomputed, row.total(True),
    ]  # fmt: skip
    cells = [
        f"rank {rank}" if rank else "everything",
        _millions(row.trained),
        *(f"{size / 1e9:.1f}" for size in gigabytes),
    ]
    for place in (6, 8):
        cells[place] = f"**{cells[place]}**"
    return f"| {' | '.join([*cells, f'{row.flop / 1e12:.1f}, {row.flop_recomputed / 1e12:.1f}'])} |"


def _large(count: int) -> str:
    return f"{count / 1e9:.2f} billion" if count >= 1e9 else f"{count / 1e6:.1f} million"


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f} M"


def _sizes(config: System1Config | System2Config) -> tuple[HumeConfig, StackConfig]:
    """Sizes of the checkpoint that the training starts from, and those of its value head's stack."""
    if config.checkpoint:
        folder = resolve_folder(config.checkpoint)
        sizes = HumeConfig.load(folder / "config.json")
        if sizes.has_system1:
            return sizes, value_stack_config(CheckpointReader(folder))
    preset = find_preset(config.preset if isinstance(config, System2Config) else "released")
    cameras: Sequence[str] = _CAMERAS
    first = config.dataset.split(",")[0].strip()
    if Path(first).is_dir():
        cameras = list(read_dataset_info(first).cameras)
    return preset_config(preset, cameras, _NUMBERS, _NUMBERS), preset.value
