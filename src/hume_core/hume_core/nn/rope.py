"""Rotary position embedding."""

from __future__ import annotations

import torch
from torch import Tensor

Rotary = tuple[Tensor, Tensor]


def rotary_table(positions: Tensor, head_dim: int, base: float = 10000.0) -> Rotary:
    """Cosines and sines of the rotation angles.

    Args:
        positions: integer positions (B, L).
        head_dim: size of one attention head, even.
        base: longest wavelength.

    Returns:
        Two float32 tensors (B, 1, L, head_dim / 2).
    """
    exponent = torch.arange(head_dim // 2, dtype=torch.float32, device=positions.device) * (2.0 / head_dim)
    angle = positions[:, None, :, None].to(torch.float32) / base**exponent
    return angle.cos(), angle.sin()


def rotate(x: Tensor, table: Rotary) -> Tensor:
    """Rotate the two halves of each head against each other, in float32.

    Args:
        x: (B, heads, L, head_dim).
        table: from ``rotary_table``.
    """
    cos, sin = table
    first, second = x.float().chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1).type_as(x)
