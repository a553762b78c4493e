"""torch.compile: kernels made for the model at hand."""

from __future__ import annotations

from typing import ClassVar

import torch

from hume_core.engine_names import COMPILE
from hume_core.engines.base import Engine, EngineError, Graph, Log, Run
from hume_core.texts import shortened


class CompileEngine(Engine):
    """Compiles at every start, which needs a C++ compiler and takes from half a minute to many minutes.

    Args:
        backend: of torch.compile.
    """

    name: ClassVar[str] = COMPILE
    fixed_sizes: ClassVar[bool] = True

    def __init__(self, backend: str = "inductor") -> None:
        self._backend = backend

    def prepare(self, graph: Graph, log: Log) -> Run:
        """See `Engine`."""
        log.info(f"compiling {graph.name}. This takes a while")
        run: Run = torch.compile(graph.module, backend=self._backend, dynamic=False)
        try:
            return graph.check(run)
        except EngineError:
            raise
        except Exception as error:  # of the compiler, of which there are many kinds
            raise EngineError(f"{graph.name} was not compiled: {shortened(str(error))}") from error
