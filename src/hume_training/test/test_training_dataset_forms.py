"""Datasets as people have them: other types, shapes, keys and instructions than ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hume_core.errors import DatasetError
from hume_training.data.demonstrations import joined
from hume_training.data.reader import load_demonstrations, read_info
from hume_training.data.video_format import VideoFormat

DATA = "data/chunk-000/file-000.parquet"
EXACT = VideoFormat(20, "libx264rgb", "rgb24", 0)
FRONT, WRIST = "observation.images.front", "observation.images.wrist"


@pytest.fixture
def root(tmp_path: Path, film_dataset: Callable[..., Path]) -> Path:
    return film_dataset(tmp_path / "data")


def features(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "meta/info.json").read_text())["features"]
    return found


def change(root: Path, **changes: Any) -> None:
    path = root / "meta/info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def rename(root: Path, names: dict[str, str | None]) -> None:
    """Call columns otherwise, or leave them out."""
    change(root, features={names.get(key, key): item for key, item in features(root).items() if names.get(key, key)})
    table = pq.read_table(root / DATA)
    kept = [key for key in table.column_names if names.get(key, key)]
    table = table.select(kept).rename_columns([names.get(key, key) or "" for key in kept])
    pq.write_table(table, root / DATA)


def retype(root: Path, key: str, values: pa.Array, **entry: Any) -> None:
    """Other values in a column, and what `info.json` says of them."""
    table = pq.read_table(root / DATA)
    pq.write_table(table.set_column(table.column_names.index(key), key, values), root / DATA)
    found = features(root)
    found[key] |= entry
    change(root, features=found)


@pytest.mark.parametrize("dtype", ["float64", "float16", "float32", "int64", "int32"])
@pytest.mark.parametrize("key", ["action", "observation.state"])
def test_vectors_of_any_number_type_are_read_as_float32(root: Path, dtype: str, key: str) -> None:
    rows = np.array(pq.read_table(root / DATA)[key].to_pylist())
    values = (100 * rows).astype(dtype)
    retype(root, key, pa.array(list(values)), dtype=dtype)
    data = load_demonstrations(root)
    found = data.action if key == "action" else data.state
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, values.astype(np.float64), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["string", "bool", "complex64", "list", "image"])
def test_vectors_of_other_types_are_refused(root: Path, dtype: str) -> None:
    found = features(root)
    found["action"] |= {"dtype": dtype}
    change(root, features=found)
    with pytest.raises(DatasetError, match=r"key 'action' must be a vector of numbers, such as float32\. Found"):
        read_info(root)


def test_a_vector_of_one_number_stays_a_vector(root: Path) -> None:
    retype(root, "observation.state", pa.array(np.arange(24.0, dtype=np.float32)), shape=[1], names=["gripper"])
    data = load_demonstrations(root)
    np.testing.assert_array_equal(data.state, np.arange(24.0)[:, None])
    assert data.state_names == ("gripper",)


@pytest.mark.parametrize(
    "names", [["channels", "height", "width"], ["channel", "height", "width"], None, ["c", "h", "w"]]
)
@pytest.mark.parametrize("video", [None, EXACT])
def test_shapes_may_name_the_channels_first(
    names: list[str] | None, video: VideoFormat | None, tmp_path: Path, film_dataset: Callable[..., Path]
) -> None:
    before = load_demonstrations(film_dataset(tmp_path / "before", video=video))
    root = film_dataset(tmp_path / "after", video=video)
    found = features(root)
    found[FRONT] |= {"shape": [3, 48, 64], "names": names}
    change(root, features=found)
    np.testing.assert_array_equal(load_demonstrations(root).images["front"], before.images["front"])


@pytest.mark.parametrize(
    ("names", "picture"), [(["channels", "height", "width"], (5, 3)), (["height", "width", "channels"], (3, 5))]
)
def test_names_decide_where_the_shape_does_not(root: Path, names: list[str], picture: tuple[int, int]) -> None:
    found = features(root)
    found[FRONT] |= {"shape": [3, 5, 3], "names": names}
    change(root, features=found)
    assert read_info(root).features[FRONT].picture == picture


@pytest.mark.parametrize("shape", [[48, 64], [48, 64, 1], [1, 48, 64], [48, 64, 4], [2, 48, 64, 3]])
def test_pictures_without_three_channels_are_refused(root: Path, shape: list[int]) -> None:
    found = features(root)
    found[FRONT] |= {"shape": shape}
    change(root, features=found)
    with pytest.raises(DatasetError, match=rf"key '{FRONT}' must be a colour picture .* Found: image"):
        read_info(root)


@pytest.mark.parametrize("mark", ["info", "video_info"])
def test_depth_maps_are_no_cameras(root: Path, mark: str) -> None:
    found = features(root)
    found[WRIST] |= {"shape": [48, 64, 1], mark: {"video.is_depth_map": True}}
    change(root, features=found)
    assert list(load_demonstrations(root).images) == ["front"]
    found[FRONT] |= {"info": {"is_depth_map": True}}
    change(root, features=found)
    with pytest.raises(
        DatasetError, match=r"At least one camera is needed\. observation\.images\.front, .* are depth maps"
    ):
        read_info(root)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("observation.image", "image"),
        ("observation.wrist_image", "wrist_image"),
        ("image", "image"),
        ("observation.images.top.left", "top.left"),
    ],
)
def test_cameras_are_called_by_their_keys(root: Path, key: str, name: str) -> None:
    pictures = np.array(load_demonstrations(root).images["front"])
    rename(root, {FRONT: key, WRIST: None})
    data = load_demonstrations(root)
    assert list(data.images) == [name]
    np.testing.assert_array_equal(data.images[name], pictures)


def test_two_cameras_of_one_name_are_refused(root: Path) -> None:
    rename(root, {FRONT: "observation.wrist"})
    with pytest.raises(
        DatasetError, match=r"'observation\.wrist' and 'observation\.images\.wrist' name the same camera"
    ):
        read_info(root)


@pytest.mark.parametrize("other", ["observation.joint_positions", "state"])
def test_a_dataset_without_states_says_what_it_has(root: Path, other: str) -> None:
    rename(root, {"observation.state": other})
    with pytest.raises(
        DatasetError, match=rf"key 'observation.state' is missing\. .* are: {other}, action\. .*write it anew"
    ):
        read_info(root)
    rename(root, {other: None})
    with pytest.raises(DatasetError, match=r"The vectors of this dataset are: action\."):
        read_info(root)


def with_tasks(root: Path, numbers: list[int], sentences: list[str]) -> None:
    table = pq.read_table(root / DATA)
    column = pa.array(numbers, pa.int64())
    pq.write_table(table.set_column(table.column_names.index("task_index"), "task_index", column), root / DATA)
    tasks = pa.table({"task_index": list(range(len(sentences))), "task": sentences})
    pq.write_table(tasks, root / "meta/tasks.parquet")


SENTENCES = ["lift", "place", "wait"]
PER_FRAME = [0] * 3 + [1] * 4 + [1] * 12 + [2] * 2 + [0] * 2 + [2]


def test_an_instruction_may_change_within_an_episode(root: Path) -> None:
    with_tasks(root, PER_FRAME, SENTENCES)
    data = load_demonstrations(root)
    frames = np.arange(24)
    assert data.instructions(frames) == [SENTENCES[number] for number in PER_FRAME]
    assert data.tasks == ["lift", "place", "place", "wait", "lift", "wait"]
    assert data.seen == ["lift", "place", "wait"]
    np.testing.assert_array_equal(data.lengths, [7, 12, 5])
    until = data.intended_until
    assert until[[0, 2, 3, 6, 7, 18, 19, 20, 21, 23]].tolist() == [2, 2, 6, 6, 18, 18, 20, 20, 22, 23]
    both = joined([data, data])
    assert both.instructions(np.arange(48)) == data.instructions(frames) * 2
    np.testing.assert_array_equal(both.intended_until, np.concatenate([until, until + 24]))


def test_a_task_that_no_file_names_is_refused(root: Path) -> None:
    with_tasks(root, [*PER_FRAME[:-1], 7], SENTENCES)
    with pytest.raises(DatasetError, match="no task has the number 7, which a frame names"):
        load_demonstrations(root)
