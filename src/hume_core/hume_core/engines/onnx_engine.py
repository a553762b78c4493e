"""ONNX Runtime: the whole graph in one call, without Python between its operations."""

from __future__ import annotations

import io
import time
import warnings
from contextlib import redirect_stdout
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from hume_core.engine_names import ONNX
from hume_core.engines.base import Engine, EngineError, Graph, Log, Run
from hume_core.engines.graph_cache import GraphCache
from hume_core.texts import shortened

_OPSET = 20
_FORM = "3"
"""Changes where the same model has to be exported anew."""

_PACKAGES = ("onnxruntime", "onnx")
_GIGABYTE = 1 << 30
LARGEST = 2 * _GIGABYTE - (64 << 20)
"""Weights that fit into one file, bytes. Its format holds no more than 2 GiB."""


def missing_packages() -> list[str]:
    """What of ONNX is not installed."""
    return [name for name in _PACKAGES if find_spec(name) is None]


def weights_size(module: nn.Module) -> int:
    """Bytes of a module's weights."""
    return sum(tensor.numel() * tensor.element_size() for tensor in module.state_dict().values())


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
        missing = missing_packages()
        if missing:
            raise EngineError(f"{' and '.join(missing)} is not installed. Type: pip install {' '.join(missing)}")
        if graph.dtype != torch.float32 or any(tensor.device.type != "cpu" for tensor in graph.inputs.values()):
            raise EngineError("ONNX Runtime is used for float32 on the CPU alone")
        kept = self._cache.find(graph)
        if kept is not None:
            try:
                return graph.check(_load(graph, str(kept)))
            except EngineError as error:
                log.info(f"{kept} is made anew: {error}")
        return self._export(graph, log)

    def _export(self, graph: Graph, log: Log) -> Run:
        log.info(f"exporting {graph.name} to ONNX, once per checkpoint")
        started = time.monotonic()
        content = _exported(graph)
        run = graph.check(_load(graph, content))
        place = self._cache.keep(graph, content)
        kept = "nowhere, as neither the checkpoint's folder nor the user's cache can be written"
        where = kept if place is None else f"in {place}"
        log.info(f"exported {graph.name} in {time.monotonic() - started:.1f} s. It is kept {where}")
        return run


def _versions() -> str:
    def found(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "none"

    return " ".join([_FORM, *(f"{name} {found(name)}" for name in ("torch", *_PACKAGES))])


def _exported(graph: Graph) -> bytes:
    size = weights_size(graph.module)
    if size > LARGEST:
        raise EngineError(f"{graph.name} has {size / _GIGABYTE:.1f} GiB of weights. One ONNX file holds 2")
    file = io.BytesIO()
    try:
        # Where it fails, the exporter prints the whole graph.
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                graph.module,
                tuple(tensor.clone() for tensor in graph.inputs.values()),
                file,
                input_names=list(graph.inputs),
                output_names=list(graph.outputs),
                dynamic_axes={name: {axis: f"{name}_{axis}"} for name, axis in graph.free.items()},
                opset_version=_OPSET,
                dynamo=False,
            )
    except Exception as error:  # of the exporter, of which there are many kinds
        raise EngineError(f"{graph.name} was not exported: {shortened(str(error))}") from error
    return _sharing_constants(file.getvalue())


def _sharing_constants(content: bytes) -> bytes:
    """The same model with each constant once. The exporter writes one for each use, here for each Euler step."""
    import onnx

    model = onnx.load_from_string(content)
    first: dict[bytes, str] = {}
    same: dict[str, str] = {}
    for node in list(model.graph.node):
        if node.op_type == "Constant":
            name = first.setdefault(node.attribute[0].SerializeToString(), node.output[0])
            if name != node.output[0]:
                same[node.output[0]] = name
                model.graph.node.remove(node)
    for node in model.graph.node:
        node.input[:] = [same.get(name, name) for name in node.input]
    shared: bytes = model.SerializeToString()
    return shared


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
