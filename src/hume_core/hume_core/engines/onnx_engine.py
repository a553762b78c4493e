"""ONNX Runtime: the whole graph in one call, without Python between its operations."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from hume_core.engine_names import ONNX
from hume_core.engines.base import Engine, EngineError, Graph, Log, Run
from hume_core.engines.graph_cache import GraphCache
from hume_core.engines.onnx_export import exported_apart
from hume_core.texts import shortened

_FORM = "3"
"""Changes where the same model has to be exported anew."""

_PACKAGES = ("onnxruntime", "onnx")


def missing_packages() -> list[str]:
    """What of ONNX is not installed."""
    return [name for name in _PACKAGES if find_spec(name) is None]


class OnnxEngine(Engine):
    """Exports a graph once per checkpoint and keeps the file.

    Sessions use as many threads as torch has when the graph is prepared. No thread spins while it waits.

    Args:
        checkpoint: folder beside whose files graphs are kept. None: they are not.
    """

    name: ClassVar[str] = ONNX

    def __init__(self, checkpoint: Path | None) -> None:
        self._cache = GraphCache(checkpoint, _versions())

    def prepare(self, graph: Graph, log: Log) -> Run:
        """See `Engine`."""
        return self.prepare_all([graph], log)[0]

    def prepare_all(self, graphs: Sequence[Graph], log: Log) -> list[Run]:
        """See `Engine`. What is not kept is exported at once."""
        for graph in graphs:
            _check_possible(graph)
        runs = [self._kept(graph, log) for graph in graphs]
        missing = [i for i, run in enumerate(runs) if run is None]
        for i, run in zip(missing, self._export([graphs[i] for i in missing], log), strict=True):
            runs[i] = run
        return [run for run in runs if run is not None]

    def _kept(self, graph: Graph, log: Log) -> Run | None:
        path = self._cache.find(graph)
        if path is None:
            return None
        try:
            return graph.check(_load(graph, str(path)))
        except EngineError as error:
            log.info(f"{path} is made anew: {error}")
            return None

    def _export(self, graphs: Sequence[Graph], log: Log) -> list[Run]:
        if not graphs:
            return []
        names = " and ".join(graph.name for graph in graphs)
        log.info(f"exporting {names} to ONNX, once per checkpoint")
        started = time.monotonic()
        runs, places = [], []
        for graph, content in zip(graphs, exported_apart(graphs), strict=True):
            runs.append(graph.check(_load(graph, content)))
            places.append(self._cache.keep(graph, content))
        kept = "nowhere, as neither the checkpoint's folder nor the user's cache can be written"
        where = kept if places[0] is None else f"in {places[0].parent}"
        log.info(f"exported {names} in {time.monotonic() - started:.1f} s. Kept {where}")
        return runs


def _check_possible(graph: Graph) -> None:
    missing = missing_packages()
    if missing:
        raise EngineError(f"{' and '.join(missing)} is not installed. Type: pip install {' '.join(missing)}")
    if graph.dtype != torch.float32 or any(tensor.device.type != "cpu" for tensor in graph.inputs.values()):
        raise EngineError("ONNX Runtime is used for float32 on the CPU alone")


def _versions() -> str:
    def found(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "none"

    return " ".join([_FORM, *(f"{name} {found(name)}" for name in ("torch", *_PACKAGES))])


def _load(graph: Graph, model: str | bytes) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A thread that spins takes the core from the command loop, which has a deadline.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return _runner(graph, session)
    except Exception as error:  # damaged files raise errors of many kinds
        raise EngineError(f"{graph.name} was not loaded: {shortened(str(error))}") from error


def _runner(graph: Graph, session: Any) -> Run:
    # The exporter leaves out inputs that nothing depends on.
    wanted = {item.name for item in session.get_inputs()}
    names = [name if name in wanted else "" for name in graph.inputs]
    outputs = list(graph.outputs)

    def run(*inputs: Tensor) -> tuple[Tensor, ...]:
        arrays = {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True) if name}
        return tuple(torch.from_numpy(array) for array in session.run(outputs, arrays))

    return run
