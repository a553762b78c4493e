"""What an engine is: it makes a fast function of a computation whose sizes are known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from hume_core.errors import HumeError

PARITY_LIMITS = {torch.float32: 1e-4, torch.bfloat16: 3e-2}
"""How far an engine may be from eager operations, as a share of the largest number. bfloat16 rounds to 1/256."""

Run = Callable[..., tuple[Tensor, ...]]


class EngineError(HumeError):
    """An engine is not installed, cannot run a model, or does not give its numbers."""


class Log(Protocol):
    """Where progress and warnings go: the logger of a node, or one of `logging`."""

    def info(self, message: str) -> Any:
        """A line about progress."""

    def warning(self, message: str) -> Any:
        """A line about what is not as it should be."""


@dataclass(frozen=True)
class Graph:
    """A computation on tensors alone, with everything that never changes built in.

    Attributes:
        name: of the computation, such as "system1_denoise".
        module: computes a tuple of tensors. Its constants are plain attributes.
        inputs: an example of every input by name, in order. Sizes and types are those of every later call.
        outputs: names of the results.
        free: input -> its only size that may differ between calls.
        constants: what is built in beside the weights, such as the flow times, in words.
        dtype: of the transformers' weights.
    """

    name: str
    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: tuple[str, ...]
    free: Mapping[str, int] = field(default_factory=dict)
    constants: str = ""
    dtype: torch.dtype = torch.float32

    @property
    def description(self) -> str:
        """Everything that two graphs of equal weights may differ in, in words."""
        sizes = [
            f"{name}{['*' if i == self.free.get(name) else size for i, size in enumerate(tensor.shape)]}{tensor.dtype}"
            for name, tensor in self.inputs.items()
        ]
        return " ".join([self.name, *sizes, *self.outputs, self.constants])

    def check(self, run: Run) -> Run:
        """The same function, once it was seen to give the numbers of eager operations on the example.

        Raises:
            EngineError: it does not.
        """
        inputs = tuple(self.inputs.values())
        limit = PARITY_LIMITS[self.dtype]
        with torch.inference_mode():
            results = zip(self.outputs, run(*inputs), self.module(*inputs), strict=True)
        for name, found, expected in results:
            error = float((found - expected).abs().max() / expected.abs().max().clamp(min=1e-6))
            if not error <= limit:
                raise EngineError(f"{self.name}: {name} differs by {error:.1e} of its largest number, over {limit:.0e}")
        return run


class Engine(ABC):
    """A way to run graphs.

    Attributes:
        name: a value of the setting `engine`.
        fixed_sizes: no size may differ between calls, so instructions are padded to their greatest length.
    """

    name: ClassVar[str]
    fixed_sizes: ClassVar[bool] = False

    @abstractmethod
    def prepare(self, graph: Graph, log: Log) -> Run:
        """A function that computes the graph, after a check of its numbers. May take long.

        Args:
            graph: what to compute.
            log: told what takes time.

        Raises:
            EngineError: there is no such function. The message says why.
        """

    def prepare_all(self, graphs: Sequence[Graph], log: Log) -> list[Run]:
        """One function for each graph. See `prepare`."""
        return [self.prepare(graph, log) for graph in graphs]
