"""The description of a written dataset: `meta/` and its card."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hume_training.data.layout import (
    CARD,
    CHUNK_SIZE,
    DATA,
    DATA_FILE_SIZE,
    EPISODES,
    INFO,
    STATS,
    TASKS,
    VERSION,
    VIDEO,
    VIDEO_FILE_SIZE,
    Feature,
)
from hume_training.data.statistics import FeatureStatistics, to_json


@dataclass(frozen=True)
class DatasetDescription:
    """What the files in `meta/` say.

    Attributes:
        features: every column.
        fps: frames per second.
        robot_type: name of the robot.
        tasks: instruction -> its number.
        episodes: a row for each episode, without its statistics.
        statistics: of each episode.
    """

    features: Mapping[str, Feature]
    fps: int
    robot_type: str
    tasks: Mapping[str, int]
    episodes: Sequence[Mapping[str, Any]]
    statistics: Sequence[Mapping[str, FeatureStatistics]]

    @property
    def frames(self) -> int:
        """Of all episodes."""
        return sum(int(episode["length"]) for episode in self.episodes)

    def info(self) -> dict[str, Any]:
        """Content of `meta/info.json`."""
        videos = any(feature.video is not None for feature in self.features.values())
        return {
            "codebase_version": VERSION,
            "robot_type": self.robot_type,
            "total_episodes": len(self.episodes),
            "total_frames": self.frames,
            "total_tasks": len(self.tasks),
            "chunks_size": CHUNK_SIZE,
            "data_files_size_in_mb": DATA_FILE_SIZE,
            "video_files_size_in_mb": VIDEO_FILE_SIZE,
            "fps": self.fps,
            "splits": {"train": f"0:{len(self.episodes)}"},
            "data_path": DATA,
            "video_path": VIDEO if videos else None,
            "features": {key: feature.to_json() for key, feature in self.features.items()},
        }


def write_description(root: Path, description: DatasetDescription, statistics: Mapping[str, FeatureStatistics]) -> None:
    """Write `meta/` and the card. `info.json` comes last: with it the dataset is complete.

    Args:
        root: of the dataset.
        description: what to write.
        statistics: of all episodes together.
    """
    episodes = root / EPISODES.format(chunk_index=0, file_index=0)
    episodes.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(_rows(description)), episodes)
    _write_tasks(root / TASKS, description.tasks)
    (root / STATS).write_text(json.dumps(to_json(statistics), indent=1), encoding="utf-8")
    (root / CARD).write_text(_card(description), encoding="utf-8")
    partial = root / f"{INFO}.partial"
    partial.write_text(json.dumps(description.info(), indent=4) + "\n", encoding="utf-8")
    partial.rename(root / INFO)


def _rows(description: DatasetDescription) -> list[dict[str, Any]]:
    """The episodes with the statistics of each, by which LeRobot's tools describe what they make of them."""
    return [
        {
            **episode,
            **{
                f"stats/{key}/{name}": values
                for key, by_name in to_json(found).items()
                for name, values in by_name.items()
            },
        }
        for episode, found in zip(description.episodes, description.statistics, strict=True)
    ]


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


_HEAD = """\
---
task_categories:
- robotics
tags:
- LeRobot
configs:
- config_name: default
  data_files: data/*/*.parquet
---
"""


def _card(description: DatasetDescription) -> str:
    """The page that the hub shows. What only people know, such as the licence, they add."""
    seconds = description.frames / description.fps
    lines = [
        f"# Demonstrations of {description.robot_type}",
        "",
        f"In [LeRobot](https://github.com/huggingface/lerobot) format {VERSION}, written by the Hume robot stack.",
        "",
        "| what | value |",
        "| --- | --- |",
        f"| robot | {_cell(description.robot_type)} |",
        f"| episodes | {len(description.episodes)} |",
        f"| frames | {description.frames} ({seconds:.0f} s at {description.fps} per second) |",
        "",
        "| column | type | shape | numbers |",
        "| --- | --- | --- | --- |",
    ]
    for key, feature in description.features.items():
        names = "" if feature.names is None else ", ".join(feature.names)
        lines.append(f"| `{key}` | {feature.dtype} | {'x'.join(map(str, feature.shape))} | {_cell(names)} |")
    lines += ["", "| instruction | episodes |", "| --- | --- |"]
    counts = dict.fromkeys(description.tasks, 0)
    for episode in description.episodes:
        for task in episode["tasks"]:
            counts[task] += 1
    lines += [f"| {_cell(task)} | {count} |" for task, count in counts.items()]
    return _HEAD + "\n" + "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """A text within a table."""
    return " ".join(text.split()).replace("|", "\\|")
