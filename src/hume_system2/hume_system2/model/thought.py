"""The result of one System 2 thought."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Thought:
    """N candidate chunks per observation and the chosen one.

    Attributes:
        candidates: normalised, padded actions (B, N, H, A).
        values: estimated state-action values (B, N).
        index: chosen candidate, the one of the highest value (B,).
        chunk: chosen chunk, normalised and padded (B, H, A).
        noise_levels: share of the starting noise left in each candidate, in [0, 1] (N,), float32 on the CPU.
        euler_steps: number of Euler steps of each candidate (N,), int64 on the CPU.
    """

    candidates: Tensor
    values: Tensor
    index: Tensor
    chunk: Tensor
    noise_levels: Tensor
    euler_steps: Tensor

    @property
    def value(self) -> Tensor:
        """Value of the chosen chunk (B,)."""
        return self.values.amax(dim=1)

    @property
    def spread(self) -> Tensor:
        """Highest minus lowest value among the candidates (B,)."""
        return self.values.amax(dim=1) - self.values.amin(dim=1)
