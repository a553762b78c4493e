"""The result of one System 2 thought."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Thought:
    """N candidate chunks per observation and the one that came of them.

    Attributes:
        candidates: normalised, padded actions (B, N, H, A).
        values: estimated state-action values (B, N).
        weights: share of each candidate in the chunk, 1 in all (B, N); see `choose`.
        chunk: what to do: the weighted mean of the candidates, normalised and padded (B, H, A).
        noise_levels: share of the starting noise left in each candidate, in [0, 1] (N,), float32 on the CPU.
        euler_steps: number of Euler steps of each candidate (N,), int64 on the CPU.
    """

    candidates: Tensor
    values: Tensor
    weights: Tensor
    chunk: Tensor
    noise_levels: Tensor
    euler_steps: Tensor

    @property
    def index(self) -> Tensor:
        """The candidate of the highest value (B,)."""
        return self.values.argmax(dim=1)

    @property
    def value(self) -> Tensor:
        """Value of the chunk (B,): that of its candidates, as far as each is in it."""
        return (self.weights * self.values).sum(dim=1)

    @property
    def spread(self) -> Tensor:
        """Highest minus lowest value among the candidates (B,)."""
        return self.values.amax(dim=1) - self.values.amin(dim=1)


def choose(candidates: Tensor, values: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Value-guided choice among candidates.

    Args:
        candidates: (B, N, H, A).
        values: (B, N).
        temperature: 0: the candidate of the highest value (paper, section on value-guided thinking). Above 0: the mean
            of the candidates weighted with exp(value / temperature), as in MPPI (Williams et al. 2017): what the
            candidates agree on stays, the noise of each one averages out.

    Returns:
        Weights (B, N) and chunk (B, H, A).
    """
    if temperature == 0.0:
        index = values.argmax(dim=1)
        chunk = candidates[torch.arange(len(index), device=index.device), index]
        return torch.zeros_like(values).scatter_(1, index[:, None], 1.0), chunk
    weights = torch.softmax(values / temperature, dim=1)
    return weights, torch.einsum("bn,bnha->bha", weights, candidates)
