"""Datasets that ship with the tests: one of our writer, the others of LeRobot 0.6 in three codecs and as images."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from hume_training.data.reader import load_demonstrations

HOME = Path(__file__).parent / "fixtures"
LENGTHS = [7, 9, 5]
SENTENCES = ["lift"] * 4 + ["place"] * 3 + ["wait"] * 9 + ["place"] * 2 + ["lift"] * 3


@pytest.mark.parametrize("name", ["ours_video", "lerobot_h264", "lerobot_hevc", "lerobot_av1", "lerobot_images"])
def test_shipped_datasets_are_read(name: str, tmp_path: Path) -> None:
    data = load_demonstrations(shutil.copytree(HOME / name, tmp_path / name))
    assert data.fps == 30.0
    assert data.lengths.tolist() == LENGTHS
    wanted = np.arange(21)[:, None] + np.arange(7) / 10.0
    np.testing.assert_allclose(data.state, wanted, rtol=1e-6)
    np.testing.assert_allclose(data.action, wanted + 1.0, rtol=1e-6)
    (pictures,) = data.images.values()
    rows, columns = np.mgrid[:64, :64]
    grey = np.stack([20 + rows // 2 + columns // 2 + 5 * frame for frame in range(21)])
    apart = np.abs(np.asarray(pictures).astype(int) - grey[..., None]).mean(axis=(1, 2, 3))
    assert apart.max() < 2.5, "neighbours differ by 5"
    theirs = name.startswith("lerobot")
    assert data.instructions(np.arange(21)) == (SENTENCES if theirs else ["lift"] * 7 + ["wait"] * 9 + ["place"] * 5)
    assert list(data.images) == (["image"] if theirs else ["front"])
    assert data.action_names == (*(f"joint_{number}" for number in range(6)), "gripper")


def test_the_shipped_datasets_are_small() -> None:
    assert sum(path.stat().st_size for path in HOME.rglob("*") if path.is_file()) < 1_500_000
