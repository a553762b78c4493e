"""Datasets: what is written is read back, and every defect is refused by episode and key."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hume_core.action_spaces import ActionSpace, EeDelta, EePose, JointDelta, JointPosition
from hume_core.errors import ActionSpaceError, ConfigError, DatasetError
from hume_core.robot import RobotProfile
from hume_core.robot_sections import StateField
from hume_training.data.arranged import arranged
from hume_training.data.contract import dataset_contract
from hume_training.data.deduce import deduce_layout
from hume_training.data.demonstrations import Demonstrations, joined
from hume_training.data.layout_options import LayoutOptions
from hume_training.data.reader import load_demonstrations
from hume_training.data.taught_rows import TaughtRows
from hume_training.data.writer import EpisodeData


@pytest.fixture
def copy(dataset: Path, tmp_path: Path) -> Path:
    target = tmp_path / "copy"
    shutil.copytree(dataset, target, ignore=shutil.ignore_patterns("cache"))
    return target


def _rows(data: Demonstrations, space: ActionSpace | None = None) -> TaughtRows:
    data, layout = arranged(data, deduce_layout(data, LayoutOptions()))
    return TaughtRows(data, layout, space or JointDelta())


def test_tool_rows_need_kinematics_and_are_never_taken_for_joint_positions(data: Demonstrations) -> None:
    for space in (EeDelta(), EePose()):
        with pytest.raises((ActionSpaceError, ConfigError), match="kinematics"):
            _rows(data, space)


def test_rows_may_be_counted_from_other_frames(data: Demonstrations) -> None:
    frames, anchors = np.array([3, 9]), np.array([1, 4])
    chunk, _ = _rows(data).windows(anchors, frames, 5)
    plain, _ = _rows(data, JointPosition()).chunks(frames, 5)
    assert chunk.dtype == np.float32
    np.testing.assert_array_equal(chunk[..., :6], plain[..., :6] - data.state[anchors, None, :6])
    np.testing.assert_array_equal(chunk[..., 6:], plain[..., 6:])


def test_a_dataset_says_what_a_policy_of_it_emits(data: Demonstrations) -> None:
    profile = RobotProfile.load("wx250s_sim")
    contract = dataset_contract(_rows(data))
    assert contract.differences(profile) == []
    assert (contract.state_dim, contract.action_dim) == (data.state.shape[1], data.action.shape[1])
    positions = dataset_contract(_rows(data, JointPosition()))
    assert [line.split(":")[0] for line in positions.differences(profile)] == ["action space"]
    speeds = tuple(f"{name}_velocity" for name in data.action_names[:6])
    state = np.concatenate([data.state[:, :6]] * 2, axis=1)
    both = dataset_contract(_rows(replace(data, state=state, state_names=data.state_names[:6] + speeds)))
    assert [part.field for part in both.state] == [StateField.JOINT_POSITIONS, StateField.JOINT_VELOCITIES]


def test_gives_back_what_was_recorded(episodes: list[EpisodeData], data: Demonstrations) -> None:
    assert data.fps == 20
    assert data.tasks == [episode.task for episode in episodes]
    for episode, start, length in zip(episodes, data.starts, data.lengths, strict=True):
        assert length == episode.length
        frames = slice(start, start + length)
        for camera in ("image", "wrist_image"):
            stored = data.images[camera][frames]
            np.testing.assert_array_equal(stored, episode.columns[f"observation.images.{camera}"])
        np.testing.assert_array_equal(data.state[frames], episode.columns["observation.state"])
        np.testing.assert_array_equal(data.action[frames], episode.columns["action"])


def test_files_follow_the_lerobot_layout(dataset: Path) -> None:
    info = json.loads((dataset / "meta/info.json").read_text())
    assert info["codebase_version"] == "v3.0"
    assert info["splits"] == {"train": "0:4"}
    tables = [pq.read_table(path) for path in sorted((dataset / "data").glob("*/*.parquet"))]
    assert len(tables) == 1, "two shards are one file, as long as it is not full"
    index = np.concatenate([table["index"].to_numpy() for table in tables])
    np.testing.assert_array_equal(index, np.arange(info["total_frames"]))
    assert set(tables[0].column_names) == set(info["features"])
    assert pq.ParquetFile(dataset / "data/chunk-000/file-000.parquet").num_row_groups == 4
    rows = pq.read_table(dataset / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert [row["data/file_index"] for row in rows] == [0, 0, 0, 0]
    assert set(json.loads((dataset / "meta/stats.json").read_text())) == set(info["features"])


def test_chunks_are_targets_relative_to_the_frame(data: Demonstrations) -> None:
    frames = np.array([0, int(data.ends[0]) - 1])
    chunk, beyond = _rows(data).chunks(frames, 4)
    np.testing.assert_allclose(chunk[0, 2, :6], data.action[2, :6] - data.state[0, :6])
    assert chunk[0, 2, 6] == data.action[2, 6]
    assert beyond[1].tolist() == [False, False, True, True]
    np.testing.assert_array_equal(chunk[1, 1], chunk[1, 3])


def test_rows_after_a_push_are_not_learned(data: Demonstrations) -> None:
    pushed = np.flatnonzero(data.perturbed)
    assert len(pushed) > 0
    first = int(pushed[0])
    _, beyond = _rows(data).chunks(np.array([first - 2]), 6)
    assert beyond[0].tolist() == [False, False, False, True, True, True]


def test_statistics_keep_rare_moves_near_the_others(data: Demonstrations) -> None:
    _, state_std, _, action_std = _rows(data).statistics(16)
    assert data.state[:, 3].std() < 0.05, "the forearm hardly rolls"
    assert state_std[3] == action_std[3] == 0.05
    assert state_std[6] == pytest.approx(data.state[:, 6].std(), rel=1e-4)


def test_decoding_anew_leaves_a_mapped_dataset_alone(copy: Path) -> None:
    before = load_demonstrations(copy)
    images = {key: np.array(value) for key, value in before.images.items()}
    (copy / "cache" / "complete").unlink()
    cached = {path: path.stat().st_ino for path in (copy / "cache").glob("*.npy")}
    after = load_demonstrations(copy)
    assert all(path.stat().st_ino != number for path, number in cached.items())
    for key, value in images.items():
        np.testing.assert_array_equal(before.images[key], value)
        np.testing.assert_array_equal(after.images[key], value)
    assert not list(copy.glob("cache.*"))


def test_joined_datasets_keep_every_frame(data: Demonstrations) -> None:
    both = joined([data, data])
    count = len(data.state)
    frames = np.array([count + 5, 3, count])
    np.testing.assert_array_equal(both.images["image"][frames], data.images["image"][np.array([5, 3, 0])])
    assert both.ends[count] == count + data.ends[0]
    assert both.tasks == data.tasks * 2


def _rewrite(root: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    path = root / "data/chunk-000/file-000.parquet"
    pq.write_table(change(pq.read_table(path)), path)


def _with_column(table: pa.Table, key: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(key), key, values)


def _info(root: Path, **changes: object) -> None:
    path = root / "meta/info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_refuses_nan(copy: Path) -> None:
    def spoil(table: pa.Table) -> pa.Table:
        values = table["action"].to_pylist()
        values[2][1] = float("nan")
        return _with_column(table, "action", pa.array(values, table["action"].type))

    _rewrite(copy, spoil)
    with pytest.raises(DatasetError, match="episode 0, key 'action': frame 2 holds NaN"):
        load_demonstrations(copy)


def test_refuses_a_missing_key(copy: Path) -> None:
    _rewrite(copy, lambda table: table.drop_columns(["observation.state"]))
    with pytest.raises(DatasetError, match=r"episode 0, key 'observation.state': the key is missing"):
        load_demonstrations(copy)


def test_refuses_rows_of_another_shape(copy: Path) -> None:
    def narrow(table: pa.Table) -> pa.Table:
        values = [row[:5] for row in table["action"].to_pylist()]
        return _with_column(table, "action", pa.array(values, pa.list_(pa.float32())))

    _rewrite(copy, narrow)
    with pytest.raises(DatasetError, match="episode 0, key 'action': rows have shape"):
        load_demonstrations(copy)


def test_refuses_an_image_that_is_none(copy: Path) -> None:
    def spoil(table: pa.Table) -> pa.Table:
        values = table["observation.images.image"].to_pylist()
        values[1]["bytes"] = b"no image"
        return _with_column(table, "observation.images.image", pa.array(values, table["observation.images.image"].type))

    _rewrite(copy, spoil)
    with pytest.raises(DatasetError, match=r"episode 0, key 'observation.images.image': the image of frame 1"):
        load_demonstrations(copy)


def test_refuses_an_empty_episode(copy: Path) -> None:
    path = copy / "meta/episodes/chunk-000/file-000.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[1] |= {"length": 0}
    pq.write_table(pa.Table.from_pylist(rows), path)
    with pytest.raises(DatasetError, match="episode 1 is empty"):
        load_demonstrations(copy)


@pytest.mark.parametrize("fps", [None, 0, "fast", -20])
def test_refuses_an_unknown_rate(copy: Path, fps: object) -> None:
    _info(copy, fps=fps)
    with pytest.raises(DatasetError, match="fps is"):
        load_demonstrations(copy)


@pytest.mark.parametrize("version", ["v4.0", "v20", None, 3, "v2.2", "3.0"])
def test_refuses_another_version(copy: Path, version: object) -> None:
    _info(copy, codebase_version=version)
    with pytest.raises(DatasetError, match=r"codebase_version is .*\. Valid: v2\.0, v2\.1 and v3\.x"):
        load_demonstrations(copy)
