"""The LeRobot v3.0 layout: paths, features and column types (huggingface/lerobot, `codebase_version` v3.0)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

VERSION = "v3.0"
CHUNK_SIZE = 1000
"""Files per folder."""

INFO = "meta/info.json"
STATS = "meta/stats.json"
TASKS = "meta/tasks.parquet"
EPISODES = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"

IMAGE_PREFIX = "observation.images."
STATE = "observation.state"
ACTION = "action"
ENVIRONMENT = "observation.environment_state"
PERTURBED = "perturbed"
SUCCESS = "next.success"

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
    """One column: type ("image", "float32", "int64", "bool"), shape of one row, names of its numbers."""

    dtype: str
    shape: tuple[int, ...]
    names: tuple[str, ...] | None = None

    @property
    def arrow(self) -> pa.DataType:
        """Type of the parquet column."""
        if self.dtype == "image":
            return _IMAGE
        scalar = _DTYPES[self.dtype]
        return scalar if self.shape == (1,) else pa.list_(scalar, self.shape[0])

    def to_json(self) -> dict[str, Any]:
        """Entry of `features` in `info.json`."""
        names = None if self.names is None else list(self.names)
        return {"dtype": self.dtype, "shape": list(self.shape), "names": names}

    def to_hub(self) -> dict[str, Any]:
        """Entry of the `datasets` library's description of the column."""
        if self.dtype == "image":
            return {"_type": "Image"}
        value = {"dtype": self.dtype, "_type": "Value"}
        return value if self.shape == (1,) else {"feature": value, "length": self.shape[0], "_type": "Sequence"}


def demonstration_features(
    cameras: Sequence[str], image_size: int, joints: Sequence[str], cubes: Sequence[str]
) -> dict[str, Feature]:
    """Columns of simulated demonstrations.

    `observation.state`: arm joints (rad), finger (m). `action`: absolute joint targets (rad), gripper opening
    (0 closed .. 1 open). `observation.environment_state`: cube centres, m. `perturbed`: the arm was pushed off
    the recorded action in this step. `next.success`: the task is fulfilled after this step.
    """
    image = Feature("image", (image_size, image_size, 3), ("height", "width", "channels"))
    arm = tuple(joints[:-1])
    places = tuple(f"{cube}_{axis}" for cube in cubes for axis in "xyz")
    return {
        **{f"{IMAGE_PREFIX}{camera}": image for camera in cameras},
        STATE: Feature("float32", (len(joints),), tuple(joints)),
        ACTION: Feature("float32", (len(joints),), (*arm, "gripper")),
        ENVIRONMENT: Feature("float32", (len(places),), places),
        PERTURBED: Feature("bool", (1,)),
        SUCCESS: Feature("bool", (1,)),
    }


def with_index_features(features: Mapping[str, Feature]) -> dict[str, Feature]:
    """The columns that every dataset has, after the given ones."""
    return {**features, **{key: Feature(dtype, (1,)) for key, dtype in _INDEX_FEATURES.items()}}


def data_schema(features: Mapping[str, Feature]) -> pa.Schema:
    """Schema of the data files, readable by the `datasets` library."""
    hub = {"info": {"features": {key: feature.to_hub() for key, feature in features.items()}}}
    fields = [pa.field(key, feature.arrow) for key, feature in features.items()]
    return pa.schema(fields, metadata={"huggingface": json.dumps(hub)})


def file_place(number: int) -> dict[str, int]:
    """Folder and file index of the n-th file."""
    return {"chunk_index": number // CHUNK_SIZE, "file_index": number % CHUNK_SIZE}
