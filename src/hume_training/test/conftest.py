"""A small dataset: real demonstrations of two tasks, recorded once per test run."""

from pathlib import Path

import pytest
import torch

from hume_training.collect.plan import plan_episodes
from hume_training.collect.recorder import RATE, Recorder, RecorderOptions, demonstration_features
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.reader import load_demonstrations
from hume_training.data.writer import Episode, finish, stage_shard


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def episodes() -> list[Episode]:
    recorder = Recorder(RecorderOptions(burst_rate=0.05))
    planned = plan_episodes(("lift", "stack"), 2, seed=3, paired=True)
    recorded = [recorder.record(item) for item in planned]
    recorder.close()
    return recorded


@pytest.fixture(scope="session")
def dataset(episodes: list[Episode], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("dataset")
    features = demonstration_features(RecorderOptions())
    stage_shard(root, 1, episodes[3:], features)
    stage_shard(root, 0, episodes[:3], features)
    assert finish(root, features, RATE, "wx250s_sim") == 4
    return root


@pytest.fixture(scope="session")
def data(dataset: Path) -> Demonstrations:
    return load_demonstrations(dataset)
