"""The LeRobot v3.0 layout that is written: paths, features, column types (huggingface/lerobot, v3.0)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from hume_training.data.video_format import VideoFormat

VERSION = "v3.0"
CHUNK_SIZE = 1000
"""Files per folder."""

INFO = "meta/info.json"
STATS = "meta/stats.json"
CARD = "README.md"
TASKS = "meta/tasks.parquet"
EPISODES = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
LEGACY_DATA = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
LEGACY_VIDEO = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
"""Of v2.x, which is only read."""
DATA_FILE_SIZE, VIDEO_FILE_SIZE = 100, 200
"""Of a file that takes no further episode, MB. LeRobot's own limits."""

IMAGE_PREFIX = "observation.images."
STATE = "observation.state"
ACTION = "action"
ENVIRONMENT = "observation.environment_state"
PERTURBED = "perturbed"
SUCCESS = "next.success"
INTERVENTION = "intervention"

_DTYPES = {"float32": pa.float32(), "int64": pa.int64(), "bool": pa.bool_()}
_IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})
_INDEX_FEATURES = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}


@dataclass(frozen=True)
class Feature:
    """One column of a dataset.

    Attributes:
        dtype: "image", "video", "float32", "int64" or "bool".
        shape: of one row. Of cameras (height, width, 3).
        names: of its numbers.
        video: how a camera is encoded. Only where dtype is "video".
    """

    dtype: str
    shape: tuple[int, ...]
    names: tuple[str, ...] | None = None
    video: VideoFormat | None = None

    @property
    def is_camera(self) -> bool:
        """Whether a row is a picture."""
        return self.dtype in ("image", "video")

    @property
    def arrow(self) -> pa.DataType:
        """Type of the parquet column. Videos have none."""
        if self.dtype == "image":
            return _IMAGE
        scalar = _DTYPES[self.dtype]
        return scalar if self.shape == (1,) else pa.list_(scalar, self.shape[0])

    def to_json(self) -> dict[str, Any]:
        """Entry of `features` in `info.json`."""
        names = None if self.names is None else list(self.names)
        entry = {"dtype": self.dtype, "shape": list(self.shape), "names": names}
        return entry if self.video is None else entry | {"info": self.video.to_json(*self.shape[:2])}

    def to_hub(self) -> dict[str, Any]:
        """Entry of the `datasets` library's description of the column."""
        if self.dtype == "image":
            return {"_type": "Image"}
        value = {"dtype": self.dtype, "_type": "Value"}
        return value if self.shape == (1,) else {"feature": value, "length": self.shape[0], "_type": "Sequence"}


def camera_feature(height: int, width: int, fps: int, images: bool = False) -> Feature:
    """Column of a camera: a video, or PNG images.

    Args:
        height, width: pixels.
        fps: frames per second.
        images: store every picture as it is, in many times the space.
    """
    names = ("height", "width", "channels")
    if images:
        return Feature("image", (height, width, 3), names)
    return Feature("video", (height, width, 3), names, VideoFormat.for_size(height, width, fps))


def demonstration_features(
    cameras: Sequence[str],
    image_size: int,
    joints: Sequence[str],
    cubes: Sequence[str],
    fps: int,
    images: bool = False,
) -> dict[str, Feature]:
    """Columns of simulated demonstrations.

    `observation.state`: arm joints (rad), finger (m). `action`: absolute joint targets (rad), gripper opening
    (0 closed .. 1 open). `observation.environment_state`: cube centres, m. `perturbed`: the arm was pushed off
    the recorded action in this step. `intervention`: the expert had taken over from a policy. `next.success`: the
    task is fulfilled after this step.
    """
    image = camera_feature(image_size, image_size, fps, images)
    arm = tuple(joints[:-1])
    places = tuple(f"{cube}_{axis}" for cube in cubes for axis in "xyz")
    return {
        **{f"{IMAGE_PREFIX}{camera}": image for camera in cameras},
        STATE: Feature("float32", (len(joints),), tuple(joints)),
        ACTION: Feature("float32", (len(joints),), (*arm, "gripper")),
        ENVIRONMENT: Feature("float32", (len(places),), places),
        PERTURBED: Feature("bool", (1,)),
        INTERVENTION: Feature("bool", (1,)),
        SUCCESS: Feature("bool", (1,)),
    }


def index_features() -> dict[str, Feature]:
    """The columns that every dataset has, after those that were recorded."""
    return {key: Feature(dtype, (1,)) for key, dtype in _INDEX_FEATURES.items()}


def data_schema(features: Mapping[str, Feature]) -> pa.Schema:
    """Schema of the data files, readable by the `datasets` library. Videos are files of their own."""
    stored = {key: feature for key, feature in features.items() if feature.dtype != "video"}
    hub = {"info": {"features": {key: feature.to_hub() for key, feature in stored.items()}}}
    fields = [pa.field(key, feature.arrow) for key, feature in stored.items()]
    return pa.schema(fields, metadata={"huggingface": json.dumps(hub)})


def file_place(number: int) -> dict[str, int]:
    """Folder and file index of the n-th file."""
    return {"chunk_index": number // CHUNK_SIZE, "file_index": number % CHUNK_SIZE}
