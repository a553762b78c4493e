"""`hume evaluate --branches`: whether the values of a checkpoint tell which action is right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from hume_core.errors import DatasetError
from hume_core.observation import Observation
from hume_system2.model import System2
from hume_training.data.branches import Branches, load_branches
from hume_training.evaluation.choice_quality import choice_intervals, choice_quality
from hume_training.evaluation.report import write_report

_BATCH = 32


def run_branch_quality(checkpoint: str, folders: str, json_file: Path | None = None) -> int:
    """Print how good the values are on recorded branches, with 95 % intervals. Returns 0.

    Args:
        checkpoint: folder or hub name.
        folders: of branches, separated by commas. They should be none that the value head learned from.
        json_file: where to write the figures.

    Raises:
        DatasetError: a folder holds no branches, or those of another policy.
        CheckpointError: the checkpoint cannot be loaded.
    """
    torch.set_num_threads(1)
    branches = load_branches(folders)
    values = values_of(System2.from_pretrained(checkpoint), branches)
    known = (values, branches.seconds, branches.kinds)
    figures, intervals = choice_quality(*known), choice_intervals(*known, branches.episodes)
    table = Table(title=f"{len(branches)} states of {len(np.unique(branches.episodes))} episodes")
    for column in ("figure", "value", "95 % interval"):
        table.add_column(column)
    for name, figure in figures.items():
        low, high = intervals[name]
        table.add_row(name, f"{figure:.2f}", f"{low:.2f} to {high:.2f}")
    Console().print(table)
    if json_file is not None:
        content = {name: {"value": figure, "ci95": list(intervals[name])} for name, figure in figures.items()}
        write_report(json_file, {"checkpoint": checkpoint, "branches": folders, "states": len(branches)} | content)
    return 0


@torch.inference_mode()
def values_of(system2: System2, branches: Branches) -> NDArray[np.float32]:
    """Values (S, K) of all chunks, as System 2 has them when it thinks.

    Raises:
        DatasetError: the chunks are not those of this policy.
    """
    check_chunks(system2, branches)
    found = []
    for first in range(0, len(branches), _BATCH):
        part = branches.part(np.arange(first, min(first + _BATCH, len(branches))))
        prefix = system2.embed_prefix(observation_of(part))
        chunks = torch.from_numpy(part.chunks).to(system2.device)
        found.append(system2.value_head(prefix, chunks).float().cpu().numpy())
    return np.concatenate(found)


def observation_of(part: Branches) -> Observation:
    """What the robot saw in the states of branches."""
    images = {key: torch.from_numpy(pixels) for key, pixels in part.images.items()}
    return Observation(images, torch.from_numpy(part.state[:, None]), list(part.tasks))


def check_chunks(system2: System2, branches: Branches) -> None:
    """Refuse chunks of other sizes than the policy's.

    Raises:
        DatasetError: names both.
    """
    wanted = (system2.config.s2_chunk_size, system2.config.max_action_dim)
    if branches.chunks.shape[2:] != wanted:
        raise DatasetError(
            f"the chunks of the branches are {list(branches.chunks.shape[2:])}. Those of the policy are {list(wanted)}"
        )
