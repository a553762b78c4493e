"""Writing checkpoint folders of the released layout."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from hume_core.checkpoint import INDEX, WEIGHTS, CheckpointReader, NameMap, has_weights, shard_names
from hume_core.compact_weights import compacted
from hume_core.errors import CheckpointError

EXTRA_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "tokenizer.model",
    "added_tokens.json",
    "vqh_backbone.json",
)


def stored_tensors(module: nn.Module, to_stored: NameMap, stored: Mapping[str, torch.dtype]) -> dict[str, Tensor]:
    """The module's tensors under their file names, in the types they were stored in (float32 if new)."""
    return {
        to_stored(name): tensor.detach().to("cpu", stored.get(to_stored(name), torch.float32), copy=True).contiguous()
        for name, tensor in module.state_dict().items()
    }


def save_tensors(folder: Path, tensors: Mapping[str, Tensor], source: CheckpointReader | None) -> None:
    """Write ``model.safetensors``. Tensors of others are kept from the folder itself, else from the source.

    Args:
        folder: created where it does not exist.
        tensors: name in the file -> tensor.
        source: checkpoint that the writer was loaded from.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    keep = CheckpointReader(folder) if has_weights(folder) else source
    complete = dict(tensors)
    metadata = {"format": "pt"}
    if keep is not None:
        metadata |= keep.metadata
        complete |= {name: keep.read(name).clone() for name in keep.names if name not in tensors}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"{WEIGHTS}.partial"
        save_file(complete, partial, metadata=metadata)
        partial.chmod(0o644)
        partial.replace(folder / WEIGHTS)
        _remove_shards(folder)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot write {folder / WEIGHTS}: {error}") from error


def copy_extra_files(source: Path, folder: Path) -> None:
    """Copy what belongs to a checkpoint besides weights and configuration, where it is not there yet."""
    for name in EXTRA_FILES:
        if (source / name).is_file() and not (folder / name).exists():
            shutil.copyfile(source / name, folder / name)


def _remove_shards(folder: Path) -> None:
    index = folder / INDEX
    if not index.is_file():
        return
    for name in shard_names(index):
        (folder / name).unlink(missing_ok=True)
    index.unlink()


def write_compact(source: Path, folder: Path) -> None:
    """Copy a checkpoint with its matrices as 8-bit integers. See `hume_core.compact_weights`.

    Args:
        source: checkpoint folder of the released layout.
        folder: new.

    Raises:
        CheckpointError: the source cannot be read, or the folder exists or cannot be written.
    """
    if folder.exists():
        raise CheckpointError(f"{folder} exists. Name a new folder")
    reader = CheckpointReader(source)
    tensors = compacted({name: reader.read(name) for name in reader.names})
    try:
        folder.mkdir(parents=True)
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt", **reader.metadata})
        for file in sorted(source.glob("*.json")):
            if file.name != INDEX:
                shutil.copyfile(file, folder / file.name)
        copy_extra_files(source, folder)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot write {folder}: {error}") from error
