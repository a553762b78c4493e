"""Datasets whose cameras are videos: decoded once, by time, resumably, and refused in one line where damaged."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hume_core.errors import DatasetError
from hume_training.data import decode
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.reader import load_demonstrations
from hume_training.data.video_format import VideoFormat
from hume_training.data.video_reader import video_frames
from hume_training.data.video_writer import encode_video

EXACT = {"encoder": "libx264rgb", "pix_fmt": "rgb24", "crf": 0}
"""Lossless: what is decoded is what was encoded, to the bit."""
CODECS = {
    "h264": VideoFormat(20),
    "hevc": VideoFormat(20, "libx265"),
    "av1": VideoFormat(20, "libsvtav1", crf=20, preset="10"),
    "odd": VideoFormat(20, pix_fmt="yuv444p"),
}
FRONT = "observation.images.front"
VIDEO = f"videos/{FRONT}/chunk-000/file-000.mp4"


@pytest.fixture
def exact(tmp_path: Path, film_dataset: Callable[..., Path]) -> Path:
    return film_dataset(tmp_path / "exact", video=VideoFormat(20, **EXACT))


def same(data: Demonstrations, other: Demonstrations) -> None:
    for camera, pictures in data.images.items():
        np.testing.assert_array_equal(pictures, other.images[camera])
    np.testing.assert_array_equal(data.state, other.state)
    assert data.tasks == other.tasks


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_decoded_is_what_was_recorded(codec: str, tmp_path: Path, film_dataset: Callable[..., Path]) -> None:
    size = (47, 65) if codec == "odd" else (64, 96)
    images = load_demonstrations(film_dataset(tmp_path / "images", size=size))
    videos = load_demonstrations(film_dataset(tmp_path / "videos", size=size, video=CODECS[codec]))
    for camera, pictures in images.images.items():
        apart = np.abs(pictures.astype(int) - videos.images[camera]).mean(axis=(1, 2, 3))
        assert apart.max() < 10.0, "every frame is the right one"
        neighbours = np.abs(pictures[1:].astype(int) - videos.images[camera][:-1]).mean(axis=(1, 2, 3))
        assert neighbours.min() > 15.0
    np.testing.assert_array_equal(images.action, videos.action)
    assert (tmp_path / "videos" / VIDEO).stat().st_size > 0


def test_a_lossless_video_is_read_to_the_bit(exact: Path, tmp_path: Path, film_dataset: Callable[..., Path]) -> None:
    same(load_demonstrations(film_dataset(tmp_path / "images")), load_demonstrations(exact))


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_episodes_of_several_shards_and_files(
    shards: int, tmp_path: Path, film_dataset: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = (6, 3, 9, 4)
    whole = film_dataset(tmp_path / "whole", lengths, shards=shards)
    for module in ("writer.DATA_FILE_SIZE", "video_writer.VIDEO_FILE_SIZE"):
        monkeypatch.setattr(f"hume_training.data.{module}", 0)
    monkeypatch.setattr("hume_training.data.layout.CHUNK_SIZE", 3)
    split = film_dataset(tmp_path / "split", lengths, VideoFormat(20, **EXACT), shards=shards)
    assert len(list((split / f"videos/{FRONT}").glob("*/*.mp4"))) == 4
    assert {path.parent.name for path in (split / "data").glob("*/*.parquet")} == {"chunk-000", "chunk-001"}
    same(load_demonstrations(whole), load_demonstrations(split))


def test_frames_are_found_by_their_times(exact: Path) -> None:
    """An episode may begin anywhere in a video, and rows need not be those of the video in turn."""
    before = np.array(load_demonstrations(exact).images["front"])
    path = exact / "meta/episodes/chunk-000/file-000.parquet"
    rows = pq.read_table(path).to_pylist()
    first, second = (rows[k][f"videos/{FRONT}/from_timestamp"] for k in (0, 1))
    assert (first, second) == (0.0, pytest.approx(7 / 20))
    rows[2][f"videos/{FRONT}/from_timestamp"] = second
    pq.write_table(pa.Table.from_pylist(rows), path)
    after = load_demonstrations(exact).images["front"]
    np.testing.assert_array_equal(after[:19], before[:19])
    np.testing.assert_array_equal(after[19:24], before[7:12])


@pytest.mark.parametrize("late", [0.00005, 0.02, -0.01, 1.0])
def test_a_frame_must_be_there_within_the_tolerance(exact: Path, late: float) -> None:
    path = exact / "meta/episodes/chunk-000/file-000.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[1][f"videos/{FRONT}/from_timestamp"] += late
    pq.write_table(pa.Table.from_pylist(rows), path)
    if abs(late) < 1e-4:
        assert len(load_demonstrations(exact).state) == 24
    else:
        with pytest.raises(
            DatasetError, match=r"file-000\.mp4 has no frame at .* s: the nearest one is at .* s, and may"
        ):
            load_demonstrations(exact)


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "cut", "head", "middle"])
def test_a_damaged_video_is_one_line(exact: Path, damage: str) -> None:
    path = exact / VIDEO
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        middle = len(whole) // 2
        noise = np.random.default_rng(1).integers(0, 256, len(whole) // 3, dtype=np.uint8).tobytes()
        changed = {
            "empty": b"",
            "text": b"no video",
            "cut": whole[: -len(whole) // 4],
            "head": whole[:40],
            "middle": whole[:middle] + noise + whole[middle + len(noise) :],
        }
        path.write_bytes(changed[damage])
    with pytest.raises(DatasetError, match=r"file-000\.mp4 .*Copy or download the file again") as caught:
        load_demonstrations(exact)
    assert "\n" not in str(caught.value)


def test_a_video_of_another_size(exact: Path, film: Callable[..., np.ndarray]) -> None:
    encode_video(exact / VIDEO, film(30, 32, 32), VideoFormat(20, **EXACT))
    with pytest.raises(DatasetError, match=r"has frames of 32x32 pixels, but info\.json says 64x48"):
        load_demonstrations(exact)


@pytest.mark.parametrize("key", ["video_path", "features"])
def test_the_path_of_videos_stays_in_the_folder(exact: Path, key: str) -> None:
    path = exact / "meta/info.json"
    content = json.loads(path.read_text())
    if key == "video_path":
        content["video_path"] = "../{video_key}.mp4"
        path.write_text(json.dumps(content))
        wanted = r"video_path is .*\. Valid: a path below the dataset's folder"
    else:
        shutil.move(exact / VIDEO, exact.parent / "outside.mp4")
        (exact / VIDEO).symlink_to(exact.parent / "outside.mp4")
        wanted = "leads out of the dataset's folder"
    with pytest.raises(DatasetError, match=wanted):
        load_demonstrations(exact)


def test_an_interrupted_decoding_goes_on_where_it_stopped(exact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = load_demonstrations(exact)
    pictures = {key: np.array(value) for key, value in wanted.images.items()}
    shutil.rmtree(exact / "cache")
    decoded: list[Path] = []

    def fail(path: Path, *arguments: object) -> object:
        decoded.append(path)
        if len(decoded) == 4:
            raise KeyboardInterrupt
        return video_frames(path, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(decode, "video_frames", fail)
    with pytest.raises(KeyboardInterrupt):
        load_demonstrations(exact)
    assert not (exact / "cache" / "complete").exists()
    after = load_demonstrations(exact)
    assert len(decoded) == 4 + 3, "three of six episodes of a camera were done"
    for key, value in pictures.items():
        np.testing.assert_array_equal(after.images[key], value)
    assert [path.name for path in exact.glob("cache*")] == ["cache"]


def test_episodes_of_one_number_are_all_decoded(exact: Path) -> None:
    before = np.array(load_demonstrations(exact).images["front"])
    path = exact / "meta/episodes/chunk-000/file-000.parquet"
    rows = pq.read_table(path).to_pylist()
    pq.write_table(pa.Table.from_pylist([row | {"episode_index": 0} for row in rows]), path)
    np.testing.assert_array_equal(load_demonstrations(exact).images["front"], before)


def test_a_changed_dataset_is_decoded_anew(exact: Path, film: Callable[..., np.ndarray]) -> None:
    before = np.array(load_demonstrations(exact).images["front"])
    encode_video(exact / VIDEO, film(24, seed=9), VideoFormat(20, **EXACT))
    after = load_demonstrations(exact).images["front"]
    np.testing.assert_array_equal(after, film(24, seed=9))
    assert (before != after).any()


@pytest.mark.parametrize("call", ["posix_fallocate", "pwrite"])
def test_a_full_disk_is_one_line(exact: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(
            DatasetError, match=r"cannot be written: the disk is full\. Copy the dataset to where there is"
        ):
            load_demonstrations(exact)
    assert len(load_demonstrations(exact).state) == 24


@pytest.mark.parametrize(
    ("largest", "kept"), [((32, 32), (24, 32)), ((40, 20), (20, 26)), ((64, 48), (48, 64)), ((500, 500), (48, 64))]
)
@pytest.mark.parametrize("video", [True, False])
def test_pictures_are_kept_as_large_as_the_policy_sees_them(
    largest: tuple[int, int], kept: tuple[int, int], video: bool, tmp_path: Path, film_dataset: Callable[..., Path]
) -> None:
    import torch

    from hume_core.images import prepare_image

    root = film_dataset(tmp_path / "data", video=VideoFormat(20, **EXACT) if video else None)
    whole, small = load_demonstrations(root).images["front"], load_demonstrations(root, largest).images["front"]
    assert small.shape[1:3] == kept
    apart = (
        prepare_image(torch.from_numpy(np.array(whole)), largest)
        - prepare_image(torch.from_numpy(np.array(small)), largest)
    ).abs()
    assert float(apart.max()) <= 2.0 * 1.01 / 255.0, "to a grey level, the model sees the same"


def test_videos_are_closed_and_few_frames_are_held(exact: Path) -> None:
    """Pictures are yielded one by one, and a decoder is not kept open."""
    times = np.arange(24) / 20.0
    pictures = video_frames(exact / VIDEO, times, (48, 64), (48, 64))
    assert next(pictures).shape == (48, 64, 3)
    pictures.close()  # type: ignore[attr-defined]
    with av.open(str(exact / VIDEO)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
