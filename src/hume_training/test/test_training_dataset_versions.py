"""Datasets of other versions than ours, in their own layouts, and from the hub."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from hume_core.errors import DatasetError
from hume_training.data.reader import load_datasets, load_demonstrations
from hume_training.data.video_format import VideoFormat

DATA = "data/chunk-000/file-000.parquet"
EXACT = VideoFormat(20, "libx264rgb", "rgb24", 0)


@pytest.fixture
def root(tmp_path: Path, film_dataset: Callable[..., Path]) -> Path:
    return film_dataset(tmp_path / "data")


def change(root: Path, **changes: Any) -> None:
    path = root / "meta/info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def as_legacy(source: Path, root: Path, version: str = "v2.1", chunks_size: int = 1000) -> Path:
    """The same dataset in the layout of v2.x: files for each episode, descriptions as lines of JSON."""
    info = json.loads((source / "meta/info.json").read_text())
    videos = [key for key, item in info["features"].items() if item["dtype"] == "video"]
    table = pq.read_table(source / DATA)
    episodes = pq.read_table(source / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    tasks = pq.read_table(source / "meta/tasks.parquet").to_pylist()
    (root / "meta").mkdir(parents=True)
    for row in episodes:
        number = row["episode_index"]
        place = {"episode_chunk": number // chunks_size, "episode_index": number}
        path = root / "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet".format(**place)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.slice(row["dataset_from_index"], row["length"]), path)
        for key in videos:
            film = root / "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4".format(
                video_key=key, **place
            )
            film.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / f"videos/{key}/chunk-000/file-{number:03d}.mp4", film)
    lines = {
        "episodes": [{key: row[key] for key in ("episode_index", "tasks", "length")} for row in episodes],
        "tasks": tasks,
    }
    for name, items in lines.items():
        (root / f"meta/{name}.jsonl").write_text("".join(f"{json.dumps(item)}\n" for item in items))
    legacy = {
        "codebase_version": version,
        "chunks_size": chunks_size,
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
    }
    (root / "meta/info.json").write_text(json.dumps(info | legacy))
    return root


@pytest.mark.parametrize(("version", "chunks_size"), [("v2.1", 1000), ("v2.0", 1000), ("v2.1", 2)])
@pytest.mark.parametrize("video", [None, EXACT])
def test_the_layout_of_v2_is_read(
    version: str,
    chunks_size: int,
    video: VideoFormat | None,
    tmp_path: Path,
    film_dataset: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hume_training.data.video_writer.VIDEO_FILE_SIZE", 0)
    source = film_dataset(tmp_path / "v3", video=video)
    data, legacy = (
        load_demonstrations(source),
        load_demonstrations(as_legacy(source, tmp_path / "v2", version, chunks_size)),
    )
    for camera, pictures in data.images.items():
        np.testing.assert_array_equal(legacy.images[camera], pictures)
    np.testing.assert_array_equal(legacy.action, data.action)
    np.testing.assert_array_equal(legacy.starts, data.starts)
    assert (legacy.tasks, legacy.fps, legacy.state_names) == (data.tasks, data.fps, data.state_names)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_description_may_leave_out_what_is_usual(
    legacy: bool, tmp_path: Path, film_dataset: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hume_training.data.video_writer.VIDEO_FILE_SIZE", 0)
    root = film_dataset(tmp_path / "v3", video=EXACT)
    root = as_legacy(root, tmp_path / "v2") if legacy else root
    path = root / "meta/info.json"
    content = json.loads(path.read_text())
    for key in ("data_path", "video_path"):
        del content[key]
    del content["features"]["task_index"]
    path.write_text(json.dumps(content))
    assert load_demonstrations(root).tasks == ["lift the cube", "stack the cubes", "lift the cube"]


@pytest.mark.parametrize("damage", ["episodes.jsonl", "tasks.jsonl", "data_path", "line", "number", "length"])
def test_a_damaged_dataset_of_v2_names_the_converter(root: Path, tmp_path: Path, damage: str) -> None:
    legacy = as_legacy(root, tmp_path / "v2")
    path = legacy / "meta/episodes.jsonl"
    wanted = rf"python -m lerobot\.scripts\.convert_dataset_v21_to_v30 --repo-id=OWNER/NAME --root={legacy} --"
    if damage.endswith(".jsonl"):
        (legacy / "meta" / damage).unlink()
    elif damage == "data_path":
        change(legacy, data_path="data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet")
    elif damage == "line":
        path.write_text(path.read_text() + "[1, 2]\n")
        wanted = "line 4 holds .* Expected: a JSON object"
    elif damage == "number":
        path.write_text(path.read_text().replace('"episode_index": 1', '"episode_index": "one"'))
        wanted = "'episode_index' of .* must be a whole number"
    else:
        path.write_text(path.read_text().replace('"length": 12', '"length": 13'))
        wanted = "the episodes have 25 frames, but info.json says 24"
    with pytest.raises(DatasetError, match=wanted):
        load_demonstrations(legacy)


def test_only_the_version_changed_names_the_converter(root: Path) -> None:
    change(root, codebase_version="v2.1")
    with pytest.raises(DatasetError, match=r"convert_dataset_v21_to_v30"):
        load_demonstrations(root)


@pytest.mark.parametrize("where", ["v1.6", "meta_data"])
def test_datasets_of_v1_name_their_converter(root: Path, where: str) -> None:
    if where == "meta_data":
        (root / "meta").rename(root / "meta_data")
    else:
        change(root, codebase_version=where)
    with pytest.raises(DatasetError, match=r"v2\.convert_dataset_v1_to_v2 .*[(]of lerobot 0\.3\.3[)]"):
        load_demonstrations(root)


@pytest.mark.parametrize("failure", [OSError("no route to host"), RuntimeError("401 Client Error\nmore")])
def test_a_hub_name_without_a_network_is_one_line(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    def refuse(*_: Any, **__: Any) -> str:
        raise failure

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(
        DatasetError, match=r"'owner/some_dataset' is no folder here.*[(]hf download owner/some_dataset"
    ) as caught:
        load_datasets("owner/some_dataset")
    assert "\n" not in str(caught.value)


def test_a_hub_name_is_downloaded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def download(repository: str, **given: Any) -> str:
        asked.update(given, repository=repository)
        return str(root)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert len(load_datasets("owner/some_dataset@v3.0").state) == 24
    assert (asked["repository"], asked["revision"], asked["repo_type"]) == ("owner/some_dataset", "v3.0", "dataset")


@pytest.mark.parametrize("name", ["no_such_folder", "/no/such/folder", "a/b/c"])
def test_a_folder_that_does_not_exist(name: str) -> None:
    with pytest.raises(DatasetError, match=r"info\.json does not exist\. A LeRobot dataset"):
        load_demonstrations(name)
