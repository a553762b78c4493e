"""What came of many chunks from the same state: data that tells a critic which action is right.

A folder of safetensors files, one per part, and `branches.json` beside them. Demonstrations and rollouts hold one
action per state, which is the one that was carried out. A branch is a copy of the simulator in which another one was.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from hume_core.errors import DatasetError

INFO = "branches.json"
_PART = "part-{:05d}.safetensors"
_IMAGE = "images."
_TASKS = "tasks"


class Kind(enum.IntEnum):
    """Where a chunk comes from. Only the first kind is what System 2 proposes here."""

    CANDIDATE = 0
    OTHER_CUBE = 1
    """A candidate for an instruction that names another cube."""
    GRIPPER = 2
    """A candidate whose gripper stays closed, or open, throughout."""
    OTHER_SCENE = 3
    """A candidate of another scene."""


@dataclass(frozen=True)
class Branches:
    """S states, from each of which K chunks were carried out.

    Attributes:
        images: uint8 RGB (S, height, width, 3) by camera key.
        state: (S, s) float32, real units.
        tasks: instruction of each state.
        episodes: (S,) which episode a state is of. Scenes, in fact: no two episodes have the same.
        chunks: (S, K, H, A) float32, normalised and padded, with the noise that candidates keep.
        seconds: (S, K) from the observation to success, s. Infinite: it never came.
        kinds: (S, K) of `Kind`.
    """

    images: Mapping[str, NDArray[np.uint8]]
    state: NDArray[np.float32]
    tasks: Sequence[str]
    episodes: NDArray[np.int64]
    chunks: NDArray[np.float32]
    seconds: NDArray[np.float32]
    kinds: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.state)

    def part(self, states: NDArray[np.int64]) -> Branches:
        """Some of the states."""
        return Branches(
            {key: pixels[states] for key, pixels in self.images.items()},
            self.state[states],
            [self.tasks[i] for i in states],
            self.episodes[states],
            self.chunks[states],
            self.seconds[states],
            self.kinds[states],
        )


def joined(parts: Sequence[Branches]) -> Branches:
    """Several as one.

    Raises:
        DatasetError: there is none, or their shapes differ.
    """
    if not parts:
        raise DatasetError("there are no branches. Record some with hume collect --policy CHECKPOINT --branches N")
    shapes = {(part.chunks.shape[1:], part.state.shape[1], tuple(part.images)) for part in parts}
    if len(shapes) > 1:
        raise DatasetError("branches differ in cameras, or in the shapes of states or chunks. Give those of one policy")
    return Branches(
        {key: np.concatenate([part.images[key] for part in parts]) for key in parts[0].images},
        np.concatenate([part.state for part in parts]),
        [task for part in parts for task in part.tasks],
        np.concatenate([part.episodes for part in parts]),
        np.concatenate([part.chunks for part in parts]),
        np.concatenate([part.seconds for part in parts]),
        np.concatenate([part.kinds for part in parts]),
    )


def save_part(folder: Path, number: int, branches: Branches) -> None:
    """Write the n-th part, atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, NDArray[Any]] = {
        f"{_IMAGE}{key}": np.ascontiguousarray(pixels) for key, pixels in branches.images.items()
    }
    arrays |= {
        "state": branches.state, "episodes": branches.episodes, "chunks": branches.chunks, "seconds": branches.seconds,
        "kinds": branches.kinds,
    }  # fmt: skip
    path = folder / _PART.format(number)
    partial = path.with_suffix(".partial")
    save_file(arrays, partial, metadata={_TASKS: json.dumps(list(branches.tasks))})
    partial.rename(path)


def saved_parts(folder: Path) -> set[int]:
    """Numbers of the parts that are complete."""
    return {int(path.stem.removeprefix("part-")) for path in folder.glob("part-*.safetensors")}


def load_branches(folders: str) -> Branches:
    """Read one folder, or several separated by commas. Those of one folder are other episodes than those of the next.

    Raises:
        DatasetError: a folder holds no branches, or a part is damaged.
    """
    parts: list[Branches] = []
    for number, name in enumerate(folders.split(",")):
        folder = Path(name.strip())
        paths = sorted(folder.glob("part-*.safetensors"))
        if not (folder / INFO).is_file() or not paths:
            raise DatasetError(f"{folder} holds no finished branches. Record them with hume collect --branches N")
        for path in paths:
            part = _load(path)
            parts.append(part)
            part.episodes[:] += number * 10**9
    return joined(parts)


def _load(path: Path) -> Branches:
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            tasks = json.loads((file.metadata() or {})[_TASKS])
        images = {key.removeprefix(_IMAGE): array for key, array in arrays.items() if key.startswith(_IMAGE)}
        names = ("episodes", "chunks", "seconds", "kinds")
        return Branches(images, arrays["state"], tasks, *(arrays[name] for name in names))
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise DatasetError(f"{path} is damaged: {error}. Remove it and record again") from error
