"""Rotary position embedding."""

from __future__ import annotations

import torch
from torch import Tensor

Rotary = tuple[Tensor, Tensor]


def rotary_table(positions: Tensor, head_dim: int, base: float = 10000.0) -> Rotary:
    """Cosines and signed sines of the rotation angles.

    Args:
        positions: integer positions (B, L).
        head_dim: size of one attention head, even.
        base: longest wavelength.

    Returns:
        Two float32 tensors (B, 1, L, head_dim). The sines of the first half are negated.
    """
    # Pair i of a head is turned by the angle m theta_i at position m, with theta_i = base^(-2 i / d). Turned vectors
    # have the product
    #
    #     (R(m) q) . (R(n) k) = q . R(n - m) k
    #
    # so a score depends on the distance of two positions and not on where they are. Keys can then be computed once,
    # kept in a cache, and used with queries at any later position (Su et al., RoFormer, 2021, section 3.2).
    exponent = torch.arange(head_dim // 2, dtype=torch.float32, device=positions.device) * (2.0 / head_dim)
    angle = positions[:, None, :, None].to(torch.float32) / base**exponent
    cos, sin = angle.cos(), angle.sin()
    return torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1)


def rotate(x: Tensor, table: Rotary) -> Tensor:
    """Rotate the two halves of each head against each other, in float32.

    Args:
        x: (B, heads, L, head_dim).
        table: from ``rotary_table``.
    """
    # (x1, x2) -> (x1 cos - x2 sin, x2 cos + x1 sin), where x1 and x2 are the two halves of a head. The roll puts the
    # other half beside each, and the table's sign makes the first sine negative.
    cos, sin = table
    wide = x.float()
    if torch.jit.is_tracing():
        first, second = wide.chunk(2, dim=-1)  # a roll becomes more operations
        return (wide * cos + torch.cat([second, first], dim=-1) * sin).type_as(x)
    return torch.addcmul(wide * cos, wide.roll(x.shape[-1] // 2, dims=-1), sin).type_as(x)
