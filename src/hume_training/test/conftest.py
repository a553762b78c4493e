"""A small dataset: real demonstrations of two tasks, recorded once per test run."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hume_training.collect.plan import plan_episodes
from hume_training.collect.recorder import RATE, Recorder, RecorderOptions, demonstration_features
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.layout import ACTION, IMAGE_PREFIX, INFO, STATE, SUCCESS, Feature
from hume_training.data.reader import load_demonstrations
from hume_training.data.video_format import VideoFormat
from hume_training.data.writer import EpisodeData, finish, stage_shard


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def episodes() -> list[EpisodeData]:
    recorder = Recorder(RecorderOptions(burst_rate=0.05))
    planned = plan_episodes(("lift", "stack"), 2, seed=3, paired=True)
    recorded = [recorder.record(item) for item in planned]
    recorder.close()
    return recorded


@pytest.fixture(scope="session")
def dataset(episodes: list[EpisodeData], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("dataset")
    features = demonstration_features(RecorderOptions(images=True))
    stage_shard(root, 1, episodes[3:], features)
    stage_shard(root, 0, episodes[:3], features)
    assert finish(root, features, RATE, "wx250s_sim") == 4
    return root


@pytest.fixture(scope="session")
def data(dataset: Path) -> Demonstrations:
    return load_demonstrations(dataset)


@pytest.fixture(scope="session")
def write_dataset() -> Callable[..., Path]:
    """Writes a dataset of any robot; see `_write_dataset`."""
    return _write_dataset


def _write_dataset(
    root: Path, actions: Sequence[np.ndarray], states: Sequence[np.ndarray], names: dict[str, Any], fps: int = 20
) -> Path:
    """A dataset with a camera of 16x16 pixels.

    Args:
        root: of the dataset.
        actions, states: (T, a) and (T, s) of each episode.
        names: "action" and "observation.state" -> `names` of `info.json`, in any form; or left out.
        fps: frames per second.
    """
    features = {
        f"{IMAGE_PREFIX}image": Feature("image", (16, 16, 3), ("height", "width", "channels")),
        STATE: Feature("float32", (states[0].shape[1],)),
        ACTION: Feature("float32", (actions[0].shape[1],)),
        SUCCESS: Feature("bool", (1,)),
    }
    episodes = []
    for number, (action, state) in enumerate(zip(actions, states, strict=True)):
        pixels = np.random.default_rng(number).integers(0, 255, (len(action), 16, 16, 3), dtype=np.uint8)
        columns = {f"{IMAGE_PREFIX}image": pixels, STATE: state.astype(np.float32), ACTION: action.astype(np.float32)}
        columns[SUCCESS] = np.arange(len(action)) == len(action) - 1
        episodes.append(EpisodeData(columns, "move the tool", number, True))
    stage_shard(root, 0, episodes, features)
    finish(root, features, fps, "some_robot")
    path = root / INFO
    content = json.loads(path.read_text())
    for key, listed in names.items():
        content["features"][key]["names"] = listed
    path.write_text(json.dumps(content))
    return root


@pytest.fixture(scope="session")
def film() -> Callable[..., np.ndarray]:
    """Makes pictures (length, height, width, 3) that move a little from one to the next."""
    return _film


def _film(length: int, height: int = 48, width: int = 64, seed: int = 0) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    phase = np.random.default_rng(seed).uniform(0.0, 6.0, 3)
    pictures = [
        np.stack([np.sin(0.15 * rows + 0.11 * columns + 0.3 * frame + shift) for shift in phase], axis=-1)
        for frame in range(length)
    ]
    return np.round(127.5 + 120.0 * np.stack(pictures)).astype(np.uint8)


@pytest.fixture(scope="session")
def film_dataset() -> Callable[..., Path]:
    """Writes a small dataset with two cameras; see `_film_dataset`."""
    return _film_dataset


def _film_dataset(
    root: Path,
    lengths: Sequence[int] = (7, 12, 5),
    video: VideoFormat | None = None,
    size: tuple[int, int] = (48, 64),
    fps: int = 20,
    shards: int = 1,
) -> Path:
    """A dataset with moving pictures.

    Args:
        root: of the dataset.
        lengths: frames of each episode.
        video: how the cameras are encoded. None: as PNG images.
        size: (height, width) of the pictures.
        fps: frames per second.
        shards: that it is staged in.
    """
    dtype = "image" if video is None else "video"
    camera = Feature(dtype, (*size, 3), ("height", "width", "channels"), video)
    names = tuple(f"joint_{number}" for number in range(6))
    features = {
        **{f"{IMAGE_PREFIX}{name}": camera for name in ("front", "wrist")},
        STATE: Feature("float32", (7,), (*names, "gripper")),
        ACTION: Feature("float32", (7,), (*names, "gripper")),
        SUCCESS: Feature("bool", (1,)),
    }
    numbers = np.random.default_rng(5)
    episodes = []
    for episode, length in enumerate(lengths):
        state = np.cumsum(numbers.normal(0.0, 0.02, (length, 7)), axis=0).astype(np.float32)
        columns = {
            f"{IMAGE_PREFIX}front": _film(length, *size, seed=episode),
            f"{IMAGE_PREFIX}wrist": _film(length, *size, seed=100 + episode),
            STATE: state,
            ACTION: state + 0.01,
            SUCCESS: np.arange(length) == length - 1,
        }
        episodes.append(EpisodeData(columns, ("lift the cube", "stack the cubes")[episode % 2], episode, True))
    for shard in range(shards):
        stage_shard(root, shard, episodes[shard::shards], features)
    finish(root, features, fps, "some_robot")
    return root
