"""Reading datasets: every file is checked, every picture decoded once into a cache of plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import DatasetError
from hume_training.data.cache import cached_arrays
from hume_training.data.demonstrations import Demonstrations, joined
from hume_training.data.episodes import EpisodeRows, read_episodes, read_tasks
from hume_training.data.features import TASK
from hume_training.data.hub import dataset_folder
from hume_training.data.info import DatasetInfo, read_info
from hume_training.data.layout import ACTION, ENVIRONMENT, PERTURBED, STATE, SUCCESS

__all__ = ["DatasetInfo", "load_datasets", "load_demonstrations", "read_info"]


def load_datasets(folders: str, largest: tuple[int, int] | None = None) -> Demonstrations:
    """Read one dataset, or several (separated by commas) as one. See `load_demonstrations` and `joined`.

    One that is named several times counts several times, and is held once.
    """
    names = [folder.strip() for folder in folders.split(",")]
    read = {name: load_demonstrations(name, largest) for name in dict.fromkeys(names)}
    return joined([read[name] for name in names]) if len(names) > 1 else read[names[0]]


def load_demonstrations(folder: str | Path, largest: tuple[int, int] | None = None) -> Demonstrations:
    """Read a dataset. The first time it is decoded into `cache/` beside its files.

    Args:
        folder: of the dataset, or its name on the Hugging Face hub.
        largest: (width, height) that larger pictures are shrunk into: what the policy sees. None: as they are stored.

    Raises:
        DatasetError: naming the file, or the episode and the key, that cannot be used.
    """
    root = dataset_folder(folder)
    info = read_info(root)
    episodes = read_episodes(root, info)
    tasks = read_tasks(root, info)
    arrays = cached_arrays(root, info, episodes, largest)
    segments, numbers = _segments(np.asarray(arrays[TASK]), episodes)
    unknown = [number for number in dict.fromkeys(numbers) if number not in tasks]
    if unknown:
        raise DatasetError(f"{root}: no task has the number {unknown[0]}, which a frame names")
    return Demonstrations(
        fps=info.fps,
        images={name: arrays[key] for name, key in info.cameras.items()},
        state=np.array(arrays[STATE]),
        action=np.array(arrays[ACTION]),
        environment=_copied(arrays, ENVIRONMENT),
        perturbed=np.array(arrays[PERTURBED]) if PERTURBED in arrays else np.zeros(info.frames, bool),
        success=_copied(arrays, SUCCESS),
        starts=np.array([episode.first for episode in episodes]),
        lengths=np.array([episode.length for episode in episodes]),
        tasks=[tasks[number] for number in numbers],
        state_names=info.names(STATE),
        action_names=info.names(ACTION),
        segments=segments,
    )


def _copied(arrays: Mapping[str, NDArray[Any]], key: str) -> NDArray[Any] | None:
    return np.array(arrays[key]) if key in arrays else None


def _segments(task_index: NDArray[np.int64], episodes: Sequence[EpisodeRows]) -> tuple[NDArray[np.int64], list[int]]:
    """First frame (S,) of each run of frames of one episode with one task, and the number of that task."""
    begins = np.zeros(len(task_index), bool)
    begins[[episode.first for episode in episodes]] = True
    begins[1:] |= task_index[1:] != task_index[:-1]
    first = np.flatnonzero(begins)
    return first, [int(number) for number in task_index[first]]
