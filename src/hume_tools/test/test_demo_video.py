"""Films of the demo: both kinds of file, real time, text above the scene."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from hume_bench.demo.video import Image, VideoWriter, annotate
from hume_bench.demo.video_format import FORMATS, check_video_file
from hume_core.errors import ConfigError
from hume_tools.cli.main import app


def scene(shade: int, size: tuple[int, int] = (480, 480)) -> Image:
    frame = np.full((*size, 3), shade, dtype=np.uint8)
    frame[: size[0] // 2, :, 0] = 200
    return frame


def film(path: Path, moments: list[float], size: tuple[int, int] = (480, 480)) -> list[Image]:
    """The frames of a film of scenes that were seen at these moments, s."""
    writer = VideoWriter(path)
    for k, moment in enumerate(moments):
        writer.add(scene(5 * k % 200, size), ["lift the red cube", f"frame {k}"], moment)
    writer.close()
    capture, frames = cv2.VideoCapture(str(path)), []
    while True:
        there, frame = capture.read()
        if not there:
            return frames
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))


def test_a_gif_is_small_and_shows_the_scene_below_the_text(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.gif"
    frames = film(path, [0.1 * k for k in range(20)])
    assert path.read_bytes().startswith(b"GIF89a")
    assert len(frames) == 20
    height, width, _ = frames[-1].shape
    assert width == FORMATS[".gif"].width
    assert height > width
    band = height - width
    assert frames[-1][:band].max() > 200  # letters
    np.testing.assert_allclose(frames[-1][band + 5, 10], [200, 95, 95], atol=12)
    np.testing.assert_allclose(frames[-1][-5, 10], [95, 95, 95], atol=12)


def test_an_mp4_keeps_the_size_of_the_scene(tmp_path: Path) -> None:
    frames = film(tmp_path / "a.mp4", [k / 15.0 for k in range(10)], (120, 160))
    assert len(frames) == 10
    assert frames[0].shape[1] == 160
    assert frames[0].shape[0] > 120


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
@pytest.mark.parametrize("rate", [4.0, 15.0, 40.0])
def test_a_film_runs_in_real_time_whatever_the_camera_delivers(tmp_path: Path, suffix: str, rate: float) -> None:
    moments = [1000.0 + k / rate for k in range(round(3.0 * rate))]
    assert len(film(tmp_path / f"a{suffix}", moments, (64, 64))) == pytest.approx(
        3.0 * FORMATS[suffix].rate, abs=1.0 + FORMATS[suffix].rate / rate
    )


@pytest.mark.parametrize("next_scene", [60.0, -5.0])
def test_the_pause_between_two_scenes_is_left_out(tmp_path: Path, next_scene: float) -> None:
    moments = [0.1 * k for k in range(10)] + [next_scene + 0.1 * k for k in range(10)]
    assert len(film(tmp_path / "a.gif", moments, (64, 64))) == pytest.approx(20, abs=1)


@pytest.mark.parametrize("name", ["a.avi", "a", "gif", "a.svg"])
def test_other_files_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"must end in one of: \.mp4, \.gif"):
        check_video_file(tmp_path / name)
    with pytest.raises(ConfigError):
        VideoWriter(tmp_path / name)
    assert isinstance(CliRunner().invoke(app, ["demo", "--video", name]).exception, ConfigError)


def test_a_film_without_frames_leaves_nothing(tmp_path: Path) -> None:
    VideoWriter(tmp_path / "a.gif").close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lines", [[], ["one"], ["one", "two", "three"], ["1", "2", "3", "4"]])
def test_the_band_of_text_is_as_high_for_any_number_of_lines(lines: list[str]) -> None:
    picture = annotate(scene(100), lines)
    assert picture.shape == annotate(scene(100), ["a"]).shape
    np.testing.assert_array_equal(picture[-480:], scene(100))
