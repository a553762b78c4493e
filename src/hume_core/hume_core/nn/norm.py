"""Root-mean-square normalisation as in Gemma."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """x / rms(x) * (1 + weight), computed in float32 and returned in the type of x.

    Args:
        width: size of the last dimension.
        eps: added to the mean square.
    """

    def __init__(self, width: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last dimension."""
        # No mean is taken away, unlike in layer normalisation: dividing by the size is what helps (Zhang and Sennrich,
        # Root mean square layer normalization, 2019). Squares lose too much in bfloat16, hence float32. Weight 0 means
        # factor 1, so that weight decay draws towards no change.
        wide = x.float()
        if torch.jit.is_tracing():
            # The form that ONNX Runtime makes one operation of.
            scale = torch.sqrt(wide.pow(2).mean(dim=-1, keepdim=True) + self.eps)
            return (wide / scale * (1.0 + self.weight.float())).type_as(x)
        inverse = torch.rsqrt((wide * wide).mean(dim=-1, keepdim=True) + self.eps)
        return (wide * inverse * (1.0 + self.weight.float())).type_as(x)
