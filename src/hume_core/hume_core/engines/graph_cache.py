"""Where exported graphs are kept: beside the checkpoint, else in the user's cache."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import torch
from torch import nn

from hume_core.cache_folder import cache_folder
from hume_core.engines.base import Graph
from hume_core.errors import ConfigError

FOLDER = ".engines"
_SUFFIX = ".onnx"


class GraphCache:
    """Files of graphs, named after everything they were made of: ``NAME-SOURCE-SIZES.onnx``.

    Several processes may share a folder. A file appears in it whole or not at all.

    Args:
        checkpoint: its folder. None: nothing is kept.
        versions: of the programs that make and run the files.
    """

    def __init__(self, checkpoint: Path | None, versions: str) -> None:
        self._folders = [] if checkpoint is None else [checkpoint / FOLDER, *_user_folder(checkpoint)]
        self._versions = versions

    def find(self, graph: Graph) -> Path | None:
        """The graph's file, if there is one."""
        name = self._file_name(graph)
        return next((folder / name for folder in self._folders if (folder / name).is_file()), None)

    def keep(self, graph: Graph, content: bytes) -> Path | None:
        """Write the graph's file, and remove those of the same graph with other weights or of other versions.

        Returns:
            The file. None where neither folder can be written.
        """
        for folder in self._folders:
            try:
                return self._write(folder, graph, content)
            except OSError:
                continue
        return None

    def _write(self, folder: Path, graph: Graph, content: bytes) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / self._file_name(graph)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(temporary, target)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
        source = target.name.rpartition("-")[0]
        for other in folder.glob(f"{graph.name}-*{_SUFFIX}"):
            if not other.name.startswith(source):
                other.unlink(missing_ok=True)
        return target

    def _file_name(self, graph: Graph) -> str:
        source = _digest(self._versions, _weights_digest(graph.module))
        return f"{graph.name}-{source}-{_digest(graph.description)}{_SUFFIX}"


def _user_folder(checkpoint: Path) -> list[Path]:
    """For a checkpoint in a folder that cannot be written to. Empty: the user has no home."""
    try:
        return [cache_folder("engines") / f"{checkpoint.name}-{_digest(str(checkpoint.resolve()))}"]
    except ConfigError:
        return []


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def _weights_digest(module: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
