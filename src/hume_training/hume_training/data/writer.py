"""Writing datasets: shards that workers stage in any order, then one pass that numbers and describes them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hume_core.errors import DatasetError
from hume_training.data.images import encode_png
from hume_training.data.layout import (
    CHUNK_SIZE,
    DATA,
    EPISODES,
    INFO,
    STATS,
    TASKS,
    VERSION,
    Feature,
    data_schema,
    file_place,
    with_index_features,
)
from hume_training.data.statistics import Statistics

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
    """Write episodes as the n-th shard, atomically. Numbers that span shards are filled in by `finish`."""
    folder = root / STAGING
    folder.mkdir(parents=True, exist_ok=True)
    schema = pa.schema([pa.field(key, feature.arrow) for key, feature in features.items()])
    partial = folder / f"shard-{number:05d}.partial"
    with pq.ParquetWriter(partial, schema) as writer:
        for episode in episodes:
            writer.write_table(_table(episode, features, schema))
    rows = [
        {"task": episode.task, "seed": episode.seed, "success": episode.success, "length": episode.length}
        for episode in episodes
    ]
    (folder / f"shard-{number:05d}.json").write_text(json.dumps(rows), encoding="utf-8")
    partial.rename(folder / f"shard-{number:05d}.parquet")


def staged_shards(root: Path) -> set[int]:
    """Numbers of the shards that are complete."""
    return {int(path.stem.removeprefix("shard-")) for path in (root / STAGING).glob("shard-*.parquet")}


def _table(episode: EpisodeData, features: Mapping[str, Feature], schema: pa.Schema) -> pa.Table:
    columns = []
    for key, feature in features.items():
        values = episode.columns[key]
        if values.shape[1:] != (feature.shape if feature.shape != (1,) else ()):
            raise DatasetError(f"column '{key}' has rows of shape {values.shape[1:]}; expected {feature.shape}")
        columns.append(_column(values, feature))
    return pa.Table.from_arrays(columns, schema=schema)


def _column(values: NDArray[Any], feature: Feature) -> pa.Array:
    if feature.dtype == "image":
        return pa.array([{"bytes": encode_png(image), "path": None} for image in values], feature.arrow)
    if feature.shape == (1,):
        return pa.array(values.astype(feature.dtype), feature.arrow)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.astype(feature.dtype).reshape(-1)), feature.shape[0])


def finish(root: Path, features: Mapping[str, Feature], fps: int, robot_type: str) -> int:
    """Number the staged shards, write the dataset's files and remove the staging folder.

    Returns:
        Number of episodes.

    Raises:
        DatasetError: no episode was staged.
    """
    every = with_index_features(features)
    schema = data_schema(every)
    tasks: dict[str, int] = {}
    rows: list[dict[str, Any]] = []
    statistics = Statistics(every)
    frames = 0
    for file_number, shard in enumerate(sorted(staged_shards(root))):
        place = file_place(file_number)
        path = root / DATA.format(**place)
        path.parent.mkdir(parents=True, exist_ok=True)
        source = pq.ParquetFile(root / STAGING / f"shard-{shard:05d}.parquet")
        described = json.loads((root / STAGING / f"shard-{shard:05d}.json").read_text(encoding="utf-8"))
        with pq.ParquetWriter(path, schema) as writer:
            for group, episode in enumerate(described):
                task_index = tasks.setdefault(episode["task"], len(tasks))
                numbers = _index_columns(episode["length"], fps, len(rows), frames, task_index)
                table = source.read_row_group(group)
                arrays = [*table.columns, *(pa.array(values) for values in numbers.values())]
                table = pa.Table.from_arrays(arrays, schema=schema)
                statistics.add(table)
                writer.write_table(table)
                rows.append(_episode_row(len(rows), episode, frames, place))
                frames += episode["length"]
    if not rows:
        raise DatasetError(f"{root} has no episode; none was recorded")
    _write_meta(root, every, fps, robot_type, tasks, rows, frames, statistics)
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


def _episode_row(number: int, episode: Mapping[str, Any], first: int, place: Mapping[str, int]) -> dict[str, Any]:
    return {
        "episode_index": number,
        "tasks": [episode["task"]],
        "length": episode["length"],
        "data/chunk_index": place["chunk_index"],
        "data/file_index": place["file_index"],
        "dataset_from_index": first,
        "dataset_to_index": first + episode["length"],
        "meta/episodes/chunk_index": 0,
        "meta/episodes/file_index": 0,
        "seed": episode["seed"],
        "success": episode["success"],
    }


def _write_meta(
    root: Path,
    features: Mapping[str, Feature],
    fps: int,
    robot_type: str,
    tasks: Mapping[str, int],
    rows: list[dict[str, Any]],
    frames: int,
    statistics: Statistics,
) -> None:
    episodes = root / EPISODES.format(chunk_index=0, file_index=0)
    episodes.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), episodes)
    _write_tasks(root / TASKS, tasks)
    info = {
        "codebase_version": VERSION,
        "robot_type": robot_type,
        "total_episodes": len(rows),
        "total_frames": frames,
        "total_tasks": len(tasks),
        "chunks_size": CHUNK_SIZE,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": fps,
        "splits": {"train": f"0:{len(rows)}"},
        "data_path": DATA,
        "video_path": None,
        "features": {key: feature.to_json() for key, feature in features.items()},
    }
    (root / STATS).write_text(json.dumps(statistics.to_json(), indent=1), encoding="utf-8")
    (root / INFO).write_text(json.dumps(info, indent=4) + "\n", encoding="utf-8")


def _write_tasks(path: Path, tasks: Mapping[str, int]) -> None:
    """The table that `pandas` reads with the sentence as its index."""
    table = pa.table({"task_index": pa.array(tasks.values(), pa.int64()), "task": pa.array(tasks.keys())})
    column = {"field_name": "task_index", "name": "task_index", "numpy_type": "int64", "pandas_type": "int64"}
    index = {"field_name": "task", "name": "task", "numpy_type": "object", "pandas_type": "unicode"}
    described = {
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": [column | {"metadata": None}, index | {"metadata": None}],
    }
    pq.write_table(table.replace_schema_metadata({"pandas": json.dumps(described)}), path)
