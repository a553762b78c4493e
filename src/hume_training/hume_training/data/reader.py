"""Reading datasets: every file is checked, every image decoded once into a cache of plain arrays."""

from __future__ import annotations

import json
import math
import mmap
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import DatasetError
from hume_training.data.demonstrations import Demonstrations, joined
from hume_training.data.info import DatasetInfo, read_info
from hume_training.data.layout import ACTION, ENVIRONMENT, IMAGE_PREFIX, INFO, PERTURBED, STATE, SUCCESS, TASKS
from hume_training.data.tables import Table, fill, inside, row_count

__all__ = ["DatasetInfo", "free_memory", "load_datasets", "load_demonstrations", "read_info"]

_CACHE, _COMPLETE = "cache", "complete"
_MEMORY_SHARE = 0.6
"""A dataset that takes more than this share of the free memory is read as its frames are asked for."""


def load_datasets(folders: str) -> Demonstrations:
    """Read one dataset, or several (separated by commas) as one. See `load_demonstrations` and `joined`.

    One that is named several times counts several times, and is held once.
    """
    names = [folder.strip() for folder in folders.split(",")]
    read = {name: load_demonstrations(name) for name in dict.fromkeys(names)}
    return joined([read[name] for name in names]) if len(names) > 1 else read[names[0]]


def load_demonstrations(folder: str | Path) -> Demonstrations:
    """Read a dataset. The first time it is decoded into `cache/` beside its files.

    Raises:
        DatasetError: naming the episode and the key that cannot be used.
    """
    root = Path(folder)
    info = read_info(root)
    episodes = _read_episodes(root, info)
    tasks = _read_tasks(root)
    arrays = _cached_arrays(root, info)
    if arrays is None:
        _make_cache(root, info, episodes)
        arrays = _cached_arrays(root, info)
    if arrays is None:
        raise DatasetError(f"{root / _CACHE} cannot be used; remove it")
    task_index = np.asarray(arrays["task_index"])
    starts = np.array([episode.first for episode in episodes])
    unknown = [int(i) for i in np.unique(task_index[starts]) if int(i) not in tasks]
    if unknown:
        raise DatasetError(f"{root / TASKS} has no task {unknown[0]}, which an episode names")
    return Demonstrations(
        fps=info.fps,
        images={key: arrays[f"{IMAGE_PREFIX}{key}"] for key in info.cameras},
        state=np.array(arrays[STATE]),
        action=np.array(arrays[ACTION]),
        environment=np.array(arrays[ENVIRONMENT]) if ENVIRONMENT in arrays else None,
        perturbed=np.array(arrays[PERTURBED]) if PERTURBED in arrays else np.zeros(info.frames, bool),
        success=np.array(arrays[SUCCESS]) if SUCCESS in arrays else None,
        starts=starts,
        lengths=np.array([episode.length for episode in episodes]),
        tasks=[tasks[int(task_index[start])] for start in starts],
        state_names=info.names[STATE],
        action_names=info.names[ACTION],
    )


def _stamp(root: Path, info: DatasetInfo) -> str:
    """What a cache was made from."""
    return json.dumps([info.frames, info.episodes, (root / INFO).stat().st_mtime_ns])


def _cached_arrays(root: Path, info: DatasetInfo) -> dict[str, NDArray[Any]] | None:
    """The decoded arrays. None where there are none, or others than the dataset needs."""
    cache = root / _CACHE
    if cache.is_symlink():
        raise DatasetError(f"{cache} is a link; remove it, since a dataset is decoded into its own folder")
    paths = {key: cache / f"{key}.npy" for key in info.decoded}
    try:
        if (cache / _COMPLETE).read_text(encoding="utf-8") != _stamp(root, info):
            return None
        fits = sum(path.stat().st_size for path in paths.values()) <= _MEMORY_SHARE * free_memory()
        arrays = {key: _mapped(path, in_memory=fits) for key, path in paths.items()}
    except (OSError, ValueError, EOFError):
        return None
    found = {key: (array.dtype.name, array.shape) for key, array in arrays.items()}
    return arrays if found == info.decoded else None


def _make_cache(root: Path, info: DatasetInfo, episodes: list[_EpisodeRows]) -> None:
    """Decode the dataset. Processes that have the old files mapped keep them."""
    cache = root / _CACHE
    _check_room(root, info, episodes)
    try:
        with tempfile.TemporaryDirectory(prefix=f"{_CACHE}.", dir=root) as partial:
            _decode(root, info, episodes, Path(partial))
            cache.mkdir(exist_ok=True)
            for path in Path(partial).iterdir():
                path.replace(cache / path.name)
        (cache / _COMPLETE).write_text(_stamp(root, info), encoding="utf-8")
    except OSError as error:
        raise DatasetError(f"{cache} cannot be written: {error}; copy the dataset to where there is room") from error


def _check_room(root: Path, info: DatasetInfo, episodes: list[_EpisodeRows]) -> None:
    """Refuse frames that are not there and arrays that the disk cannot hold, before a file is made."""
    files = {(episode.chunk, episode.file) for episode in episodes}
    there = sum(row_count(inside(root, info.data_file(*place))) for place in files)
    if there < info.frames:
        raise DatasetError(f"{root}: the data files have {there} frames; info.json says {info.frames}")
    needed = sum(np.dtype(kind).itemsize * math.prod(shape) for kind, shape in info.decoded.values())
    room = shutil.disk_usage(root).free
    if needed > room:
        raise DatasetError(f"{root} decodes to {needed} bytes; the disk has room for {room}")


def free_memory() -> float:
    """Bytes that can be used without swapping. 0 where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable")), 0.0)


def _mapped(path: Path, in_memory: bool) -> NDArray[Any]:
    """Array of a file, read-only. All processes that map it share its memory.

    Args:
        path: of an .npy file.
        in_memory: read it whole now: single frames from a disk take several times a small model's step.
    """
    array: NDArray[Any] = np.load(path, mmap_mode="r")
    if not in_memory:
        return array
    begin = path.stat().st_size - array.nbytes
    with path.open("rb") as file:
        pages = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE, prot=mmap.PROT_READ)
    return np.frombuffer(pages, array.dtype, array.size, begin).reshape(array.shape)


@dataclass(frozen=True)
class _EpisodeRows:
    """Where the frames of an episode lie: `length` from frame `first` of the dataset, in a data file."""

    number: int
    length: int
    first: int
    end: int
    chunk: int
    file: int


_EPISODE_COLUMNS = (
    "episode_index", "length", "dataset_from_index", "dataset_to_index", "data/chunk_index", "data/file_index",
)  # fmt: skip


def _read_episodes(root: Path, info: DatasetInfo) -> list[_EpisodeRows]:
    rows: list[_EpisodeRows] = []
    for path in sorted((root / "meta" / "episodes").glob("*/*.parquet")):
        table = Table(inside(root, str(path.relative_to(root))), _EPISODE_COLUMNS)
        rows += [_EpisodeRows(*row) for row in zip(*map(table.integers, _EPISODE_COLUMNS), strict=True)]
    if len(rows) != info.episodes or not rows:
        raise DatasetError(f"{root}: {len(rows)} episodes are described; info.json says {info.episodes}")
    first = 0
    for row in rows:
        if row.length < 1:
            raise DatasetError(f"episode {row.number} is empty; remove it from the dataset")
        if row.first != first or row.end != first + row.length:
            raise DatasetError(f"episode {row.number}: its frames do not follow those before it")
        if row.chunk < 0 or row.file < 0:
            raise DatasetError(f"episode {row.number}: its data file has the indices {row.chunk} and {row.file}")
        first += row.length
    if first != info.frames:
        raise DatasetError(f"{root}: the episodes have {first} frames; info.json says {info.frames}")
    return rows


def _read_tasks(root: Path) -> dict[int, str]:
    table = Table(inside(root, TASKS))
    names = [name for name in table.columns if name != "task_index"]
    if "task_index" not in table.columns or len(names) != 1:
        raise DatasetError(f"{root / TASKS} must hold 'task_index' and the sentences")
    return dict(zip(table.integers("task_index"), table.texts(names[0]), strict=True))


def _decode(root: Path, info: DatasetInfo, episodes: list[_EpisodeRows], cache: Path) -> None:
    """Write one array file per key."""
    arrays: dict[str, NDArray[Any]] = {
        key: np.lib.format.open_memmap(cache / f"{key}.npy", "w+", kind, shape)
        for key, (kind, shape) in info.decoded.items()
    }
    wanted, table, begin = "", None, 0
    for episode in episodes:
        if info.data_file(episode.chunk, episode.file) != wanted:
            wanted, begin = info.data_file(episode.chunk, episode.file), episode.first
            table = Table(inside(root, wanted), list(info.decoded))
        assert table is not None
        rows = table.rows(episode.first - begin, episode.length)
        if len(rows) != episode.length:
            raise DatasetError(
                f"episode {episode.number} has {len(rows)} frames; its description says {episode.length}"
            )
        fill(arrays, rows, episode.first, f"episode {episode.number}")
    for array in arrays.values():
        array.flush()  # type: ignore[attr-defined]
