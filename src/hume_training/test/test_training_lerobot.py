"""LeRobot itself opens, edits and appends to what is written here, and what it writes is read here.

Not run by default: LeRobot has another Python and other packages. `HUME_LEROBOT_PYTHON=PYTHON ./hume test -m lerobot`
runs it, with the path of a Python that has `lerobot[dataset]`.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hume_training.data.reader import load_demonstrations
from hume_training.data.statistics import of_numbers
from hume_training.data.video_format import VideoFormat

pytestmark = [pytest.mark.lerobot, pytest.mark.timeout(900)]
PYTHON = "HUME_LEROBOT_PYTHON"
FRONT, WRIST = "observation.images.front", "observation.images.wrist"
LENGTHS = (7, 12, 5)
SIZE = (64, 96)


@pytest.fixture
def lerobot(tmp_path: Path) -> Callable[..., None]:
    """Runs a command of `lerobot_tools.py` in LeRobot's own Python."""
    python = os.environ.get(PYTHON)
    assert python, f"set {PYTHON} to the path of a Python that has lerobot[dataset]"

    def run(command: str, **arguments: Any) -> None:
        given = json.dumps({key: _plain(value) for key, value in arguments.items()})
        home = tmp_path / "lerobot_home"
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "HF_"))}
        environment |= {
            "HF_HUB_OFFLINE": "1",
            "HF_LEROBOT_HOME": str(home),
            "HF_HOME": str(home),
            "CUDA_VISIBLE_DEVICES": "",
        }
        script = str(Path(__file__).with_name("lerobot_tools.py"))
        done = subprocess.run(
            [python, script, command, given], env=environment, capture_output=True, text=True, timeout=800, check=False
        )
        assert done.returncode == 0, done.stderr[-4000:]

    return run


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return [_plain(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(params=["video", "images"])
def root(request: pytest.FixtureRequest, tmp_path: Path, film_dataset: Callable[..., Path]) -> Path:
    """A dataset of ours."""
    video = VideoFormat(20) if request.param == "video" else None
    return film_dataset(tmp_path / "ours", LENGTHS, video, SIZE)


def iterated(lerobot: Callable[..., None], root: Path) -> dict[str, np.ndarray]:
    """Every frame as LeRobot sees it."""
    lerobot("read", root=root, output=root.parent / "read.npz")
    return dict(np.load(root.parent / "read.npz"))


def agree(found: dict[str, np.ndarray], root: Path, apart: float = 1.01) -> None:
    """LeRobot and we see the same frames."""
    data = load_demonstrations(root)
    np.testing.assert_array_equal(found["action"], data.action)
    np.testing.assert_array_equal(found["observation.state"], data.state)
    assert list(found["task"]) == data.instructions(np.arange(len(data.state)))
    for name, pictures in data.images.items():
        difference = np.abs(found[f"observation.images.{name}"].astype(int) - pictures)
        assert difference.max(axis=(1, 2, 3)).mean() <= apart + 2.0
        assert difference.mean() < apart


def test_opens_and_iterates(lerobot: Callable[..., None], root: Path) -> None:
    found = iterated(lerobot, root)
    assert len(found["action"]) == sum(LENGTHS)
    agree(found, root)


def test_deletes_episodes(lerobot: Callable[..., None], root: Path) -> None:
    before = load_demonstrations(root)
    less = root.parent / "less"
    lerobot("delete", root=root, episodes=[1], output=less)
    after = load_demonstrations(less)
    np.testing.assert_array_equal(after.action, np.delete(before.action, np.s_[7:19], axis=0))
    assert after.tasks == ["lift the cube", "lift the cube"]
    agree(iterated(lerobot, less), less)
    whole = json.loads((less / "meta/stats.json").read_text())
    assert whole["action"]["count"] == [12]
    assert "q99" in whole[FRONT]


def test_splits(lerobot: Callable[..., None], root: Path) -> None:
    before = load_demonstrations(root)
    lerobot("split", root=root, splits={"train": [0, 2], "val": [1]}, output=root.parent / "parts")
    after = load_demonstrations(root.parent / "parts" / "val")
    np.testing.assert_array_equal(after.action, before.action[7:19])
    assert len(load_demonstrations(root.parent / "parts" / "train").lengths) == 2


def test_merges(lerobot: Callable[..., None], root: Path, film_dataset: Callable[..., Path], tmp_path: Path) -> None:
    video = VideoFormat(20) if (root / "videos").exists() else None
    other = film_dataset(tmp_path / "other", (4, 6), video, SIZE)
    merged = tmp_path / "merged"
    lerobot("merge", roots=[root, other], output=merged)
    data, parts = load_demonstrations(merged), [load_demonstrations(path) for path in (root, other)]
    np.testing.assert_array_equal(data.action, np.concatenate([part.action for part in parts]))
    for camera in data.images:
        wanted = np.concatenate([part.images[camera] for part in parts])
        np.testing.assert_array_equal(data.images[camera], wanted)
    agree(iterated(lerobot, merged), merged)


def test_appends_an_episode(lerobot: Callable[..., None], root: Path, film: Callable[..., np.ndarray]) -> None:
    before = load_demonstrations(root)
    rows = np.random.default_rng(3).normal(size=(9, 7)).astype(np.float32)
    columns = {
        FRONT: film(9, *SIZE, seed=8),
        WRIST: film(9, *SIZE, seed=9),
        "observation.state": rows,
        "action": rows + 1,
    }
    np.savez(root.parent / "more.npz", **columns, **{"next.success": np.zeros(9, bool)})
    lerobot("append", root=root, frames=root.parent / "more.npz")
    after = load_demonstrations(root)
    np.testing.assert_array_equal(after.action, np.concatenate([before.action, rows + 1]))
    assert after.tasks == [*before.tasks, "append"]
    np.testing.assert_array_equal(after.images["front"][:24], before.images["front"])
    agree(iterated(lerobot, root), root)


def test_makes_videos_of_pictures(
    lerobot: Callable[..., None], tmp_path: Path, film_dataset: Callable[..., Path]
) -> None:
    root = film_dataset(tmp_path / "ours", LENGTHS, None, SIZE)
    lerobot("to_video", root=root, output=tmp_path / "video")
    before, after = load_demonstrations(root), load_demonstrations(tmp_path / "video")
    np.testing.assert_array_equal(after.action, before.action)
    assert np.abs(after.images["front"].astype(int) - before.images["front"]).mean() < 14.0
    agree(iterated(lerobot, tmp_path / "video"), tmp_path / "video")


@pytest.mark.parametrize("codec", ["h264", "hevc", "libsvtav1", ""])
def test_reads_what_lerobot_writes(
    codec: str, lerobot: Callable[..., None], tmp_path: Path, film: Callable[..., np.ndarray]
) -> None:
    sentences = [["lift"] * 4 + ["place"] * 3, ["wait"] * 12, ["place"] * 2 + ["lift"] * 3]
    rows = np.random.default_rng(1).normal(size=(24, 7))
    columns = {"observation.image": film(24, *SIZE), "observation.state": rows, "action": rows + 1.0}
    features = {
        "observation.image": {
            "dtype": "video" if codec else "image",
            "shape": [3, *SIZE],
            "names": ["channels", "height", "width"],
        },
        "observation.state": {"dtype": "float64", "shape": [7], "names": None},
        "action": {"dtype": "float64", "shape": [7], "names": None},
    }
    np.savez(tmp_path / "frames.npz", **columns)
    root = tmp_path / "theirs"
    lerobot("write", root=root, frames=tmp_path / "frames.npz", fps=30, codec=codec, features=features, tasks=sentences)
    data = load_demonstrations(root)
    np.testing.assert_allclose(data.action, rows + 1.0, rtol=1e-6)
    assert data.instructions(np.arange(24)) == [sentence for episode in sentences for sentence in episode]
    assert data.fps == 30.0
    apart = np.abs(data.images["image"].astype(int) - columns["observation.image"]).mean(axis=(1, 2, 3))
    assert apart.max() < (14.0 if codec else 0.5), "neighbours differ by more than 15"
    seen = iterated(lerobot, root)["observation.image"].astype(int)
    assert np.abs(seen - data.images["image"]).mean() < 1.0


def test_statistics_are_those_of_lerobot(lerobot: Callable[..., None], tmp_path: Path) -> None:
    columns = {
        f"n{count}": np.random.default_rng(count).normal(size=(count, 3)).astype(np.float32) for count in (2, 50, 900)
    }
    np.savez(tmp_path / "numbers.npz", **columns)
    lerobot("statistics", numbers=tmp_path / "numbers.npz", output=tmp_path / "found.json")
    theirs = json.loads((tmp_path / "found.json").read_text())
    for key, values in columns.items():
        ours = of_numbers(values)
        assert set(theirs[key]) == set(ours)
        spread = values.max(0) - values.min(0)
        for name, found in ours.items():
            # LeRobot counts in 5000 bins.
            apart = np.abs(np.array(theirs[key][name]) - found)
            assert (apart <= 1e-5 + spread / 2500.0).all(), (key, name)


def test_the_cache_beside_the_files_disturbs_nobody(lerobot: Callable[..., None], root: Path) -> None:
    load_demonstrations(root)
    assert (root / "cache").is_dir()
    assert len(iterated(lerobot, root)["action"]) == 24
