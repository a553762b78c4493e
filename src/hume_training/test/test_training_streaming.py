"""Images of a dataset that is larger than the memory are read as their frames are drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hume_core.config import HumeConfig
from hume_training.data import cache
from hume_training.data.demonstrations import Demonstrations, joined
from hume_training.data.reader import load_demonstrations
from hume_training.initialize import create_checkpoint
from hume_training.presets import TABLETOP
from hume_training.training.batches import Batches
from hume_training.training.config import System2Config
from hume_training.training.sampling import step_generator
from hume_training.training.taught import taught_rows

SIDE, LEAST_FRAMES = 256, 10_000
MEGABYTE = 1 << 20


def anonymous() -> int:
    """Bytes of this process that are no pages of files."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def large(data: Demonstrations, folder: Path) -> Demonstrations:
    """The demonstrations over and over, with large images of two cameras in files of holes: 4 GB that take no disk."""
    times = -(-LEAST_FRAMES // len(data.state))
    many = joined([replace(data, images={}, environment=None, success=None)] * times)
    shape = (len(many.state), SIDE, SIDE, 3)
    images = {key: np.lib.format.open_memmap(folder / f"{key}.npy", "w+", "uint8", shape) for key in data.images}
    return replace(many, images=images)


@pytest.mark.parametrize("folders", [1, 3])
def test_memory_stays_bounded(data: Demonstrations, tmp_path: Path, folders: int) -> None:
    whole = large(data, tmp_path)
    whole = joined([whole] * folders) if folders > 1 else whole
    config = System2Config.from_dict({"dataset": "d", "output": "o"})
    rows = taught_rows(config, whole)
    checkpoint = create_checkpoint(
        tmp_path / "sizes", TABLETOP, cameras=tuple(whole.images), action_dim=rows.action_dim
    )
    sizes = HumeConfig.load(checkpoint / "config.json")
    batches = Batches(rows, sizes, seed=0, batch_size=32, image_shift=4)
    batches.observation(batches.draw(0), step_generator(0, 0))
    before, drawn = anonymous(), 0
    for step in range(1, 40):
        observation = batches.observation(batches.draw(step), step_generator(0, step))
        drawn += sum(np.asarray(image).nbytes for image in observation.images.values())
    assert drawn > 400 * MEGABYTE
    assert anonymous() - before < 64 * MEGABYTE


@pytest.mark.parametrize(("free", "mapped"), [(0.0, True), (1e3, True), (1e15, False)])
def test_what_does_not_fit_is_not_read_whole(
    dataset: Path, monkeypatch: pytest.MonkeyPatch, free: float, mapped: bool
) -> None:
    whole = load_demonstrations(dataset)
    monkeypatch.setattr(cache, "free_memory", lambda: free)
    found = load_demonstrations(dataset)
    for key, images in found.images.items():
        assert isinstance(images, np.memmap) == mapped
        assert np.array_equal(images[:50], whole.images[key][:50])
