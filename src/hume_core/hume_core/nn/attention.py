"""Grouped-query attention with keys and values that may come from a cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

# Added to a score it leaves exp(score - largest) = 0 of a key. Finite, because a row of -inf alone would give nan. It
# is the value of the released Gemma code: 0.7 of the most negative float32, so that adding a score cannot overflow.
MASKED = -2.3819763e38


@dataclass(frozen=True)
class PrefixThenCausal:
    """The first tokens see each other. Later ones see those and the later ones up to themselves.

    Attributes:
        prefix: number of first tokens.
        open: number of last tokens that see everything, later ones too.
    """

    prefix: int
    open: int = 0


Mask: TypeAlias = "Tensor | PrefixThenCausal | None"


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Mask = None) -> Tensor:
    """Softmax attention with scores and softmax in float32: the fused kernel, but by hand where others need gradients.

    Query heads of one group are laid along the sequence. So keys and values need not be repeated, unless the bias
    differs between query rows.

    Args:
        query: (B, heads, Lq, d).
        key: (B, key heads, Lk, d).
        value: (B, key heads, Lk, d).
        mask: who sees whom: all see all, a pattern (Lq == Lk), or a bias added to the scores, broadcastable
            to (B, 1, Lq, Lk), in which ``MASKED`` hides a key.

    Returns:
        (B, Lq, heads * d) in the type of value.
    """
    if isinstance(mask, PrefixThenCausal):
        return _attend_prefix_then_causal(query, key, value, mask)
    return _attend(query, key, value, mask)


def _attend_prefix_then_causal(query: Tensor, key: Tensor, value: Tensor, mask: PrefixThenCausal) -> Tensor:
    # The mask is a matrix of blocks, rows see columns:
    #
    #                 prefix   later      open
    #     prefix        1        0          0
    #     later         1     triangle      0      (each itself and the later ones before it)
    #     open          1        1          1
    #
    # The first block row needs no mask and no later keys, so it is computed by itself. For images that is most of the
    # sequence, and its zeros are never computed. (Prefix-LM: Raffel et al., T5, 2020, section 3.2.1.)
    prefix = mask.prefix
    first = _attend(query[:, :, :prefix], key[:, :, :prefix], value[:, :, :prefix], None)
    bias = causal_bias(query.shape[2] - prefix, prefix, query.device)
    if mask.open:
        bias[:, :, -mask.open :] = 0.0
    return torch.cat([first, _attend(query[:, :, prefix:], key, value, bias)], dim=1)


def mask_of_last(mask: Mask, rows: int) -> Mask:
    """The mask of the last query rows alone.

    Raises:
        ValueError: a pattern whose last rows do not all see everything.
    """
    if isinstance(mask, PrefixThenCausal):
        if rows > max(mask.open, 1):
            raise ValueError(f"the last {rows} rows do not all see everything; {mask.open} do")
        return None
    return mask if mask is None or mask.shape[-2] == 1 else mask[..., -rows:, :]


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    # softmax(q k' / sqrt(d)) v. The scale keeps the scores' variance at 1 if those of q and k are 1, so that the
    # softmax does not saturate (Vaswani et al. 2017, section 3.2.1). Grouped queries: heads / key heads of them share
    # one key head (Ainslie et al., GQA, 2023).
    batch, heads, length, width = query.shape
    key_heads = key.shape[1]
    groups = heads // key_heads
    if bias is not None and bias.shape[-2] != 1:
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
        key_heads, groups = heads, 1
    folded = query.reshape(batch, key_heads, groups * length, width)
    if value.dtype == torch.float32 or not torch.is_grad_enabled():
        # The fused kernel computes scores and softmax in float32, whatever the type of its inputs.
        bias = None if bias is None else bias.to(folded.dtype)
        mixed = F.scaled_dot_product_attention(folded, key, value, attn_mask=bias, scale=width**-0.5)
    else:
        mixed = _attend_float32_softmax(folded, key, value, bias)
    return mixed.view(batch, heads, length, width).transpose(1, 2).reshape(batch, length, heads * width)


def _attend_float32_softmax(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    scores = query.float() @ key.float().transpose(-1, -2) * query.shape[-1] ** -0.5
    if bias is not None:
        scores = scores + bias
    return scores.softmax(dim=-1).to(value.dtype) @ value


def key_bias(valid: Tensor | None) -> Tensor | None:
    """Bias (B, 1, 1, L) that hides invalid keys. None where every key is valid.

    Args:
        valid: bool (B, L), or None.
    """
    if valid is None:
        return None
    return torch.where(valid[:, None, None, :], 0.0, MASKED)


def causal_bias(new: int, past: int, device: torch.device | None = None) -> Tensor:
    """Bias (1, 1, new, past + new): every past key is seen, new ones only up to itself."""
    hidden = torch.ones(new, new, dtype=torch.bool, device=device).triu(1)
    own = torch.where(hidden, MASKED, 0.0)
    return torch.cat([own.new_zeros(new, past), own], dim=1)[None, None]
