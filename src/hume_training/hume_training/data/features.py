"""What the features of a dataset mean for a training: cameras, vectors, flags, the number of the task."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hume_core.errors import DatasetError
from hume_core.texts import listed, shortened, shown
from hume_training.data.layout import ACTION, ENVIRONMENT, IMAGE_PREFIX, PERTURBED, STATE, SUCCESS

TASK, TIMESTAMP = "task_index", "timestamp"
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\- ]{0,149}")
"""A key becomes the name of a file."""
_LARGEST_SIDE = 16_384
_MOST_NUMBERS = 100_000_000
_VECTORS = (STATE, ACTION, ENVIRONMENT)
_FLAGS = (PERTURBED, SUCCESS)
_NUMBERS = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")
_PREFIXES = (IMAGE_PREFIX, "observation.")
"""Of a camera's key; the rest is its name."""
_COLOURS = 3

Shape = tuple[int, ...]


@dataclass(frozen=True)
class StoredFeature:
    """An entry of `features` in `info.json`, checked.

    Attributes:
        dtype: as the file says it.
        shape: of one row, likewise.
        names: as the file says them.
        depth: a depth map, no colour picture.
    """

    dtype: str
    shape: Shape
    names: Any = None
    depth: bool = False

    @property
    def is_camera(self) -> bool:
        """Whether a row is a picture in colour."""
        return self.dtype in ("image", "video") and not self.depth

    @property
    def picture(self) -> tuple[int, int] | None:
        """(height, width) of a picture, stored with its channels first or last. None: it has not three of them."""
        if len(self.shape) != 3 or _COLOURS not in (self.shape[0], self.shape[2]):
            return None
        first = self.names[0] if isinstance(self.names, list) and self.names else ""
        channels_first = self.shape[2] != _COLOURS or (self.shape[0] == _COLOURS and str(first).startswith("channel"))
        return self.shape[1:] if channels_first else self.shape[:2]


def read_feature(path: Path, key: str, item: Any) -> StoredFeature:
    """Check one entry.

    Args:
        path: of `info.json`.
        key: of the entry.
        item: its content.

    Raises:
        DatasetError: a key, type or shape that no dataset has.
    """
    if not _KEY.fullmatch(key) or ".." in key:
        raise DatasetError(
            f"{path}: the key {shown(key)} cannot be one. Valid are up to 150 letters, digits, '_', '-', spaces and "
            "single dots, since it names a file"
        )
    dtype = item.get("dtype") if isinstance(item, dict) else None
    shape = item.get("shape") if isinstance(item, dict) else None
    if not isinstance(dtype, str):
        raise DatasetError(f"{path}: key '{key}' needs 'dtype' and 'shape'. Found: {shown(item)}")
    sides = shape if isinstance(shape, list) and len(shape) <= 8 else [0]
    whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
    if not whole or not all(1 <= side <= _LARGEST_SIDE for side in sides) or math.prod(sides) > _MOST_NUMBERS:
        raise DatasetError(
            f"{path}: key '{key}' has shape {shown(shape)}. Valid: whole numbers from 1 to {_LARGEST_SIDE}"
        )
    return StoredFeature(dtype, tuple(sides), item.get("names"), _is_depth(item))


def _is_depth(item: Mapping[str, Any]) -> bool:
    """LeRobot marks depth maps in one of three places, by its version."""
    parts = [item.get("info"), item.get("video_info")]
    return any(
        isinstance(part, dict) and (part.get("is_depth_map") or part.get("video.is_depth_map")) for part in parts
    )


def camera_keys(path: Path, features: Mapping[str, StoredFeature]) -> dict[str, str]:
    """Name of each camera -> its key.

    Raises:
        DatasetError: there is none, or two have the same name.
    """
    cameras: dict[str, str] = {}
    for key, feature in features.items():
        if not feature.is_camera:
            continue
        name = next((key.removeprefix(prefix) for prefix in _PREFIXES if key.startswith(prefix)), key)
        if name in cameras:
            raise DatasetError(
                f"{path}: the keys '{cameras[name]}' and '{key}' name the same camera. Rename one of them"
            )
        cameras[name] = key
    if not cameras:
        depth = [key for key, feature in features.items() if feature.depth]
        found = f". {listed(depth)} are depth maps, which are not read" if depth else ""
        raise DatasetError(f"{path}: no key has dtype 'image' or 'video'. At least one camera is needed{found}")
    return cameras


def check_meaning(path: Path, features: Mapping[str, StoredFeature]) -> None:
    """Features that have a meaning here must be of a type that it allows.

    Raises:
        DatasetError: names the key, what was found and what to do.
    """
    for key in (STATE, ACTION):
        if key not in features:
            raise DatasetError(_missing(path, key, features))
    for key, feature in features.items():
        found = f"Found: {shortened(feature.dtype, 30)} {feature.shape}"
        if key in _VECTORS and (feature.dtype not in _NUMBERS or len(feature.shape) != 1):
            raise DatasetError(f"{path}: key '{key}' must be a vector of numbers, such as float32. {found}")
        if key in _FLAGS and (feature.dtype != "bool" or feature.shape != (1,)):
            raise DatasetError(f"{path}: key '{key}' must be one bool. {found}")
        if key == TASK and (feature.dtype != "int64" or feature.shape != (1,)):
            raise DatasetError(f"{path}: key '{key}' must be one int64. {found}")
        if feature.is_camera and feature.picture is None:
            raise DatasetError(
                f"{path}: key '{key}' must be a colour picture (height, width, 3) or (3, height, width). {found}. "
                f"A key of another meaning needs another dtype than '{feature.dtype}'"
            )


def _missing(path: Path, key: str, features: Mapping[str, StoredFeature]) -> str:
    vectors = [name for name, feature in features.items() if feature.dtype in _NUMBERS and feature.shape != (1,)]
    what = "what the robot measures, such as its joint positions" if key == STATE else "what the robot was told to do"
    return (
        f"{path}: key '{key}' is missing. A policy learns from {what}. The vectors of this dataset are: "
        f"{listed(vectors) or 'none'}. Where one of them is it, write it anew under the name '{key}'. LeRobot's "
        "add_features adds a column to a copy of a dataset"
    )


def decoded_columns(
    features: Mapping[str, StoredFeature], sizes: Mapping[str, tuple[int, int]]
) -> dict[str, tuple[str, Shape]]:
    """Key -> (dtype, shape of a row) of what a training reads.

    Args:
        features: of the dataset.
        sizes: (height, width) of each camera's pictures, by key, as they are kept.
    """
    columns: dict[str, tuple[str, Shape]] = {}
    for key, feature in features.items():
        if key in sizes:
            columns[key] = ("uint8", (*sizes[key], _COLOURS))
        elif key in _VECTORS:
            columns[key] = ("float32", feature.shape)
        elif key in _FLAGS or key == TASK:
            columns[key] = (feature.dtype, ())
    return columns
