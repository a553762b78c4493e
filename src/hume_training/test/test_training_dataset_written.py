"""What is written beside the frames: statistics of every episode and of all, columns, the card; and publishing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from hume_core.errors import DatasetError
from hume_training.data import hub
from hume_training.data.layout import Feature, camera_feature
from hume_training.data.reader import load_demonstrations
from hume_training.data.statistics import episode_statistics, merged, of_numbers, sampled_frames
from hume_training.data.video_format import VideoFormat
from hume_training.data.writer import EpisodeData, stage_shard

STATISTICS = {"min", "max", "mean", "std", "count", "q01", "q10", "q50", "q90", "q99"}
EPISODES = "meta/episodes/chunk-000/file-000.parquet"
IMAGE = "observation.images.front"


@pytest.mark.parametrize("video", [None, VideoFormat(20)])
def test_every_episode_and_the_whole_have_all_statistics(
    video: VideoFormat | None, tmp_path: Path, film_dataset: Callable[..., Path]
) -> None:
    root = film_dataset(tmp_path / "data", video=video)
    info = json.loads((root / "meta/info.json").read_text())
    whole = json.loads((root / "meta/stats.json").read_text())
    assert {key: set(found) for key, found in whole.items()} == dict.fromkeys(info["features"], STATISTICS)
    rows = pq.read_table(root / EPISODES).to_pylist()
    wanted = {f"stats/{key}/{name}" for key in info["features"] for name in STATISTICS}
    assert {name for name in rows[0] if name.startswith("stats/")} == wanted
    data = load_demonstrations(root)
    for row, first, length in zip(rows, data.starts, data.lengths, strict=True):
        actions = data.action[first : first + length]
        np.testing.assert_allclose(row["stats/action/mean"], actions.mean(0), rtol=1e-5)
        np.testing.assert_allclose(row["stats/action/std"], actions.std(0), rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(row["stats/action/max"], actions.max(0))
        assert row["stats/action/count"] == [length]
        assert np.shape(row[f"stats/{IMAGE}/q50"]) == (3, 1, 1)
        assert row["stats/index/min"] == [float(first)]
    np.testing.assert_allclose(whole["action"]["mean"], data.action.mean(0), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(whole["action"]["std"], data.action.std(0), rtol=1e-4)
    assert whole["action"]["count"] == [24]
    assert 0.0 <= np.min(whole[IMAGE]["q01"]) < np.max(whole[IMAGE]["q99"]) <= 1.0


@pytest.mark.parametrize("count", [1, 2, 3, 100, 997])
def test_quantiles_are_values_that_occur(count: int) -> None:
    values = np.random.default_rng(count).normal(size=(count, 3))
    found = of_numbers(values)
    for name, share in (("q01", 0.01), ("q10", 0.1), ("q50", 0.5), ("q90", 0.9), ("q99", 0.99)):
        for column in range(3):
            assert found[name][column] in values[:, column]
            assert (values[:, column] <= found[name][column]).mean() >= share
            assert (values[:, column] < found[name][column]).mean() <= share
    assert of_numbers(np.array([True, False]))["max"].tolist() == [1.0]


@pytest.mark.parametrize("size", [(20, 30), (300, 200), (64, 640)])
def test_statistics_of_pictures_are_those_of_their_pixels(size: tuple[int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, *size, 3), dtype=np.uint8)
    images[..., 1] //= 4
    found = episode_statistics({"a": images}, {"a": camera_feature(*size, 20)})["a"]
    step = 1 if max(size) < 300 else max(1, max(size) // 150)
    pixels = images[:, ::step, ::step].reshape(-1, 3) / 255.0
    np.testing.assert_allclose(found["mean"].reshape(3), pixels.mean(0), rtol=1e-9)
    np.testing.assert_allclose(found["std"].reshape(3), pixels.std(0), rtol=1e-9)
    for name, share in (("q01", 0.01), ("q50", 0.5), ("q99", 0.99)):
        exact = np.quantile(pixels, share, axis=0, method="inverted_cdf")
        np.testing.assert_allclose(found[name].reshape(3), exact, rtol=1e-9)
    assert found["count"].tolist() == [5]


@pytest.mark.parametrize(("length", "count"), [(1, 1), (99, 99), (150, 100), (1000, 177), (20_000, 1681)])
def test_few_pictures_of_long_episodes_are_looked_at(length: int, count: int) -> None:
    frames = sampled_frames(length)
    assert (len(frames), frames[0], frames[-1]) == (count, 0, length - 1)


def test_merged_statistics_are_those_of_all_rows() -> None:
    parts = [np.random.default_rng(k).normal(k, 1 + k, (10 + 5 * k, 2)) for k in range(4)]
    found = merged([{"a": of_numbers(part)} for part in parts])["a"]
    rows = np.concatenate(parts)
    for name, wanted in (("min", rows.min(0)), ("max", rows.max(0)), ("mean", rows.mean(0)), ("std", rows.std(0))):
        np.testing.assert_allclose(found[name], wanted)
    assert found["count"].tolist() == [len(rows)]
    assert (found["q01"] < found["q50"]).all()


def test_the_description_names_the_videos(tmp_path: Path, film_dataset: Callable[..., Path]) -> None:
    root = film_dataset(tmp_path / "data", video=VideoFormat(20))
    info = json.loads((root / "meta/info.json").read_text())
    assert info["video_path"] == "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
    entry = info["features"][IMAGE]
    assert (entry["dtype"], entry["shape"]) == ("video", [48, 64, 3])
    wanted = {"video.codec": "h264", "video.pix_fmt": "yuv420p", "video.fps": 20, "video.height": 48, "video.width": 64}
    assert wanted.items() <= entry["info"].items()
    assert IMAGE not in pq.read_schema(root / "data/chunk-000/file-000.parquet").names
    rows = pq.read_table(root / EPISODES).to_pylist()
    times = [(row[f"videos/{IMAGE}/from_timestamp"], row[f"videos/{IMAGE}/to_timestamp"]) for row in rows]
    np.testing.assert_allclose(times, [(0.0, 0.35), (0.35, 0.95), (0.95, 1.2)])
    assert not (root / "staging").exists()


@pytest.mark.parametrize(("size", "pix_fmt"), [((48, 64), "yuv420p"), ((47, 64), "yuv444p"), ((48, 63), "yuv444p")])
def test_odd_sides_keep_their_colours(size: tuple[int, int], pix_fmt: str) -> None:
    feature = camera_feature(*size, 20)
    assert feature.video is not None
    assert feature.video.pix_fmt == pix_fmt
    assert camera_feature(*size, 20, images=True).dtype == "image"


def test_the_card_says_what_is_in_it(tmp_path: Path, film_dataset: Callable[..., Path]) -> None:
    card = (film_dataset(tmp_path / "data") / "README.md").read_text()
    head, body = card.split("---\n")[1:3]
    assert "- LeRobot" in head
    assert "data_files: data/*/*.parquet" in head
    assert "| lift the cube | 2 |" in body
    assert "| `action` | float32 | 7 | joint_0, joint_1" in body
    assert "| frames | 24 (1 s at 20 per second) |" in body


def test_an_encoder_that_is_not_there_is_one_line(tmp_path: Path, film: Callable[..., np.ndarray]) -> None:
    feature = Feature("video", (48, 64, 3), None, VideoFormat(20, "no_such_encoder"))
    episode = EpisodeData({"observation.images.a": film(3)}, "lift", 0, True)
    with pytest.raises(DatasetError, match=r"cannot be written as video: .*no_such_encoder.* --images"):
        stage_shard(tmp_path, 0, [episode], {"observation.images.a": feature})
    assert not list((tmp_path / "staging").glob("*.parquet"))


class _Hub:
    """What `HfApi` is asked to do."""

    calls: list[tuple[str, dict[str, Any]]]

    def __init__(self, failing: str = "") -> None:
        self.calls, self.failing = [], failing

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*_: Any, **given: Any) -> Any:
            self.calls.append((name, given))
            if name == self.failing:
                raise OSError("no route to host\nand more")
            return "https://hub/datasets/a/b" if name == "create_repo" else _Refs()

        return call


class _Refs:
    tags: tuple[Any, ...] = ()


@pytest.mark.parametrize("failing", ["", "create_repo", "upload_folder", "create_tag"])
def test_publishing(failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = _Hub(failing)
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: api)
    if failing:
        with pytest.raises(
            DatasetError, match=r"is written, but could not be published as 'a/b': no route to host\. Log"
        ):
            hub.push_dataset(tmp_path, "a/b")
        return
    assert hub.push_dataset(tmp_path, "a/b") == "https://hub/datasets/a/b"
    calls = dict(api.calls)
    assert calls["create_repo"]["private"]
    assert "cache*/**" in calls["upload_folder"]["ignore_patterns"]
    assert calls["create_tag"]["tag"] == "v3.0"


@pytest.mark.parametrize("name", ["folder", "a/b@c", "a/b/c", "../b", "", "a b/c"])
def test_names_that_no_dataset_can_have(name: str) -> None:
    with pytest.raises(DatasetError, match=r"is no name on the Hugging Face hub\. Valid: OWNER/NAME"):
        hub.check_name(name)
