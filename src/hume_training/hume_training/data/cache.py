"""The decoded frames of a dataset: plain arrays beside its files, made once and mapped by every training."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import DatasetError
from hume_training.data.array_files import ArrayFile, free_memory, mapped
from hume_training.data.decode import Progress, decode, decoding_bar
from hume_training.data.episodes import EpisodeRows
from hume_training.data.features import Shape
from hume_training.data.info import DatasetInfo
from hume_training.data.tables import inside, row_count

_FOLDER, _PARTIAL, _COMPLETE, _STAMP, _DONE = "cache", "partial", "complete", "stamp", "done"
_VERSION = 2
"""Of the way in which frames are decoded. Caches of another one are made anew."""
_MEMORY_SHARE = 0.6
"""A dataset that takes more than this share of the free memory is read as its frames are asked for."""


def cached_arrays(
    root: Path, info: DatasetInfo, episodes: Sequence[EpisodeRows], largest: tuple[int, int] | None
) -> dict[str, NDArray[Any]]:
    """The dataset's arrays, decoded now where that was not done before.

    Args:
        root: of the dataset.
        info: of the dataset.
        episodes: of the dataset.
        largest: (width, height) that larger pictures are shrunk into. None: as they are stored.

    Raises:
        DatasetError: the disk is full or cannot be written, or a file of the dataset cannot be read.
    """
    name = _FOLDER if info.sizes(largest) == info.sizes(None) else f"{_FOLDER}_{largest[0]}x{largest[1]}"  # type: ignore[index]
    folder = root / name
    if folder.is_symlink():
        raise DatasetError(f"{folder} is a link. Remove it, since a dataset is decoded into its own folder")
    wanted, stamp = info.decoded(largest), _stamp(root, episodes)
    arrays = _complete(folder, wanted, stamp)
    if arrays is not None:
        return arrays
    _check_rows(root, info, episodes)
    try:
        with _locked(root):
            if _complete(folder, wanted, stamp) is None:  # else another process has decoded it meanwhile
                _make(root, folder, info, episodes, largest, stamp)
    except OSError as error:
        raise DatasetError(_unwritable(folder, error)) from error
    arrays = _complete(folder, wanted, stamp)
    if arrays is None:
        raise DatasetError(f"{folder} cannot be used. Remove it")
    return arrays


def _unwritable(folder: Path, error: OSError) -> str:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    what = "the disk is full" if full else str(error)
    return f"{folder} cannot be written: {what}. Copy the dataset to where there is room, or make room and start again"


def _stamp(root: Path, episodes: Sequence[EpisodeRows]) -> str:
    """What a cache is made of: every file with its size and the time of its last change."""
    names = {episode.file for episode in episodes} | {
        part.file for episode in episodes for part in episode.videos.values()
    }
    files = [root / name for name in sorted(names)]
    files += sorted(path for path in (root / "meta").rglob("*") if path.suffix in (".json", ".jsonl", ".parquet"))
    found: list[int | str] = [_VERSION]
    for path in files:
        with suppress(OSError):  # a missing file is refused where it is read
            state = path.stat()
            found += [str(path.relative_to(root)), state.st_size, state.st_mtime_ns]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def _complete(folder: Path, wanted: Mapping[str, tuple[str, Shape]], stamp: str) -> dict[str, NDArray[Any]] | None:
    """The arrays. None where there are none, or others than the dataset needs."""
    paths = {key: folder / f"{key}.npy" for key in wanted}
    try:
        if (folder / _COMPLETE).read_text(encoding="utf-8") != stamp:
            return None
        fits = sum(path.stat().st_size for path in paths.values()) <= _MEMORY_SHARE * free_memory()
        arrays = {key: mapped(path, in_memory=fits) for key, path in paths.items()}
    except (OSError, ValueError, EOFError):
        return None
    found = {key: (array.dtype.name, array.shape) for key, array in arrays.items()}
    return arrays if found == wanted else None


def _check_rows(root: Path, info: DatasetInfo, episodes: Sequence[EpisodeRows]) -> None:
    """Refuse frames that are not there, before room is taken for them."""
    there = sum(row_count(inside(root, name)) for name in {episode.file for episode in episodes})
    if there < info.frames:
        raise DatasetError(f"{root}: the data files have {there} frames, but info.json says {info.frames}")


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Let one process at a time decode a dataset. Where the file system knows no locks, they do not wait."""
    file = os.open(root, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _make(
    root: Path,
    folder: Path,
    info: DatasetInfo,
    episodes: Sequence[EpisodeRows],
    largest: tuple[int, int] | None,
    stamp: str,
) -> None:
    """Decode the dataset. Processes that have the old files mapped keep them."""
    partial = folder.with_name(f"{folder.name}.{_PARTIAL}")
    wanted = info.decoded(largest)
    _prepare(partial, wanted, stamp)
    with ExitStack() as stack:
        arrays = {
            key: stack.enter_context(ArrayFile(partial / f"{key}.npy", kind, shape))
            for key, (kind, shape) in wanted.items()
        }
        progress = stack.enter_context(_Journal(partial / _DONE, arrays))
        bar = stack.enter_context(decoding_bar(root, info))
        decode(root, info, episodes, info.sizes(largest), arrays, progress, bar)
    folder.mkdir(exist_ok=True)
    (folder / _COMPLETE).unlink(missing_ok=True)
    for key in wanted:
        (partial / f"{key}.npy").replace(folder / f"{key}.npy")
    shutil.rmtree(partial)
    (folder / _COMPLETE).write_text(stamp, encoding="utf-8")


def _prepare(partial: Path, wanted: Mapping[str, tuple[str, Shape]], stamp: str) -> None:
    """Files of the right sizes: those of an interrupted run, or new ones.

    Raises:
        DatasetError: the disk has no room for them.
    """
    if partial.is_symlink():
        raise DatasetError(f"{partial} is a link. Remove it, since a dataset is decoded into its own folder")
    with suppress(OSError):
        if (partial / _STAMP).read_text(encoding="utf-8") == stamp:
            return
    shutil.rmtree(partial, ignore_errors=True)
    needed = sum(np.dtype(kind).itemsize * math.prod(shape) for kind, shape in wanted.values())
    room = shutil.disk_usage(partial.parent).free
    if needed > room:
        raise DatasetError(
            f"{partial.parent} decodes to {needed} bytes, but the disk has room for {room}. Copy the dataset to where "
            "there is room, or make room and start again"
        )
    partial.mkdir()
    for key, (kind, shape) in wanted.items():
        ArrayFile(partial / f"{key}.npy", kind, shape).close()
    (partial / _STAMP).write_text(stamp, encoding="utf-8")


class _Journal(Progress):
    """Which parts are decoded, in a file: a run that was interrupted goes on after the last of them."""

    _BETWEEN = 256 * 1024**2
    """Bytes after which the disk gets what was decoded."""

    def __init__(self, path: Path, arrays: Mapping[str, ArrayFile]) -> None:
        self._path, self._arrays = path, arrays
        self._known = set(path.read_text(encoding="utf-8").splitlines()) if path.exists() else set()
        self._new: list[str] = []
        self._size = 0

    def __contains__(self, part: object) -> bool:
        return part in self._known

    def add(self, part: str, size: int) -> None:
        self._new.append(part)
        self._size += size
        if self._size > self._BETWEEN:
            self._write()

    def _write(self) -> None:
        for array in self._arrays.values():
            array.sync()
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{part}\n" for part in self._new))
        self._new, self._size = [], 0

    def __enter__(self) -> _Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._write()
