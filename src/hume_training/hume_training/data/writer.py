"""Writing datasets: shards that workers stage in any order, then one pass that numbers and describes them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hume_core.errors import DatasetError
from hume_training.data.description import DatasetDescription, write_description
from hume_training.data.images import encode_png
from hume_training.data.layout import (
    DATA,
    DATA_FILE_SIZE,
    Feature,
    data_schema,
    file_place,
    index_features,
)
from hume_training.data.statistics import FeatureStatistics, episode_statistics, from_json, merged, to_json
from hume_training.data.video_writer import VideoFiles, encode_video

STAGING = "staging"


@dataclass(frozen=True)
class EpisodeData:
    """One recorded episode.

    Attributes:
        columns: by feature key, one row per frame. Images uint8 (T, height, width, 3) RGB.
        task: the instruction.
        seed: of the scene.
        success: whether the task was fulfilled.
    """

    columns: Mapping[str, NDArray[Any]]
    task: str
    seed: int
    success: bool

    @property
    def length(self) -> int:
        """Number of frames."""
        return len(next(iter(self.columns.values())))


def stage_shard(root: Path, number: int, episodes: Sequence[EpisodeData], features: Mapping[str, Feature]) -> None:
    """Write episodes as the n-th shard, atomically. Numbers that span shards are filled in by `finish`.

    Raises:
        DatasetError: a column has rows of another shape, or a video cannot be written.
    """
    folder = root / STAGING
    folder.mkdir(parents=True, exist_ok=True)
    schema = data_schema(features)
    partial = folder / f"shard-{number:05d}.partial"
    rows = []
    with pq.ParquetWriter(partial, schema) as writer:
        for position, episode in enumerate(episodes):
            _check_shapes(episode, features)
            writer.write_table(_table(episode, features, schema))
            for key, feature in features.items():
                if feature.video is not None:
                    encode_video(_staged_video(root, number, position, key), episode.columns[key], feature.video)
            rows.append(_staged_row(episode, features))
    (folder / f"shard-{number:05d}.json").write_text(json.dumps(rows), encoding="utf-8")
    partial.rename(folder / f"shard-{number:05d}.parquet")


def staged_shards(root: Path) -> set[int]:
    """Numbers of the shards that are complete."""
    return {int(path.stem.removeprefix("shard-")) for path in (root / STAGING).glob("shard-*.parquet")}


def _staged_video(root: Path, shard: int, episode: int, key: str) -> Path:
    return root / STAGING / f"shard-{shard:05d}.{episode:05d}.{key}.mp4"


def _staged_row(episode: EpisodeData, features: Mapping[str, Feature]) -> dict[str, Any]:
    statistics = to_json(episode_statistics(episode.columns, features))
    told = {"task": episode.task, "seed": episode.seed, "success": episode.success, "length": episode.length}
    return told | {"statistics": statistics}


def _check_shapes(episode: EpisodeData, features: Mapping[str, Feature]) -> None:
    for key, feature in features.items():
        found = episode.columns[key].shape[1:]
        if found != (feature.shape if feature.shape != (1,) else ()):
            raise DatasetError(f"column '{key}' has rows of shape {found}. Expected {feature.shape}")


def _table(episode: EpisodeData, features: Mapping[str, Feature], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_arrays([_column(episode.columns[key], features[key]) for key in schema.names], schema=schema)


def _column(values: NDArray[Any], feature: Feature) -> pa.Array:
    if feature.dtype == "image":
        return pa.array([{"bytes": encode_png(image), "path": None} for image in values], feature.arrow)
    if feature.shape == (1,):
        return pa.array(values.astype(feature.dtype), feature.arrow)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.astype(feature.dtype).reshape(-1)), feature.shape[0])


@dataclass(frozen=True)
class _StagedEpisode:
    """An episode as `stage_shard` left it."""

    shard: int
    position: int
    table: pa.Table
    told: Mapping[str, Any]

    @property
    def length(self) -> int:
        return int(self.told["length"])


def _staged_episodes(root: Path) -> Iterator[_StagedEpisode]:
    for shard in sorted(staged_shards(root)):
        path = root / STAGING / f"shard-{shard:05d}.json"
        described = json.loads(path.read_text(encoding="utf-8"))
        with pq.ParquetFile(path.with_suffix(".parquet")) as source:
            for position, told in enumerate(described):
                yield _StagedEpisode(shard, position, source.read_row_group(position), told)


class _DataFiles:
    """The data files: episodes end to end, each a row group, a new file where one is full."""

    def __init__(self, root: Path, schema: pa.Schema) -> None:
        self._root, self._schema, self._number = root, schema, -1
        self._writer: pq.ParquetWriter | None = None
        self._path = root

    def append(self, table: pa.Table) -> dict[str, int]:
        """Where it was written."""
        if self._writer is None or self._path.stat().st_size > DATA_FILE_SIZE * 2**20:
            self.close()
            self._number += 1
            self._path = self._root / DATA.format(**file_place(self._number))
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._path, self._schema)
        self._writer.write_table(table)
        return file_place(self._number)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def finish(root: Path, features: Mapping[str, Feature], fps: int, robot_type: str) -> int:
    """Number the staged shards, write the dataset's files and remove the staging folder.

    Returns:
        Number of episodes.

    Raises:
        DatasetError: no episode was staged, or a file cannot be written.
    """
    schema = data_schema({**features, **index_features()})
    files = _DataFiles(root, schema)
    videos = {key: VideoFiles(root, key, fps) for key, feature in features.items() if feature.video is not None}
    tasks: dict[str, int] = {}
    rows: list[dict[str, Any]] = []
    statistics: list[dict[str, FeatureStatistics]] = []
    frames = 0
    for staged in _staged_episodes(root):
        task_index = tasks.setdefault(staged.told["task"], len(tasks))
        numbers = _index_columns(staged.length, fps, len(rows), frames, task_index)
        arrays = [*staged.table.columns, *(pa.array(values) for values in numbers.values())]
        place = files.append(pa.Table.from_arrays(arrays, schema=schema))
        row = _episode_row(len(rows), staged, frames, place)
        for key, camera in videos.items():
            segment = _staged_video(root, staged.shard, staged.position, key)
            row |= camera.append(segment, staged.length).to_row(key)
        statistics.append(from_json(staged.told["statistics"]) | episode_statistics(numbers, index_features()))
        rows.append(row)
        frames += staged.length
    files.close()
    for camera in videos.values():
        camera.close()
    if not rows:
        raise DatasetError(f"{root} has no episode. None was recorded")
    described = DatasetDescription({**features, **index_features()}, fps, robot_type, tasks, rows, statistics)
    write_description(root, described, merged(statistics))
    shutil.rmtree(root / STAGING)
    return len(rows)


def _index_columns(length: int, fps: int, episode: int, first: int, task: int) -> dict[str, NDArray[Any]]:
    frame = np.arange(length, dtype=np.int64)
    return {
        "timestamp": (frame / fps).astype(np.float32),
        "frame_index": frame,
        "episode_index": np.full(length, episode, dtype=np.int64),
        "index": frame + first,
        "task_index": np.full(length, task, dtype=np.int64),
    }


def _episode_row(number: int, staged: _StagedEpisode, first: int, place: Mapping[str, int]) -> dict[str, Any]:
    return {
        "episode_index": number,
        "tasks": [staged.told["task"]],
        "length": staged.length,
        "data/chunk_index": place["chunk_index"],
        "data/file_index": place["file_index"],
        "dataset_from_index": first,
        "dataset_to_index": first + staged.length,
        "meta/episodes/chunk_index": 0,
        "meta/episodes/file_index": 0,
        "seed": staged.told["seed"],
        "success": staged.told["success"],
    }
