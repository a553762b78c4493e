"""What LeRobot itself does to a dataset. Run by a Python that has it, as `test_training_lerobot.py` asks for.

python lerobot_tools.py COMMAND '{"argument": value}'
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from lerobot.configs.video import RGBEncoderConfig
from lerobot.datasets.compute_stats import compute_episode_stats
from lerobot.datasets.dataset_tools import (
    convert_image_to_video_dataset,
    delete_episodes,
    merge_datasets,
    split_dataset,
)
from lerobot.datasets.lerobot_dataset import LeRobotDataset


def opened(root: str) -> LeRobotDataset:
    return LeRobotDataset("owner/data", root=root)


def read(root: str, output: str) -> None:
    """Every frame, in one .npz file: pictures uint8 (F, height, width, 3), numbers, and the sentences."""
    dataset = opened(root)
    found: dict[str, list[Any]] = {}
    for number in range(len(dataset)):
        for key, value in dataset[number].items():
            if isinstance(value, str):
                found.setdefault(key, []).append(value)
            elif value.ndim == 3:
                found.setdefault(key, []).append(np.round(255.0 * value.numpy()).astype(np.uint8).transpose(1, 2, 0))
            else:
                found.setdefault(key, []).append(value.numpy())
    np.savez(output, **{key: np.stack(values) if key != "task" else np.array(values) for key, values in found.items()})


def delete(root: str, episodes: list[int], output: str) -> None:
    delete_episodes(opened(root), episodes, output_dir=output, repo_id="owner/less")


def split(root: str, splits: dict[str, list[int]], output: str) -> None:
    split_dataset(opened(root), splits, output_dir=output)


def merge(roots: list[str], output: str) -> None:
    merge_datasets([opened(root) for root in roots], output_repo_id="owner/merged", output_dir=output)


def to_video(root: str, output: str) -> None:
    convert_image_to_video_dataset(opened(root), output_dir=Path(output), repo_id="owner/video")


def append(root: str, frames: str) -> None:
    """Go on recording: the frames of an .npz file are one more episode."""
    dataset = LeRobotDataset.resume("owner/data", root=root)
    _record(dataset, dict(np.load(frames)), ["append"])


def write(root: str, frames: str, fps: int, codec: str, features: dict[str, Any], tasks: list[list[str]]) -> None:
    """A new dataset: the frames of an .npz file, an episode for each list of sentences, one a frame."""
    encoder = RGBEncoderConfig(vcodec=codec) if codec else None
    dataset = LeRobotDataset.create(
        "owner/data", fps, features, root=root, robot_type="some_robot", use_videos=bool(codec), rgb_encoder=encoder
    )
    first = 0
    columns = dict(np.load(frames))
    for sentences in tasks:
        rows = {key: values[first : first + len(sentences)] for key, values in columns.items()}
        _add(dataset, rows, sentences)
        first += len(sentences)
    dataset.finalize()


def _record(dataset: LeRobotDataset, columns: dict[str, Any], sentences: list[str]) -> None:
    length = len(next(iter(columns.values())))
    _add(dataset, columns, sentences * length)
    dataset.finalize()


def _add(dataset: LeRobotDataset, columns: dict[str, Any], sentences: list[str]) -> None:
    for row, sentence in enumerate(sentences):
        frame = {key: values[row] for key, values in columns.items()}
        dataset.add_frame({key: np.atleast_1d(value) for key, value in frame.items()} | {"task": sentence})
    dataset.save_episode(parallel_encoding=False)


def statistics(numbers: str, output: str) -> None:
    """Statistics of an episode's numbers (T, n)."""
    columns = dict(np.load(numbers))
    features = {key: {"dtype": "float32", "shape": values.shape[1:]} for key, values in columns.items()}
    found = compute_episode_stats(columns, features)
    content = {key: {name: value.tolist() for name, value in by_name.items()} for key, by_name in found.items()}
    Path(output).write_text(json.dumps(content), encoding="utf-8")


COMMANDS = {command.__name__: command for command in (read, delete, split, merge, to_video, append, write, statistics)}


if __name__ == "__main__":
    COMMANDS[sys.argv[1]](**json.loads(sys.argv[2]))
