"""How System 2 chooses among the candidates of a thought: one function and one line of `CHOOSERS` each.

The names are choices of a setting, which programs without torch read: torch is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Chooser: TypeAlias = "Callable[[Tensor, Tensor, float, torch.Generator | None], Tensor]"
"""From candidates (B, N, H, A), values (B, N), temperature and a source of draws to weights (B, N), 1 in all."""


def by_value(candidates: Tensor, values: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """Value-guided thinking (paper, section on it): at temperature 0 the candidate of the highest value.

    Above 0, weights exp(value / temperature), as in MPPI (Williams et al. 2017). What the candidates agree on stays,
    the noise of each one averages out.
    """
    # w_i = exp(Q_i / T) / sum_j exp(Q_j / T). T -> 0 takes the best alone, T -> infinity the plain mean.
    if temperature == 0.0:
        return best(candidates, values, temperature, generator)
    return (values / temperature).softmax(dim=1)


def best(candidates: Tensor, values: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """The candidate of the highest value."""
    return one_hot(values.argmax(dim=1), values)


def mean(candidates: Tensor, values: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """All alike, whatever their values."""
    return values.new_full(values.shape, 1.0 / values.shape[1])


def medoid(candidates: Tensor, values: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """The candidate with the smallest distance to all others together, whatever the values."""
    import torch

    flat = candidates.flatten(2)
    return one_hot(torch.cdist(flat, flat).sum(dim=2).argmin(dim=1), values)


def random(candidates: Tensor, values: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """Any candidate, whatever the values."""
    import torch

    index = torch.randint(values.shape[1], (len(values),), generator=generator)
    return one_hot(index.to(values.device), values)


CHOOSERS: dict[str, Chooser] = {"value": by_value, "best": best, "mean": mean, "medoid": medoid, "random": random}

BY_VALUE = ("value", "best")
"""Those that need the values."""


def one_hot(index: Tensor, values: Tensor) -> Tensor:
    """Weights (B, N) that take one candidate (B,) whole."""
    return values.new_zeros(values.shape).scatter_(1, index[:, None], 1.0)
