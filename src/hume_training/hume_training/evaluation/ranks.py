"""Rank correlation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def rank_correlation(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Spearman's correlation with average ranks for ties. NaN where one side does not vary."""
    # Pearson's correlation of the ranks: 1 where one grows whenever the other does, however unevenly. Values need only
    # put the candidates in the right order, so ranks and not the numbers themselves are compared.
    one, other = _ranks(first), _ranks(second)
    if one.std() == 0 or other.std() == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    # A group of c equal values that ends at rank l has the ranks l - c + 1 to l, on average l - (c - 1) / 2.
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[np.float64] = (last - (counts - 1) / 2.0)[group]
    return ranks
