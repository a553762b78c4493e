"""PyTorch's operations, one after the other."""

from __future__ import annotations

from typing import ClassVar

from hume_core.engine_names import EAGER
from hume_core.engines.base import Engine, Graph, Log, Run


class EagerEngine(Engine):
    """The reference of all others. Needs no preparation and takes all sizes."""

    name: ClassVar[str] = EAGER

    def prepare(self, graph: Graph, log: Log) -> Run:
        """The module itself."""
        run: Run = graph.module
        return run
