"""Checkpoint folders of the released layout: lazy, prefix-filtered reading of safetensors.

Only the tensors that are asked for are read, so System 1's machine never touches System 2's weights.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from hume_core.compact_weights import SCALE, expanded
from hume_core.errors import CheckpointError
from hume_core.json_file import read_json
from hume_core.tensor_names import released_name
from hume_core.texts import shortened

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
_PROCESSOR = "policy_preprocessor.json"
"""Where newer versions of LeRobot name the file of the statistics."""
IGNORED_PREFIX = "value_query_head.paligemma_with_expert."
_HUB_NAME = re.compile(r"(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w][\w./-]*))?")
_SHARD = re.compile(r"[\w-][\w.-]{0,200}\.safetensors")
_HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.txt"]
_DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
_COMPACT = "I8"

NameMap = Callable[[str], str]
DtypeRule = Callable[[str], torch.dtype]


def resolve_folder(name: str | Path) -> Path:
    """Local folder of a checkpoint, downloaded from the Hugging Face hub where a hub name is given.

    Args:
        name: a folder, ``organisation/name``, or ``organisation/name@revision`` with a commit, tag or branch. Only a
            commit always means the same files. A complete snapshot in the local cache is used as it is.

    Raises:
        CheckpointError: no such folder, or the hub and the cache do not have it or its revision.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    found = None if isinstance(name, Path) else _HUB_NAME.fullmatch(name)
    if found is None:
        raise CheckpointError(
            f"'{name}' is no folder and no hub name like 'organisation/name' or 'organisation/name@revision'"
        )
    repository, revision = found["repository"], found["revision"]
    return _cached_folder(repository, revision) or _downloaded_folder(repository, revision)


def _cached_folder(repository: str, revision: str | None) -> Path | None:
    """Complete snapshot in the local cache: a robot starts without the network."""
    import huggingface_hub

    try:
        folder = Path(huggingface_hub.snapshot_download(repository, revision=revision, local_files_only=True))
    except Exception:
        return None
    return folder if has_weights(folder) else None


def _downloaded_folder(repository: str, revision: str | None) -> Path:
    import huggingface_hub
    from huggingface_hub.errors import RevisionNotFoundError

    try:
        return Path(huggingface_hub.snapshot_download(repository, revision=revision, allow_patterns=_HUB_FILES))
    except RevisionNotFoundError as error:
        raise CheckpointError(
            f"'{repository}' on the Hugging Face hub has no revision '{revision}'. Give a commit, tag or branch of it"
        ) from error
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        at = "" if revision is None else f" at revision '{revision}'"
        raise CheckpointError(
            f"'{repository}'{at} is no local folder and cannot be had from the Hugging Face hub or its cache: {reason}"
            ". Without a network, copy its folder here and give the path"
        ) from error


class _Place(NamedTuple):
    """Where a tensor lies: the file, and its name there."""

    file: Path
    name: str


class CheckpointReader:
    """Tensors of one checkpoint folder, read one at a time.

    Names are those of the released layout, whatever prefixes and names the file has (`hume_core.tensor_names`).

    Args:
        folder: holds ``model.safetensors`` or a sharded set with its index.
        part: of a checkpoint, such as "s1_model.", that the folder holds alone. Stands in front of all its names.

    Attributes:
        names_read: names of the tensors read so far, in order.

    Raises:
        CheckpointError: no weights, an unreadable or truncated file, or a shard that is missing.
    """

    def __init__(self, folder: Path | str, part: str = "") -> None:
        self.folder = Path(folder)
        self.names_read: list[str] = []
        self.metadata: dict[str, str] = {}
        self._files: dict[Path, Any] = {}
        self._where: dict[str, list[_Place]] = {}
        for path in self._weight_files():
            handle = self._open(path)
            self.metadata |= handle.metadata() or {}
            for name in handle.keys():  # noqa: SIM118, it is no mapping
                if name.endswith(SCALE):
                    continue
                self._where.setdefault(released_name(part + name), []).append(_Place(path, name))

    def _weight_files(self) -> list[Path]:
        index = self.folder / INDEX
        if (self.folder / WEIGHTS).is_file():
            return [self.folder / WEIGHTS]
        if not index.is_file():
            raise CheckpointError(f"{self.folder} has neither {WEIGHTS} nor {INDEX}. Only safetensors are read")
        names = shard_names(index)
        for name in names:
            if not (self.folder / name).is_file():
                raise CheckpointError(f"shard '{name}' of {index} is missing in {self.folder}")
        return [self.folder / name for name in names]

    def _open(self, path: Path) -> Any:
        try:
            handle = safe_open(path, framework="pt")
        except (SafetensorError, OSError, ValueError) as error:
            raise CheckpointError(f"{path} is truncated or no safetensors file: {shortened(str(error))}") from error
        self._files[path] = handle
        return handle

    @property
    def names(self) -> tuple[str, ...]:
        """All tensor names, without the value head's copies of System 2's tensors."""
        return tuple(sorted(name for name in self._where if not name.startswith(IGNORED_PREFIX)))

    def has(self, name: str) -> bool:
        """Whether the tensor is there."""
        return name in self._where

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor, without reading it."""
        return tuple(self._slice(name).get_shape())

    def dtype(self, name: str) -> torch.dtype:
        """Type of a tensor as it is read, without reading it."""
        stored = self._slice(name).get_dtype()
        if stored == _COMPACT:
            return torch.float32
        if stored not in _DTYPES:
            raise CheckpointError(f"tensor '{name}' is stored as {stored}. Expected one of {', '.join(_DTYPES)}")
        return _DTYPES[stored]

    def _slice(self, name: str) -> Any:
        if name not in self._where:
            raise CheckpointError(f"tensor '{name}' is missing in {self.folder}. It holds {len(self._where)} tensors")
        place = self._where[name][0]
        return self._files[place.file].get_slice(place.name)

    def read(self, name: str, shape: tuple[int, ...] | None = None) -> Tensor:
        """Read one tensor as stored. Compact ones as the float32 numbers that they stand for.

        Args:
            name: of the released layout.
            shape: expected shape. None takes any.

        Raises:
            CheckpointError: missing, of another shape, the file ends early, or the file has the tensor under several
                names with different numbers.
        """
        found = self.shape(name) if name in self._where else None
        if found is None:
            wanted = f"expected shape {list(shape)}, found none" if shape is not None else "found none"
            elsewhere = "normalize_" in name and (self.folder / _PROCESSOR).is_file()
            hint = f". Statistics that {_PROCESSOR} names are not read" if elsewhere else ""
            raise CheckpointError(
                f"tensor '{name}' is missing in {self.folder}: {wanted} (it holds {len(self._where)} tensors){hint}"
            )
        if shape is not None and found != tuple(shape):
            raise CheckpointError(
                f"tensor '{name}' in {self.folder} has the wrong shape: expected {list(shape)} from config.json, "
                f"found {list(found)}"
            )
        self.dtype(name)
        first, *others = self._where[name]
        tensor = self._read(first)
        for other in others:
            again = self._read(other)
            if again.dtype != tensor.dtype or not torch.equal(again, tensor):
                raise CheckpointError(
                    f"tensors '{first.name}' and '{other.name}' in {self.folder} are names of one tensor, but differ"
                )
        self.names_read.append(name)
        return tensor

    def _read(self, place: _Place) -> Tensor:
        file = self._files[place.file]
        try:
            tensor = file.get_tensor(place.name)
            return expanded(tensor, file.get_tensor(place.name + SCALE)) if tensor.dtype == torch.int8 else tensor
        except (SafetensorError, RuntimeError, ValueError) as error:
            raise CheckpointError(
                f"tensor '{place.name}' in {self.folder} cannot be read: {shortened(str(error))}"
            ) from error


def load_module(
    module: nn.Module, reader: CheckpointReader, to_stored: NameMap, dtype_of: DtypeRule
) -> dict[str, torch.dtype]:
    """Fill a module built on the meta device.

    Args:
        module: its parameters and persistent buffers are replaced.
        reader: source.
        to_stored: name in the module -> name in the file.
        dtype_of: name in the module -> type to compute in.

    Returns:
        The stored type of every tensor, by name in the file.

    Raises:
        CheckpointError: see ``CheckpointReader.read``.
    """
    stored: dict[str, torch.dtype] = {}
    tensors = {}
    for name, target in module.state_dict().items():
        source = to_stored(name)
        tensor = reader.read(source, tuple(target.shape))
        stored[source] = tensor.dtype
        tensors[name] = tensor.to(dtype_of(name), copy=True)
    module.load_state_dict(tensors, assign=True)
    return stored


def has_weights(folder: Path) -> bool:
    """Whether a folder holds the weights of a checkpoint."""
    return (folder / WEIGHTS).is_file() or (folder / INDEX).is_file()


def shard_names(index: Path) -> list[str]:
    """File names in an index of shards. None leads out of its folder.

    Raises:
        CheckpointError: it is no index, or names something else than files beside it.
    """
    content = read_json(index, CheckpointError)
    where = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(where, dict) or not all(isinstance(name, str) for name in where.values()):
        raise CheckpointError(f"{index} is no index of shards. It needs 'weight_map': tensor -> file")
    names = sorted(set(where.values()))
    for name in names:
        if not _SHARD.fullmatch(name):
            raise CheckpointError(f"{index} names the shard '{shortened(name)}'. Valid: a .safetensors file beside it")
    return names


def prefix_map(table: Iterable[tuple[str, str]]) -> NameMap:
    """Name map that replaces the first matching prefix of a table (module prefix, file prefix)."""
    pairs = tuple(table)

    def to_stored(name: str) -> str:
        for ours, theirs in pairs:
            if name.startswith(ours):
                return theirs + name[len(ours) :]
        raise KeyError(name)

    return to_stored
