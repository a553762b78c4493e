"""A training sees the same in a video as in the pictures that it was made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hume_training.data.reader import load_demonstrations
from hume_training.data.video_format import VideoFormat
from hume_training.training.config import System2Config
from hume_training.training.system2 import train_system2

STEPS = 4
EXACT = VideoFormat(20, "libx264rgb", "rgb24", 0)
LARGEST = 0.02
"""Of the difference of a loss where the video is lossy, as a share of the loss."""


def losses(dataset: Path, output: Path) -> list[float]:
    """Loss of every step."""
    content = {"dataset": str(dataset), "output": str(output), "steps": STEPS, "batch_size": 4, "warmup_steps": 1}
    config = System2Config.from_dict(content | {"log_every": 1, "save_every": 100, "auxiliary_weight": 0.0})
    assert train_system2(config).finished
    return [json.loads(line)["loss"] for line in (output / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("size", [(48, 64), (96, 128)])
def test_the_loss_on_a_lossless_video_is_that_on_the_pictures(
    size: tuple[int, int], tmp_path: Path, film_dataset: Callable[..., Path]
) -> None:
    roots = [film_dataset(tmp_path / name, video=video, size=size) for name, video in (("png", None), ("mp4", EXACT))]
    png, mp4 = (losses(root, tmp_path / f"run_{root.name}") for root in roots)
    assert len(png) == STEPS
    np.testing.assert_allclose(mp4, png, rtol=0.0, atol=1e-5)
    assert (roots[1] / ("cache_64x64" if size == (96, 128) else "cache")).is_dir(), "larger pictures are shrunk"


def test_the_loss_on_a_usual_video_is_near(tmp_path: Path, film_dataset: Callable[..., Path]) -> None:
    roots = [film_dataset(tmp_path / name, video=video) for name, video in (("png", None), ("mp4", VideoFormat(20)))]
    png, mp4 = (losses(root, tmp_path / f"run_{root.name}") for root in roots)
    np.testing.assert_allclose(mp4, png, rtol=LARGEST)
    pictures = [load_demonstrations(root).images["front"].astype(int) for root in roots]
    assert (pictures[0] != pictures[1]).any(), "the video is lossy, so the losses could differ"
