"""Several linear maps of the same input as one matrix product."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from hume_core.nn.linear import product


class JoinedLinear(nn.Module):
    """Outputs of bias-free linear layers, concatenated.

    ``join`` makes the layers' weights views of one matrix, so that one product serves all and no memory is
    spent twice. Moving the module to another device or type undoes it. It owns no parameters.

    Args:
        layers: maps of the same input. Owned by the caller.
    """

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self._layers = tuple(layers)
        self._weight: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., sum of outputs)."""
        if self._weight is None or torch.is_grad_enabled():
            return torch.cat([layer(x) for layer in self._layers], dim=-1)
        return product(x, self._weight)

    def parts(self, x: Tensor) -> tuple[Tensor, ...]:
        """The outputs of each layer."""
        # An exported graph would copy the parts of one product.
        if self._weight is None or torch.is_grad_enabled() or torch.jit.is_tracing():
            return tuple(layer(x) for layer in self._layers)
        parts: tuple[Tensor, ...] = product(x, self._weight).split([layer.out_features for layer in self._layers], -1)
        return parts

    @torch.no_grad()
    def join(self) -> None:
        """Lay the weights next to each other. Call it outside of inference mode, after moving."""
        self._weight = torch.cat([layer.weight.detach() for layer in self._layers])
        start = 0
        for layer in self._layers:
            layer.weight.data = self._weight[start : start + layer.out_features]
            start += layer.out_features

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> JoinedLinear:
        self._weight = None
        super()._apply(fn, recurse)
        return self


def join_all(module: nn.Module) -> None:
    """Join the weights of every ``JoinedLinear`` inside a module that has its final device and type."""
    for part in module.modules():
        if isinstance(part, JoinedLinear):
            part.join()
