"""Graphs as ONNX files, written by a process of their own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import torch
from torch import nn

from hume_core.engines.base import EngineError, Graph
from hume_core.parent_death import tied
from hume_core.texts import shortened

_OPSET = 20
_GIGABYTE = 1 << 30
LARGEST = 2 * _GIGABYTE - (64 << 20)
"""Weights that fit into one file, bytes. Its format holds no more than 2 GiB."""


def weights_size(module: nn.Module) -> int:
    """Bytes of a module's weights."""
    return sum(tensor.numel() * tensor.element_size() for tensor in module.state_dict().values())


def exported_apart(graphs: Sequence[Graph]) -> list[bytes]:
    """The contents of graphs' files.

    The exporter keeps the interpreter's lock for seconds, and a process that reports every 50 ms would seem to hang. So
    another process exports. It ends with this one.

    Raises:
        EngineError: one cannot be exported. The message says why.
    """
    for graph in graphs:
        size = weights_size(graph.module)
        if size > LARGEST:
            raise EngineError(f"{graph.name} has {size / _GIGABYTE:.1f} GiB of weights. One ONNX file holds 2")
    with tempfile.TemporaryDirectory(prefix="hume_export_") as folder:
        source, targets = Path(folder, "graphs.pt"), [Path(folder, f"{i}.onnx") for i in range(len(graphs))]
        command = [sys.executable, "-m", "hume_core.engines.export_process", str(source), *map(str, targets)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
        try:
            torch.save(list(graphs), source)
            ended = subprocess.run(tied(command), env=environment, capture_output=True, text=True, check=False)
            if ended.returncode == 0:
                return [target.read_bytes() for target in targets]
            problem = ended.stderr.strip().rpartition("\n")[2] or f"exit code {ended.returncode}"
        except Exception as error:  # what cannot be written or read again raises errors of many kinds
            problem = str(error)
    raise EngineError(f"{graphs[0].name} was not exported: {shortened(problem)}")


def exported(graph: Graph) -> bytes:
    """The content of a graph's file, made in this process.

    Raises:
        EngineError: it cannot be exported. The message says why.
    """
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
