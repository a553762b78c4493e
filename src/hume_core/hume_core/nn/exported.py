"""Attention with one key head as exported graphs have it: few operations, and nothing transposed.

A small model spends its time on the number of operations, not on their arithmetic. Heads stay side by side as the
projections give them. (token, head) rows are then a view, and keys and values have no dimension for heads. Rotation is
one operation of ONNX Runtime, outside of ONNX proper.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hume_core.nn.attention import Mask, PrefixThenCausal, causal_bias
from hume_core.nn.rope import Rotary, rotate

DOMAIN = "com.microsoft"


class _Rotation(torch.autograd.Function):
    """`rotate` of tokens (B, L, heads * d), which is one operation in the exported graph."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, places: Tensor, cos: Tensor, sin: Tensor, heads: int) -> Tensor:
        """As eager operations compute it."""
        table = torch.cat([cos, cos], dim=-1)[places][:, None], torch.cat([-sin, sin], dim=-1)[places][:, None]
        return rotate(x.unflatten(-1, (heads, -1)).transpose(1, 2), table).transpose(1, 2).flatten(2)

    @staticmethod
    def symbolic(graph: Any, x: Any, places: Any, cos: Any, sin: Any, heads: int) -> Any:
        """What stands in the exported graph."""
        rotated = graph.op(f"{DOMAIN}::RotaryEmbedding", x, places, cos, sin, num_heads_i=heads)
        return rotated.setType(x.type())


def _rotated(x: Tensor, rotary: Rotary, heads: int) -> Tensor:
    cos, sin = rotary
    half, rows = cos.shape[-1] // 2, cos.shape[0] * cos.shape[2]
    places = torch.arange(rows, device=x.device).view(cos.shape[0], cos.shape[2]).expand(x.shape[0], -1)
    tables = cos[..., :half].reshape(rows, half), sin[..., half:].reshape(rows, half)
    rotated: Tensor = _Rotation.apply(x, places, *tables, heads)
    return rotated


def key_value(attention: Any, x: Tensor, rotary: Rotary) -> tuple[Tensor, Tensor]:
    """Rotated keys and values (B, L, d) of tokens (B, L, hidden)."""
    return _rotated(attention.k_proj(x), rotary, 1), attention.v_proj(x)


def query(attention: Any, x: Tensor, rotary: Rotary) -> Tensor:
    """Rotated queries (B, L, heads * d) of tokens (B, L, hidden)."""
    return _rotated(attention.q_proj(x), rotary, attention.heads)


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Mask, heads: int) -> Tensor:
    """Softmax attention, see `hume_core.nn.attention.attend`.

    Args:
        query: (B, Lq, heads * d).
        key, value: (B, Lk, d).
        mask: who sees whom.
        heads: of the queries.
    """
    if not isinstance(mask, PrefixThenCausal):
        return _attend(query, key, value, mask, heads)
    prefix, later = mask.prefix, query.shape[1] - mask.prefix
    first = _attend(query[:, :prefix], key[:, :prefix], value[:, :prefix], None, heads)
    bias = causal_bias(later, prefix, query.device)
    if mask.open:
        bias = torch.cat([bias[:, :, : -mask.open], torch.zeros_like(bias[:, :, -mask.open :])], dim=2)
    return torch.cat([first, _attend(query[:, prefix:], key, value, bias, heads)], dim=1)


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, heads: int) -> Tensor:
    batch, length, width = query.shape
    rows = query.reshape(batch, length * heads, width // heads)
    scores = (rows * (width // heads) ** -0.5) @ key.transpose(-1, -2)
    if bias is not None:
        bias = bias[:, 0]
        scores = scores + (bias if bias.shape[1] == 1 else bias.repeat_interleave(heads, dim=1))
    return (scores.softmax(dim=-1) @ value).reshape(batch, length, width)
