"""Weights as 8-bit integers: a quarter of the size, for checkpoints that are kept in a repository.

A matrix W (rows r, columns c) is stored as integers Q and one scale per row:

    Q[r, c] = round(W[r, c] / s[r]),    s[r] = max_c |W[r, c]| / 127,    W'[r, c] = s[r] Q[r, c]

so no number moves by more than s[r] / 2. Everything with fewer than two dimensions keeps its type: norms, biases and
statistics are small and sensitive. The scheme is symmetric absmax quantisation by row, as in LLM.int8()
(Dettmers et al., arXiv 2208.07339, section 2). What was stored this way is computed in float32 like every checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

SCALE = ".row_scale"
"""Added to the name of a compact tensor. The result names its scales."""

_LEVELS = 127.0


def compacted(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every matrix as integers and scales, the rest as it is.

    Args:
        tensors: name in the file -> tensor. Of more than two dimensions the first gives the rows.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.ndim < 2 or not tensor.is_floating_point():
            found[name] = tensor
            continue
        rows = tensor.float().flatten(1)
        scale = rows.abs().amax(dim=1) / _LEVELS
        # A row of zeros has no scale. Any will do.
        safe = torch.where(scale > 0, scale, torch.ones_like(scale))
        found[name] = (rows / safe[:, None]).round().to(torch.int8).view(tensor.shape)
        found[name + SCALE] = safe
    return found


def expanded(integers: Tensor, scale: Tensor) -> Tensor:
    """The numbers that are meant, float32.

    Args:
        integers: int8, two or more dimensions.
        scale: (rows,) float32.

    Raises:
        ValueError: there is not one scale for each row.
    """
    if scale.shape != integers.shape[:1]:
        raise ValueError(f"{SCALE} has shape {list(scale.shape)}. Expected [{integers.shape[0]}]")
    return integers.float() * scale.view(-1, *(1,) * (integers.ndim - 1))
