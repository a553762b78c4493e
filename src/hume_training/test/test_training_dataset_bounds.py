"""Datasets from anybody: nothing outside the folder is read or written, and sizes are accepted only up to a bound."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hume_core.errors import DatasetError
from hume_training.data.info import read_info
from hume_training.data.reader import load_demonstrations

DATA = "data/chunk-000/file-000.parquet"
IMAGE = "observation.images.image"


@pytest.fixture
def copy(dataset: Path, tmp_path: Path) -> Path:
    target: Path = tmp_path / "copy"
    shutil.copytree(dataset, target, ignore=shutil.ignore_patterns("cache*"))
    return target


def change(root: Path, **changes: Any) -> None:
    path = root / "meta/info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def add_feature(root: Path, key: str, dtype: Any, shape: Any) -> None:
    features = json.loads((root / "meta/info.json").read_text())["features"]
    change(root, features={key: {"dtype": dtype, "shape": shape}, **features})


@pytest.mark.parametrize(
    "key",
    ["/tmp/x", "../x", "../../x", "a/b", "a\\b", "a\0b", "a\nb", "", ".", "..", ".hidden", "a..b", "a" * 151, "é"],
)
def test_keys_name_files_of_the_cache(copy: Path, key: str) -> None:
    add_feature(copy, key, "image", [64, 64, 3])
    before = sorted(copy.parent.rglob("*"))
    with pytest.raises(DatasetError, match=r"the key .* cannot be one"):
        load_demonstrations(copy)
    assert sorted(copy.parent.rglob("*")) == before


@pytest.mark.parametrize(
    "pattern",
    [
        "/etc/passwd", "../copy/" + DATA, "data/../../x", "{chunk_index.__class__}", "{chunk_index!r}", "{secret}",
        "{0}", "{", "}", "{}", "{chunk_index:0300000000d}", "{chunk_index:10d}", "{chunk_index:>9}", "data/\0x", "a\nb",
        "", "a" * 501, None, 3, [],
    ],
)  # fmt: skip
def test_the_path_of_data_stays_in_the_folder(copy: Path, pattern: Any) -> None:
    change(copy, data_path=pattern)
    with pytest.raises(DatasetError, match=r"data_path is .*\. Valid: a path below the dataset's folder"):
        load_demonstrations(copy)


@pytest.mark.parametrize(
    "pattern",
    ["data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet", "data/chunk-000/file-00{file_index}.parquet"],
)
def test_documented_patterns_are_read(copy: Path, pattern: str) -> None:
    change(copy, data_path=pattern)
    assert len(load_demonstrations(copy).tasks) == 4


@pytest.mark.parametrize(
    "shape", [[10**6, 10**6, 3], [0, 4, 3], [-3], "abc", ["a"], [1.5], [True], None, [[1]], [2] * 30]
)
def test_shapes_are_sizes(copy: Path, shape: Any) -> None:
    add_feature(copy, "x", "image", shape)
    with pytest.raises(DatasetError, match="key 'x' has shape"):
        read_info(copy)


@pytest.mark.parametrize("count", ["abc", -1, 10**18, 1.5, None, True])
@pytest.mark.parametrize("key", ["total_frames", "total_episodes"])
def test_totals_are_counts(copy: Path, key: str, count: Any) -> None:
    change(copy, **{key: count})
    with pytest.raises(DatasetError, match=f"{key} is"):
        read_info(copy)


@pytest.mark.parametrize(("key", "dtype"), [("task_index", "junk"), ("perturbed", "int64"), ("observation.state", "O")])
def test_types_of_columns_with_a_meaning(copy: Path, key: str, dtype: str) -> None:
    features = json.loads((copy / "meta/info.json").read_text())["features"]
    features[key]["dtype"] = dtype
    change(copy, features=features)
    with pytest.raises(DatasetError, match=f"key '{key}' must be"):
        read_info(copy)


@pytest.mark.parametrize("text", ["[]", "null", "3", "[" * 100_000, '{"fps": NaN}', '{"a": 1, "a": 2}'])
def test_what_is_no_description(copy: Path, text: str) -> None:
    (copy / "meta/info.json").write_text(text)
    with pytest.raises(DatasetError, match=r"info\.json"):
        load_demonstrations(copy)


@pytest.mark.parametrize("name", [DATA, "meta/tasks.parquet", "meta/episodes/chunk-000/file-000.parquet"])
def test_links_that_lead_out_of_the_folder(copy: Path, name: str) -> None:
    outside = copy.parent / "outside.parquet"
    (copy / name).rename(outside)
    (copy / name).symlink_to(outside)
    with pytest.raises(DatasetError, match="leads out of the dataset's folder"):
        load_demonstrations(copy)


def test_a_snapshot_of_the_hub_is_links_to_its_own_cache(copy: Path) -> None:
    snapshot = copy.parent / "datasets--a--b" / "snapshots" / "0123"
    blobs = snapshot.parents[1] / "blobs"
    blobs.mkdir(parents=True)
    for number, path in enumerate(sorted(path for path in copy.rglob("*") if path.is_file())):
        shutil.copyfile(path, blobs / str(number))
        (snapshot / path.relative_to(copy)).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / path.relative_to(copy)).symlink_to(blobs / str(number))
    assert len(load_demonstrations(snapshot).tasks) == 4


def test_the_cache_is_not_written_through_a_link(copy: Path) -> None:
    outside = copy.parent / "outside"
    outside.mkdir()
    (copy / "cache").symlink_to(outside)
    with pytest.raises(DatasetError, match="is a link"):
        load_demonstrations(copy)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("damage", ["shape", "text", "missing", "stamp"])
def test_a_cache_that_does_not_fit_is_made_anew(copy: Path, damage: str) -> None:
    state = load_demonstrations(copy).state
    path = copy / "cache" / "observation.state.npy"
    if damage == "shape":
        np.save(path, np.zeros((3, 3), np.float32))
    elif damage == "text":
        path.write_bytes(b"no array")
    elif damage == "missing":
        path.unlink()
    else:
        (copy / "cache" / "complete").write_bytes(b"\xff")
    np.testing.assert_array_equal(load_demonstrations(copy).state, state)


def test_frames_that_are_not_there_take_no_room(copy: Path) -> None:
    path = copy / "meta/episodes/chunk-000/file-000.parquet"
    rows = pq.read_table(path).to_pylist()
    first = 0
    for row in rows:
        row |= {"length": 10**8, "dataset_from_index": first, "dataset_to_index": first + 10**8}
        first += 10**8
    pq.write_table(pa.Table.from_pylist(rows), path)
    change(copy, total_frames=first)
    with pytest.raises(DatasetError, match=r"the data files have .* frames, but info\.json says 400000000"):
        load_demonstrations(copy)
    assert not list(copy.glob("cache*"))


@pytest.mark.parametrize("column", ["length", "data/file_index", "episode_index"])
@pytest.mark.parametrize("values", [[None] * 4, ["a"] * 4, [1.5] * 4, [[1]] * 4])
def test_episodes_are_described_in_whole_numbers(copy: Path, column: str, values: list[Any]) -> None:
    path = copy / "meta/episodes/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.column_names.index(column), column, pa.array(values)), path)
    with pytest.raises(DatasetError, match=rf"column '{column}' holds .*\. Expected whole numbers"):
        load_demonstrations(copy)


@pytest.mark.parametrize("value", [1e300, -1e39, float("inf")])
def test_numbers_that_a_float_cannot_hold(copy: Path, value: float) -> None:
    table = pq.read_table(copy / DATA)
    rows = table["action"].to_pylist()
    rows[2][1] = value
    wide = pa.array(rows, pa.list_(pa.float64(), len(rows[0])))
    pq.write_table(table.set_column(table.column_names.index("action"), "action", wide), copy / DATA)
    with pytest.raises(DatasetError, match="episode 0, key 'action': frame 2 holds NaN or infinity"):
        load_demonstrations(copy)


def test_images_of_another_size_are_not_decoded(copy: Path) -> None:
    table = pq.read_table(copy / DATA)
    rows = table[IMAGE].to_pylist()
    head = rows[1]["bytes"]
    # A PNG names its size in bytes 16 to 24.
    rows[1]["bytes"] = head[:16] + (60_000).to_bytes(4, "big") * 2 + head[24:]
    images = pa.array(rows, table[IMAGE].type)
    pq.write_table(table.set_column(table.column_names.index(IMAGE), IMAGE, images), copy / DATA)
    with pytest.raises(DatasetError, match=r"the image of frame 1 has 60000x60000 pixels\. Expected 64x64"):
        load_demonstrations(copy)
