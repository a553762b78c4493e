"""Reading datasets: every file is checked, every image decoded once into a cache of plain arrays."""

from __future__ import annotations

import json
import mmap
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hume_core.errors import DatasetError
from hume_training.data.demonstrations import Demonstrations, joined
from hume_training.data.images import decode_image
from hume_training.data.layout import ACTION, ENVIRONMENT, IMAGE_PREFIX, INFO, PERTURBED, STATE, SUCCESS, TASKS

_CACHE = "cache"
_NUMBERS = (STATE, ACTION, ENVIRONMENT)
_FLAGS = (PERTURBED, SUCCESS)
_MEMORY_SHARE = 0.6
"""A dataset that takes more than this share of the free memory is read as its frames are asked for."""


@dataclass(frozen=True)
class DatasetInfo:
    """What `meta/info.json` says, checked.

    Attributes:
        fps: frames per second.
        features: key -> (dtype, shape).
        frames, episodes: how many there are.
        data_path: pattern of the data files.
        names: key -> names of its numbers, where the file lists as many as there are.
    """

    fps: float
    features: Mapping[str, tuple[str, tuple[int, ...]]]
    frames: int
    episodes: int
    data_path: str
    names: Mapping[str, tuple[str, ...]]

    @property
    def cameras(self) -> list[str]:
        """Camera keys, without their prefix."""
        return [key.removeprefix(IMAGE_PREFIX) for key in self.features if key.startswith(IMAGE_PREFIX)]


def read_info(root: Path) -> DatasetInfo:
    """Read and check `meta/info.json`.

    Raises:
        DatasetError: missing, no JSON, of another version, or with an unknown rate or missing features.
    """
    path = root / INFO
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist; a LeRobot dataset (v3.0) has it") from error
    except ValueError as error:
        raise DatasetError(f"{path} is not valid JSON: {error}") from error
    version = str(content.get("codebase_version"))
    if not version.startswith("v3."):
        raise DatasetError(f"{path}: codebase_version is '{version}'; only v3.x can be read")
    fps = content.get("fps")
    if not isinstance(fps, int | float) or isinstance(fps, bool) or not 0 < fps <= 1000:
        raise DatasetError(f"{path}: fps is {fps!r}; the frames per second must be known")
    try:
        features = {key: (item["dtype"], tuple(item["shape"])) for key, item in content["features"].items()}
        counts = int(content["total_frames"]), int(content["total_episodes"])
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path}: features or totals are missing or malformed ({error})") from error
    names = {key: _names(item.get("names"), features[key][1]) for key, item in content["features"].items()}
    info = DatasetInfo(float(fps), features, *counts, str(content.get("data_path")), names)
    for key in (STATE, ACTION):
        if key not in features or features[key][0] != "float32" or len(features[key][1]) != 1:
            raise DatasetError(f"{path}: key '{key}' must be a float32 vector; found {features.get(key)}")
    for key, (dtype, shape) in features.items():
        if key.startswith(IMAGE_PREFIX) and (dtype != "image" or len(shape) != 3 or shape[2] != 3):
            raise DatasetError(f"{path}: key '{key}' is {dtype} {shape}; expected image (height, width, 3)")
    if not info.cameras:
        raise DatasetError(f"{path}: no key starts with '{IMAGE_PREFIX}'; at least one camera is needed")
    return info


def _names(listed: Any, shape: tuple[int, ...]) -> tuple[str, ...]:
    """Names of a vector's numbers; empty where they are written in another way."""
    fits = isinstance(listed, list) and (len(listed),) == shape and all(isinstance(name, str) for name in listed)
    return tuple(listed) if fits else ()


def load_datasets(folders: str) -> Demonstrations:
    """Read one dataset, or several (separated by commas) as one; see `load_demonstrations` and `joined`.

    One that is named several times counts several times, and is held once.
    """
    names = [folder.strip() for folder in folders.split(",")]
    read = {name: load_demonstrations(name) for name in dict.fromkeys(names)}
    return joined([read[name] for name in names]) if len(names) > 1 else read[names[0]]


def load_demonstrations(folder: str | Path) -> Demonstrations:
    """Read a dataset; the first time it is decoded into `cache/` beside its files.

    Raises:
        DatasetError: naming the episode and the key that cannot be used.
    """
    root = Path(folder)
    info = read_info(root)
    episodes = _read_episodes(root, info)
    tasks = _read_tasks(root)
    cache = root / _CACHE
    stamp = json.dumps([info.frames, info.episodes, (root / INFO).stat().st_mtime_ns])
    if not (cache / "complete").is_file() or (cache / "complete").read_text() != stamp:
        with tempfile.TemporaryDirectory(prefix=f"{_CACHE}.", dir=root) as partial:
            _decode(root, info, episodes, Path(partial))
            cache.mkdir(exist_ok=True)
            # Whoever has the old files mapped keeps them.
            for path in Path(partial).iterdir():
                path.replace(cache / path.name)
        (cache / "complete").write_text(stamp)
    paths = list(cache.glob("*.npy"))
    fits = sum(path.stat().st_size for path in paths) <= _MEMORY_SHARE * free_memory()
    arrays = {path.stem: _mapped(path, in_memory=fits) for path in paths}
    task_index = np.asarray(arrays["task_index"])
    starts = np.array([episode["dataset_from_index"] for episode in episodes])
    unknown = [int(i) for i in np.unique(task_index[starts]) if int(i) not in tasks]
    if unknown:
        raise DatasetError(f"{root / TASKS} has no task {unknown[0]}, which an episode names")
    return Demonstrations(
        fps=info.fps,
        images={key: arrays[f"{IMAGE_PREFIX}{key}"] for key in info.cameras},
        state=np.array(arrays[STATE]),
        action=np.array(arrays[ACTION]),
        environment=np.array(arrays[ENVIRONMENT]) if ENVIRONMENT in arrays else None,
        perturbed=np.array(arrays[PERTURBED]) if PERTURBED in arrays else np.zeros(info.frames, bool),
        success=np.array(arrays[SUCCESS]) if SUCCESS in arrays else None,
        starts=starts,
        lengths=np.array([episode["length"] for episode in episodes]),
        tasks=[tasks[int(task_index[start])] for start in starts],
        state_names=info.names[STATE],
        action_names=info.names[ACTION],
    )


def free_memory() -> float:
    """Bytes that can be used without swapping; 0 where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable")), 0.0)


def _mapped(path: Path, in_memory: bool) -> NDArray[Any]:
    """Array of a file, read-only; all processes that map it share its memory.

    Args:
        path: of an .npy file.
        in_memory: read it whole now: single frames from a disk take several times a small model's step.
    """
    array: NDArray[Any] = np.load(path, mmap_mode="r")
    if not in_memory:
        return array
    begin = path.stat().st_size - array.nbytes
    with path.open("rb") as file:
        pages = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE, prot=mmap.PROT_READ)
    return np.frombuffer(pages, array.dtype, array.size, begin).reshape(array.shape)


def _read_episodes(root: Path, info: DatasetInfo) -> list[dict[str, Any]]:
    paths = sorted((root / "meta" / "episodes").glob("*/*.parquet"))
    wanted = ["episode_index", "length", "dataset_from_index", "dataset_to_index"]
    wanted += ["data/chunk_index", "data/file_index"]
    rows: list[dict[str, Any]] = []
    for path in paths:
        table = _read_table(path)
        missing = [key for key in wanted if key not in table.column_names]
        if missing:
            raise DatasetError(f"{path} has no column '{missing[0]}'")
        rows += table.select(wanted).to_pylist()
    if len(rows) != info.episodes or not rows:
        raise DatasetError(f"{root}: {len(rows)} episodes are described; info.json says {info.episodes}")
    first = 0
    for row in rows:
        if row["length"] < 1:
            raise DatasetError(f"episode {row['episode_index']} is empty; remove it from the dataset")
        if row["dataset_from_index"] != first or row["dataset_to_index"] != first + row["length"]:
            raise DatasetError(f"episode {row['episode_index']}: its frames do not follow those before it")
        first += row["length"]
    if first != info.frames:
        raise DatasetError(f"{root}: the episodes have {first} frames; info.json says {info.frames}")
    return rows


def _read_tasks(root: Path) -> dict[int, str]:
    table = _read_table(root / TASKS)
    names = [name for name in table.column_names if name != "task_index"]
    if "task_index" not in table.column_names or len(names) != 1:
        raise DatasetError(f"{root / TASKS} must hold 'task_index' and the sentences")
    return dict(zip(table["task_index"].to_pylist(), table[names[0]].to_pylist(), strict=True))


def _read_table(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error


def _decode(root: Path, info: DatasetInfo, episodes: list[dict[str, Any]], cache: Path) -> None:
    """Write one array file per key."""
    arrays: dict[str, NDArray[Any]] = {}
    for key, (dtype, shape) in info.features.items():
        if dtype == "image" or key in (*_NUMBERS, *_FLAGS, "task_index"):
            kind = "uint8" if dtype == "image" else dtype
            full = (info.frames, *(() if shape == (1,) else shape))
            arrays[key] = np.lib.format.open_memmap(cache / f"{key}.npy", "w+", kind, full)
    path, table, begin = None, None, 0
    for episode in episodes:
        place = {"chunk_index": episode["data/chunk_index"], "file_index": episode["data/file_index"]}
        wanted = root / info.data_path.format(**place)
        if wanted != path:
            path, table, begin = wanted, _read_table(wanted), episode["dataset_from_index"]
        assert table is not None
        rows = table.slice(episode["dataset_from_index"] - begin, episode["length"])
        _fill(arrays, rows, episode, info)
    for array in arrays.values():
        array.flush()  # type: ignore[attr-defined]


def _fill(arrays: Mapping[str, NDArray[Any]], rows: pa.Table, episode: Mapping[str, Any], info: DatasetInfo) -> None:
    number, first = episode["episode_index"], episode["dataset_from_index"]
    if len(rows) != episode["length"]:
        raise DatasetError(f"episode {number} has {len(rows)} frames; its description says {episode['length']}")
    for key, array in arrays.items():
        where = f"episode {number}, key '{key}'"
        if key not in rows.column_names:
            raise DatasetError(f"{where}: the key is missing; the file has: {', '.join(rows.column_names)}")
        column = rows[key].combine_chunks()
        if info.features[key][0] == "image":
            array[first : first + len(rows)] = _images(column, array.shape[1:], where)
        else:
            array[first : first + len(rows)] = _numbers(column, array.shape[1:], where)


def _numbers(column: pa.Array, shape: tuple[int, ...], where: str) -> NDArray[Any]:
    values = np.asarray(column.to_pylist() if pa.types.is_list(column.type) else _flat(column, shape))
    if values.shape != (len(column), *shape):
        raise DatasetError(f"{where}: rows have shape {values.shape[1:]}; info.json says {shape}")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        frame = int(np.argwhere(~np.isfinite(values))[0][0])
        raise DatasetError(f"{where}: frame {frame} holds NaN or infinity")
    if values.dtype.kind not in "fiub":
        raise DatasetError(f"{where}: holds {values.dtype}; expected numbers without gaps")
    return values


def _flat(column: pa.Array, shape: tuple[int, ...]) -> NDArray[Any]:
    if not pa.types.is_fixed_size_list(column.type):
        return np.asarray(column.to_numpy(zero_copy_only=False))
    return column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)


def _images(column: pa.Array, shape: tuple[int, ...], where: str) -> NDArray[np.uint8]:
    if not pa.types.is_struct(column.type) or column.type.get_field_index("bytes") < 0:
        raise DatasetError(f"{where}: holds {column.type}; expected images stored as bytes")
    images = []
    for frame, data in enumerate(column.field("bytes")):
        image = decode_image(data.as_py() or b"")
        if image is None or image.shape != shape:
            found = "cannot be decoded" if image is None else f"has shape {image.shape}"
            raise DatasetError(f"{where}: the image of frame {frame} {found}; expected {shape}")
        images.append(image)
    return np.stack(images)
