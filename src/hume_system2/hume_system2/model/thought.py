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
        weights: share of each candidate in the chunk, 1 in all (B, N). See `hume_system2.choosers`.
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


def combine(candidates: Tensor, weights: Tensor) -> Tensor:
    """The chunk (B, H, A) of candidates (B, N, H, A): one as it is where it has all the weight, else the mean."""
    # A mean of different ways round an obstacle may lead into it, so it is used only where a chooser asks for it. With
    # all the weight on one candidate no rounding of a sum touches it.
    whole = weights == 1.0
    if bool(whole.any(dim=1).all()):
        return candidates[torch.arange(len(weights), device=weights.device), whole.int().argmax(dim=1)]
    return torch.einsum("bn,bnha->bha", weights, candidates)
