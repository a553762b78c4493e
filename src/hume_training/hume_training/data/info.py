"""`meta/info.json` of a dataset: checked whole before anything else is read or written."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from hume_core.errors import DatasetError
from hume_core.json_file import read_json
from hume_core.texts import shortened, shown
from hume_training.data.columns import flat_names
from hume_training.data.layout import ACTION, ENVIRONMENT, IMAGE_PREFIX, INFO, PERTURBED, STATE, SUCCESS

_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\- ]{0,149}")
"""A key becomes the name of a file."""
_PLACEHOLDER = re.compile(r"\{(chunk_index|file_index)(?::0?([1-9]))?d?\}")
_MOST_FEATURES = 1000
_LARGEST_SIDE = 16_384
_MOST_NUMBERS = 100_000_000
_MOST_FRAMES = 1_000_000_000
_SLOWEST, _FASTEST = 0.1, 1000
_WANTED = {STATE: "float32", ACTION: "float32", ENVIRONMENT: "float32"}
_FLAGS = (PERTURBED, SUCCESS)
_TASK = "task_index"

Shape = tuple[int, ...]


@dataclass(frozen=True)
class DatasetInfo:
    """What `meta/info.json` says, checked.

    Attributes:
        fps: frames per second.
        features: key -> (dtype, shape).
        frames, episodes: how many there are.
        data_path: pattern of the data files. See `data_file`.
        names: key -> names of its numbers, where the file lists as many as there are, in whatever form.
    """

    fps: float
    features: Mapping[str, tuple[str, Shape]]
    frames: int
    episodes: int
    data_path: str
    names: Mapping[str, tuple[str, ...]]

    @property
    def cameras(self) -> list[str]:
        """Camera keys, without their prefix."""
        return [key.removeprefix(IMAGE_PREFIX) for key in self.features if key.startswith(IMAGE_PREFIX)]

    @property
    def decoded(self) -> dict[str, tuple[str, Shape]]:
        """Key -> (dtype, shape of the whole) of the arrays that a reader makes of the dataset."""
        arrays = {}
        for key, (dtype, shape) in self.features.items():
            if key.startswith(IMAGE_PREFIX) or key in (*_WANTED, *_FLAGS, _TASK):
                kind = "uint8" if dtype == "image" else dtype
                arrays[key] = (kind, (self.frames, *(() if shape == (1,) else shape)))
        return arrays

    def data_file(self, chunk_index: int, file_index: int) -> str:
        """Path of a data file below the dataset's folder."""
        return self.data_path.format(chunk_index=chunk_index, file_index=file_index)


def read_info(root: Path) -> DatasetInfo:
    """Read and check `meta/info.json`.

    Raises:
        DatasetError: missing, no JSON, of another version, with an unknown rate or missing features, or with keys,
            sizes or paths that no dataset has.
    """
    path = root / INFO
    content = read_json(path, DatasetError, missing="A LeRobot dataset (v3.0) has it")
    if not isinstance(content, dict):
        raise DatasetError(f"{path} must hold one JSON object; found {shown(content)}")
    version = str(content.get("codebase_version"))
    if not version.startswith("v3."):
        raise DatasetError(f"{path}: codebase_version is '{shortened(version)}'; only v3.x can be read")
    fps = content.get("fps")
    if not isinstance(fps, int | float) or isinstance(fps, bool) or not _SLOWEST <= fps <= _FASTEST:
        raise DatasetError(
            f"{path}: fps is {shown(fps)}; the frames per second must be known, from {_SLOWEST} to {_FASTEST}: they "
            "are the time between two rows of a chunk"
        )
    listed = content.get("features")
    if not isinstance(listed, dict) or len(listed) > _MOST_FEATURES:
        raise DatasetError(f"{path}: features must be an object of at most {_MOST_FEATURES} keys")
    features = {key: _feature(path, key, item) for key, item in listed.items()}
    frames, episodes = (_count(path, content, key) for key in ("total_frames", "total_episodes"))
    names = {key: flat_names(item.get("names"), math.prod(features[key][1])) for key, item in listed.items()}
    info = DatasetInfo(float(fps), features, frames, episodes, _data_path(path, content.get("data_path")), names)
    _check_meaning(path, info)
    return info


def _feature(path: Path, key: str, item: Any) -> tuple[str, Shape]:
    """(dtype, shape) of one feature."""
    if not _KEY.fullmatch(key) or ".." in key:
        raise DatasetError(
            f"{path}: the key {shown(key)} cannot be one: valid are up to 150 letters, digits, '_', '-', spaces and "
            "single dots, since it names a file"
        )
    dtype = item.get("dtype") if isinstance(item, dict) else None
    shape = item.get("shape") if isinstance(item, dict) else None
    if not isinstance(dtype, str):
        raise DatasetError(f"{path}: key '{key}' needs 'dtype' and 'shape'; found {shown(item)}")
    sides = shape if isinstance(shape, list) and len(shape) <= 8 else [0]
    whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
    if not whole or not all(1 <= side <= _LARGEST_SIDE for side in sides) or math.prod(sides) > _MOST_NUMBERS:
        raise DatasetError(
            f"{path}: key '{key}' has shape {shown(shape)}; valid: whole numbers from 1 to {_LARGEST_SIDE}"
        )
    return dtype, tuple(sides)


def _count(path: Path, content: Mapping[str, Any], key: str) -> int:
    value = content.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST_FRAMES:
        raise DatasetError(f"{path}: {key} is {shown(value)}; valid: a whole number from 0 to {_MOST_FRAMES}")
    return value


def _data_path(path: Path, pattern: Any) -> str:
    """A relative path within the folder, whose only placeholders are the two indices."""
    plain = _PLACEHOLDER.sub("0", pattern) if isinstance(pattern, str) and len(pattern) <= 500 else "{"
    parts = PurePosixPath(plain).parts
    if any(sign in plain for sign in "{}\0\n\\") or plain.startswith("/") or ".." in parts or not parts:
        raise DatasetError(
            f"{path}: data_path is {shown(pattern)}; valid: a path below the dataset's folder, with "
            "{chunk_index:03d} and {file_index:03d}"
        )
    return str(pattern)


def _check_meaning(path: Path, info: DatasetInfo) -> None:
    """Features that have a meaning here must be of the type that it needs."""
    for key in (STATE, ACTION):
        if key not in info.features:
            raise DatasetError(f"{path}: key '{key}' must be a float32 vector; found None")
    for key, (dtype, shape) in info.features.items():
        found = f"found {shortened(dtype, 30)} {shape}"
        if key in _WANTED and (dtype != _WANTED[key] or len(shape) != 1):
            raise DatasetError(f"{path}: key '{key}' must be a float32 vector; {found}")
        if key in _FLAGS and (dtype != "bool" or shape != (1,)):
            raise DatasetError(f"{path}: key '{key}' must be one bool; {found}")
        if key == _TASK and (dtype != "int64" or shape != (1,)):
            raise DatasetError(f"{path}: key '{key}' must be one int64; {found}")
        if key.startswith(IMAGE_PREFIX) and (dtype != "image" or len(shape) != 3 or shape[2] != 3):
            raise DatasetError(
                f"{path}: key '{key}' is {shortened(dtype, 30)} {shape}; expected image (height, width, 3)"
            )
    if _TASK not in info.features:
        raise DatasetError(f"{path}: key '{_TASK}' is missing; it says which sentence a frame belongs to")
    if not info.cameras:
        raise DatasetError(f"{path}: no key starts with '{IMAGE_PREFIX}'; at least one camera is needed")
