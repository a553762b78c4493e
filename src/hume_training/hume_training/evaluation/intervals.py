"""Intervals of success rates and of paired differences."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_Z = 1.959964  # 97.5 % quantile of the standard normal distribution
_RESAMPLES = 10_000


def wilson(successes: int, episodes: int) -> tuple[float, float]:
    """95 % interval of a rate (Wilson 1927)."""
    if episodes == 0:
        return 0.0, 1.0
    # All rates p that the observed rate r does not refute: (r - p)^2 <= z^2 p (1 - p) / n, solved for p. The usual
    # r +- z sqrt(r (1 - r) / n) has width 0 at r = 0 or 1, as if three successes of three proved the fourth.
    rate = successes / episodes
    scale = 1.0 + _Z**2 / episodes
    centre = (rate + _Z**2 / (2 * episodes)) / scale
    half = _Z * math.sqrt(rate * (1 - rate) / episodes + _Z**2 / (4 * episodes**2)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)


def paired_difference(
    first: Sequence[bool], second: Sequence[bool], seed: int = 0
) -> tuple[float, tuple[float, float]]:
    """Mean difference of paired successes and its 95 % interval (percentile bootstrap over the pairs)."""
    # Both variants play the same scenes, so scenes that are hard for both drop out of the difference. Its spread is
    # that of means of as many pairs drawn again with replacement (Efron 1979).
    difference: NDArray[np.float64] = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    rng = np.random.default_rng([seed, 7])
    means = difference[rng.integers(0, len(difference), (_RESAMPLES, len(difference)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(difference.mean()), (float(low), float(high))
