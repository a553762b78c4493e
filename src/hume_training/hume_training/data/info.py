"""`meta/info.json` of a dataset: checked whole before anything else is read or written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hume_core.errors import DatasetError
from hume_core.json_file import read_json
from hume_core.texts import shortened, shown
from hume_training.data.columns import flat_names
from hume_training.data.features import (
    TASK,
    Shape,
    StoredFeature,
    camera_keys,
    check_meaning,
    decoded_columns,
    read_feature,
)
from hume_training.data.layout import DATA, INFO, LEGACY_DATA, LEGACY_VIDEO, VIDEO
from hume_training.data.paths import PathPattern

_MOST_FEATURES = 1000
_MOST_FRAMES = 1_000_000_000
_SLOWEST, _FASTEST = 0.1, 1000
_OLDEST = "meta_data/info.json"
"""Of LeRobot's first format."""
_CONVERTERS = {
    "v1": "lerobot.datasets.v2.convert_dataset_v1_to_v2 --repo-id=OWNER/NAME --single-task=TEXT (of lerobot 0.3.3)",
    "v2": "lerobot.scripts.convert_dataset_v21_to_v30 --repo-id=OWNER/NAME --root={root} --push-to-hub=false",
}


def converter_hint(root: Path, version: str = "v2") -> str:
    """The sentence that names LeRobot's converter of a version."""
    return "LeRobot converts it: python -m " + _CONVERTERS[version].format(root=root)


@dataclass(frozen=True)
class DatasetInfo:
    """What `meta/info.json` says, checked.

    Attributes:
        fps: frames per second.
        features: by key.
        cameras: name of each camera -> its key.
        frames, episodes: how many there are.
        legacy: the layout of v2.x: each episode has files of its own.
        chunks_size: files of a folder. Only v2.x needs it.
        data_path: of the data files.
        video_path: of the videos. None where there are none.
    """

    fps: float
    features: Mapping[str, StoredFeature]
    cameras: Mapping[str, str]
    frames: int
    episodes: int
    legacy: bool
    chunks_size: int
    data_path: PathPattern
    video_path: PathPattern | None

    @property
    def videos(self) -> list[str]:
        """Keys of the cameras that are stored as videos."""
        return [key for key in self.cameras.values() if self.features[key].dtype == "video"]

    def names(self, key: str) -> tuple[str, ...]:
        """Names of a vector's numbers, where the file lists as many as there are, in whatever form."""
        feature = self.features[key]
        return flat_names(feature.names, math.prod(feature.shape))

    def sizes(self, largest: tuple[int, int] | None) -> dict[str, tuple[int, int]]:
        """(height, width) of each camera's pictures, by key, shrunk into a size where they are larger.

        Args:
            largest: (width, height). None: as they are stored.
        """
        found = {key: self.features[key].picture or (1, 1) for key in self.cameras.values()}
        return found if largest is None else {key: shrunk(size, largest) for key, size in found.items()}

    def decoded(self, largest: tuple[int, int] | None = None) -> dict[str, tuple[str, Shape]]:
        """Key -> (dtype, shape of the whole) of the arrays that a reader makes of the dataset."""
        columns = decoded_columns(self.features, self.sizes(largest))
        return {key: (kind, (self.frames, *shape)) for key, (kind, shape) in columns.items()}


def shrunk(size: tuple[int, int], largest: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of a picture that fits into (width, height), as a model resizes it. Smaller ones stay."""
    ratio = max(size[1] / largest[0], size[0] / largest[1])
    return size if ratio <= 1.0 else (max(1, int(size[0] / ratio)), max(1, int(size[1] / ratio)))


def read_info(root: Path) -> DatasetInfo:
    """Read and check `meta/info.json`.

    Raises:
        DatasetError: missing, no JSON, of another version, with an unknown rate or missing features, or with keys,
            sizes or paths that no dataset has.
    """
    path = root / INFO
    if not path.exists() and (root / _OLDEST).exists():
        raise DatasetError(
            f"{root} is a dataset of LeRobot v1.x. Valid: v2.0, v2.1 and v3.x. {converter_hint(root, 'v1')}"
        )
    content = read_json(path, DatasetError, missing="A LeRobot dataset (v2.0, v2.1 or v3.x) has it")
    if not isinstance(content, dict):
        raise DatasetError(f"{path} must hold one JSON object. Found: {shown(content)}")
    legacy = _is_legacy(path, content.get("codebase_version"))
    listed = content.get("features")
    if not isinstance(listed, dict) or len(listed) > _MOST_FEATURES:
        raise DatasetError(f"{path}: features must be an object of at most {_MOST_FEATURES} keys")
    # Every dataset has the column, and few say so themselves where they were written by hand.
    features = {
        TASK: StoredFeature("int64", (1,)),
        **{key: read_feature(path, key, item) for key, item in listed.items()},
    }
    fps = _rate(path, content.get("fps"))
    frames, episodes = (_count(path, content, key, 0, _MOST_FRAMES) for key in ("total_frames", "total_episodes"))
    check_meaning(path, features)
    cameras = camera_keys(path, features)
    data_path, video_path = _patterns(
        path, content, legacy, any(features[key].dtype == "video" for key in cameras.values())
    )
    chunks_size = _count(path, content, "chunks_size", 1, _MOST_FRAMES) if legacy else 1
    return DatasetInfo(fps, features, cameras, frames, episodes, legacy, chunks_size, data_path, video_path)


def _is_legacy(path: Path, version: Any) -> bool:
    root, text = path.parent.parent, str(version)
    if text.startswith("v1."):
        raise DatasetError(
            f"{path}: codebase_version is '{shortened(text)}'. Valid: v2.0, v2.1 and v3.x. {converter_hint(root, 'v1')}"
        )
    if text not in ("v2.0", "v2.1") and not text.startswith("v3."):
        raise DatasetError(f"{path}: codebase_version is '{shortened(text)}'. Valid: v2.0, v2.1 and v3.x")
    return text.startswith("v2.")


def _rate(path: Path, fps: Any) -> float:
    if not isinstance(fps, int | float) or isinstance(fps, bool) or not _SLOWEST <= fps <= _FASTEST:
        raise DatasetError(
            f"{path}: fps is {shown(fps)}. The frames per second must be known, from {_SLOWEST} to {_FASTEST}: they "
            "are the time between two rows of a chunk"
        )
    return float(fps)


def _count(path: Path, content: Mapping[str, Any], key: str, least: int, most: int) -> int:
    value = content.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise DatasetError(f"{path}: {key} is {shown(value)}. Valid: a whole number from {least} to {most}")
    return value


def _patterns(
    path: Path, content: Mapping[str, Any], legacy: bool, videos: bool
) -> tuple[PathPattern, PathPattern | None]:
    """Patterns of the data files and of the videos."""
    numbers = ("episode_chunk", "episode_index") if legacy else ("chunk_index", "file_index")
    try:
        # LeRobot takes the usual paths where a file does not say them.
        data = PathPattern(path, "data_path", content.get("data_path", LEGACY_DATA if legacy else DATA), numbers)
        found = content.get("video_path") or (LEGACY_VIDEO if legacy else VIDEO)
        return data, PathPattern(path, "video_path", found, numbers, ("video_key",)) if videos else None
    except DatasetError as error:
        if not legacy:
            raise
        raise DatasetError(f"{error}. {converter_hint(path.parent.parent)}") from error
