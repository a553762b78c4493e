"""Decoding a dataset: parquet columns, images and videos into arrays, a part at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from hume_core.errors import DatasetError
from hume_training.data.array_files import ArrayFile
from hume_training.data.episodes import EpisodeRows
from hume_training.data.features import TIMESTAMP, Shape, decoded_columns
from hume_training.data.info import DatasetInfo
from hume_training.data.tables import Table, column_values, inside
from hume_training.data.video_reader import video_frames

_ROWS = 64
"""Frames that are held in memory at once."""

Sizes = Mapping[str, tuple[int, int]]
"""(height, width) of the pictures of a camera, by its key."""


class Progress(Protocol):
    """Which parts of a dataset are decoded."""

    def __contains__(self, part: object) -> bool: ...

    def add(self, part: str, size: int) -> None:
        """A part is decoded, of so many bytes."""


@contextmanager
def decoding_bar(root: Path, info: DatasetInfo) -> Iterator[Callable[[int], None]]:
    """A progress bar on the terminal, in pictures. It is called with the number of those that are done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ProgressBar(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"decoding {root.name}", total=info.frames * len(info.cameras))
        yield lambda count: progress.advance(bar, count)


def decode(
    root: Path,
    info: DatasetInfo,
    episodes: Sequence[EpisodeRows],
    sizes: Sizes,
    arrays: Mapping[str, ArrayFile],
    progress: Progress,
    bar: Callable[[int], None],
) -> None:
    """Write every frame into the arrays.

    Args:
        root: of the dataset.
        info: of the dataset.
        episodes: of the dataset.
        sizes: of the pictures as they are kept.
        arrays: by key.
        progress: what is decoded already.
        bar: told how many pictures were decoded.

    Raises:
        DatasetError: naming the file, or the episode and the key, and what is wrong with it.
        OSError: the arrays cannot be written.
    """
    columns = decoded_columns(info.features, sizes)
    stored = {key: columns[key] for key in columns if key not in info.videos}
    images = {key: size for key, size in info.sizes(None).items() if key in stored}
    tables = _Tables(root, list(stored))
    for episode in episodes:
        part = f"rows {episode.first}"
        if part not in progress:
            size = _decode_rows(tables.rows(episode), episode, stored, images, arrays)
            progress.add(part, size)
        bar(episode.length * len(images))
    tables = _Tables(root, [TIMESTAMP])
    for key in info.videos:
        for episode in episodes:
            part = f"{key} {episode.first}"
            if part not in progress:
                times = _times(tables.rows(episode), episode, key)
                path = inside(root, episode.videos[key].file)
                pictures = video_frames(path, times, info.sizes(None)[key], sizes[key])
                progress.add(part, _write(arrays[key], episode, pictures))
            bar(episode.length)


class _Tables:
    """The rows of episodes. The file of the last one stays open."""

    def __init__(self, root: Path, columns: Sequence[str]) -> None:
        self._root, self._columns = root, columns
        self._name = ""
        self._table: Table | None = None

    def rows(self, episode: EpisodeRows) -> Any:
        """Rows of one episode, as an Arrow table.

        Raises:
            DatasetError: there are less than its description says.
        """
        if episode.file != self._name or self._table is None:
            self._name, self._table = episode.file, Table(inside(self._root, episode.file), self._columns)
        rows = self._table.rows(episode.row, episode.length)
        if len(rows) != episode.length:
            raise DatasetError(
                f"episode {episode.number} has {len(rows)} frames, but its description says {episode.length}"
            )
        return rows


def _decode_rows(
    rows: Any,
    episode: EpisodeRows,
    columns: Mapping[str, tuple[str, Shape]],
    images: Sizes,
    arrays: Mapping[str, ArrayFile],
) -> int:
    """Columns of an episode, a few rows at a time. Returns their bytes."""
    size = 0
    for begin in range(0, episode.length, _ROWS):
        part = rows.slice(begin, _ROWS)
        for key, values in column_values(part, columns, images, f"episode {episode.number}", begin):
            arrays[key].write(episode.first + begin, values)
            size += values.nbytes
    return size


def _times(rows: Any, episode: EpisodeRows, key: str) -> NDArray[np.float64]:
    """Times (T,) of an episode's frames in its video, s."""
    found = dict(column_values(rows, {TIMESTAMP: ("float64", ())}, {}, f"episode {episode.number}"))
    times: NDArray[np.float64] = episode.videos[key].begin + found[TIMESTAMP]
    if (np.diff(times) < 0.0).any():
        raise DatasetError(f"episode {episode.number}: its timestamps go back. Remove the episode from the dataset")
    return times


def _write(array: ArrayFile, episode: EpisodeRows, pictures: Iterator[NDArray[np.uint8]]) -> int:
    """Pictures of an episode, a few at a time. Returns their bytes."""
    first, size = episode.first, 0
    waiting: list[NDArray[np.uint8]] = []
    for picture in pictures:
        waiting.append(picture)
        if len(waiting) == _ROWS:
            array.write(first, np.stack(waiting))
            first, size, waiting = first + len(waiting), size + len(waiting) * picture.nbytes, []
    if waiting:
        array.write(first, np.stack(waiting))
        size += len(waiting) * waiting[0].nbytes
    return size
