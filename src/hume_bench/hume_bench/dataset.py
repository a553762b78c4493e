"""`hume bench dataset`: the first epoch over a dataset with video, beside LeRobot's own loader."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from hume_core.errors import DatasetError
from hume_core.json_report import write_json
from hume_training.data.layout import ACTION, IMAGE_PREFIX, STATE, Feature, camera_feature
from hume_training.data.reader import load_demonstrations
from hume_training.data.writer import EpisodeData, finish, stage_shard

SIDE, FPS, EPISODE, BATCH = 256, 30, 250, 64
_CAMERAS = ("front", "wrist")
_NUMBERS = 7

# Run by LeRobot's Python. What it prints last is read here.
_LEROBOT = """
import json, resource, sys, time
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset

def memory():
    lines = open("/proc/self/status").read().splitlines()
    return {line.split()[0]: int(line.split()[1]) / 1024 for line in lines if line.startswith(("VmHWM", "RssAnon"))}

root, batch, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
begin, started = time.perf_counter(), time.process_time()
dataset = LeRobotDataset("owner/data", root=root, return_uint8=True)
loader = torch.utils.data.DataLoader(dataset, batch_size=batch, shuffle=True, num_workers=workers)
frames, first, anonymous = 0, 0.0, 0.0
for items in loader:
    frames += len(items["action"])
    first = first or time.perf_counter() - begin
    anonymous = max(anonymous, memory()["RssAnon:"])
took = time.perf_counter() - begin
used = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = time.process_time() - started + used.ru_utime + used.ru_stime
found = {"frames": frames, "first_batch_s": first, "epoch_s": took, "cpu_s": cpu}
print(json.dumps(found | {"resident_mb": memory()["VmHWM:"], "own_mb": anonymous}))
"""


@dataclass(frozen=True)
class Epoch:
    """One pass over all frames in random order.

    Attributes:
        loader: whose.
        frames: that were read.
        first_batch_s: from the start of the program's reading to the first batch, s.
        epoch_s: to the last one, s.
        cpu_s: time of processors meanwhile, s. Other programs on the machine change it little.
        resident_mb: most memory of the process, MB. Mapped files count, although the system may take it back.
        own_mb: of that, what belongs to no file.
    """

    loader: str
    frames: int
    first_batch_s: float
    epoch_s: float
    cpu_s: float
    resident_mb: float
    own_mb: float


def run_bench(json_file: Path | None, frames: int, lerobot: str = "", workers: int = 0) -> int:
    """Measure both loaders. Print a table, write the figures where asked.

    Args:
        json_file: where to.
        frames: of the dataset.
        lerobot: path of a Python that has LeRobot. Empty: it is left out.
        workers: processes of LeRobot's loader besides its own.

    Raises:
        DatasetError: the disk has no room, or LeRobot's Python fails.
    """
    with tempfile.TemporaryDirectory(prefix="hume_bench_") as folder:
        root = Path(folder) / "data"
        made = _make(root, frames)
        results = [_measured(root, "first epoch"), _measured(root, "later epoch")]
        stored, cached = (_size(part) for part in (root / "videos", root / "cache"))
        if lerobot:
            shutil.rmtree(root / "cache")
            results.append(_lerobot(root, lerobot, workers))
    table = Table("loader", "frames", "first batch s", "epoch s", "cpu s", "resident MB", "own MB")
    for result in results:
        table.add_row(
            result.loader,
            str(result.frames),
            f"{result.first_batch_s:.1f}",
            f"{result.epoch_s:.1f}",
            f"{result.cpu_s:.1f}",
            f"{result.resident_mb:.0f}",
            f"{result.own_mb:.0f}",
        )
    console = Console()
    console.print(table)
    console.print(
        f"{len(_CAMERAS)} cameras of {SIDE}x{SIDE}; written in {made:.1f} s: {stored:.0f} MB; decoded: {cached:.0f} MB"
    )
    if json_file is not None:
        write_json(json_file, {"stored_mb": stored, "decoded_mb": cached, "epochs": [asdict(item) for item in results]})
    return 0


def _size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def _make(root: Path, frames: int) -> float:
    """Write the dataset. Returns how long it took, s."""
    begin = time.perf_counter()
    numbers = tuple(f"joint_{number}" for number in range(_NUMBERS - 1))
    vector = Feature("float32", (_NUMBERS,), (*numbers, "gripper"))
    camera = camera_feature(SIDE, SIDE, FPS)
    features = {**{f"{IMAGE_PREFIX}{name}": camera for name in _CAMERAS}, STATE: vector, ACTION: vector}
    for number, first in enumerate(range(0, frames, EPISODE)):
        length = min(EPISODE, frames - first)
        rows = np.random.default_rng(number).normal(size=(length, _NUMBERS)).astype(np.float32)
        films = {f"{IMAGE_PREFIX}{name}": _film(length, 2 * number + k) for k, name in enumerate(_CAMERAS)}
        stage_shard(root, number, [EpisodeData({**films, STATE: rows, ACTION: rows}, "lift", number, True)], features)
    finish(root, features, FPS, "bench")
    return time.perf_counter() - begin


def _film(length: int, seed: int) -> NDArray[np.uint8]:
    """A textured scene in which a square moves: (length, SIDE, SIDE, 3)."""
    numbers = np.random.default_rng(seed)
    coarse = numbers.integers(40, 200, (SIDE // 8, SIDE // 8, 3))
    scene = np.kron(coarse, np.ones((8, 8, 1))) + numbers.normal(0.0, 4.0, (SIDE, SIDE, 3))
    frames = np.repeat(scene.clip(0, 255).astype(np.uint8)[None], length, axis=0)
    for frame in range(length):
        row, column = (int((SIDE - 48) * (0.5 + 0.5 * np.sin(0.05 * frame + phase))) for phase in (0.0, 1.3))
        frames[frame, row : row + 48, column : column + 48] = numbers.integers(0, 256, 3)
    return frames


def _measured(root: Path, name: str) -> Epoch:
    """In a process of its own: its memory is that of the reading alone."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return Epoch(f"hume, {name}", **pool.apply(_epoch, (str(root),)))


def _epoch(root: str) -> dict[str, Any]:
    begin, started = time.perf_counter(), time.process_time()
    data = load_demonstrations(root)
    order = np.random.default_rng(0).permutation(len(data.state))
    first, own = 0.0, 0.0
    for start in range(0, len(order), BATCH):
        frames = order[start : start + BATCH]
        for pictures in data.images.values():
            np.ascontiguousarray(pictures[frames])
        first = first or time.perf_counter() - begin
        own = max(own, _memory("RssAnon"))
    took = time.perf_counter() - begin
    return {
        "frames": len(order),
        "first_batch_s": first,
        "epoch_s": took,
        "cpu_s": time.process_time() - started,
        "resident_mb": _memory("VmHWM"),
        "own_mb": own,
    }


def _memory(field: str) -> float:
    """A line of the process's status, MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024.0 for line in lines if line.startswith(field))


def _lerobot(root: Path, python: str, workers: int) -> Epoch:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    home = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(root.parent / "home"), "HF_LEROBOT_HOME": str(root.parent / "home")}
    words = [python, "-c", _LEROBOT, str(root), str(BATCH), str(workers)]
    try:
        done = subprocess.run(words, env=environment | home, capture_output=True, text=True, check=False)
        found = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    except (OSError, IndexError, ValueError) as error:
        raise DatasetError(f"'{python}' cannot read the dataset: {error}. It must have lerobot[dataset]") from error
    if found is None:
        reason = next(iter(reversed(done.stderr.strip().splitlines())), "no message")
        raise DatasetError(f"'{python}' cannot read the dataset: {reason}. It must have lerobot[dataset]")
    name = f"LeRobot, {workers} workers" if workers else "LeRobot"
    return Epoch(name, **found)
