"""Datasets as people have them: other types, shapes, keys, layouts and versions than ours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hume_core.errors import DatasetError
from hume_training.data.demonstrations import joined
from hume_training.data.reader import load_datasets, load_demonstrations, read_info
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
