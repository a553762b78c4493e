"""Intervals of success rates and of their differences, and how many episodes a difference needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_Z = 1.959964  # 97.5 % quantile of the standard normal distribution
_Z_POWER = 0.841621  # 80 % quantile
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


def newcombe(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """95 % interval of the first rate minus the second, from episodes of their own (Newcombe 1998, method 10).

    Args:
        first, second: successes and episodes, at least one episode each.
    """
    # Each end of the difference takes the ends of the two Wilson intervals that lie that way. The two vary
    # independently, so their distances from the rates add up as squares.
    return _difference_interval(first, second, correlation=0.0)


def newcombe_paired(pairs: Sequence[tuple[bool, bool]]) -> tuple[float, float]:
    """95 % interval of the first rate minus the second of paired episodes (Newcombe 1998, paired method 10).

    Args:
        pairs: success of the first and of the second, at least one pair.
    """
    table = np.asarray(pairs, dtype=bool)
    first, second = table[:, 0], table[:, 1]
    count = len(table)
    sums = int(first.sum()), int(second.sum())
    return _difference_interval((sums[0], count), (sums[1], count), _correlation(first, second))


def _correlation(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Phi of a table of pairs, with Newcombe's correction towards 0 where it is positive."""
    both, neither = int((first & second).sum()), int((~first & ~second).sum())
    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    if not margins:
        return 0.0
    excess = float(both * neither - only_first * only_second)
    if excess > 0.0:
        excess = max(excess - len(first) / 2.0, 0.0)
    return excess / math.sqrt(margins)


def _difference_interval(first: tuple[int, int], second: tuple[int, int], correlation: float) -> tuple[float, float]:
    rates = first[0] / first[1], second[0] / second[1]
    (low_1, high_1), (low_2, high_2) = wilson(*first), wilson(*second)
    difference = rates[0] - rates[1]

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(one**2 - 2.0 * correlation * one * other + other**2, 0.0))

    low = difference - reach(rates[0] - low_1, high_2 - rates[1])
    high = difference + reach(high_1 - rates[0], rates[1] - low_2)
    return max(-1.0, low), min(1.0, high)


def episodes_needed(first: float, second: float) -> int:
    """Episodes of each run with which a test at 5 % tells these true rates apart four times in five (Fleiss 1981).

    Args:
        first, second: rates that differ.
    """
    mean = (first + second) / 2.0
    spread = _Z * math.sqrt(2.0 * mean * (1.0 - mean))
    spread += _Z_POWER * math.sqrt(first * (1.0 - first) + second * (1.0 - second))
    return max(1, math.ceil(spread**2 / (first - second) ** 2))
