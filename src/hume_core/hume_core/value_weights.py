"""Which share each candidate has in the chunk that was sent, from the values alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SAME = 1e-6  # of the size of the values: messages carry them with 24 bits
_HALVINGS = 60
_COLDEST, _HOTTEST = 1e-4, 1e4  # of the spread


def weights_of(values: NDArray[np.floating], value: float) -> NDArray[np.float64] | None:
    """Weights (N,), 1 in all, of the candidates in a chunk.

    A chunk is one candidate, or their mean with the weights exp(value / T): see `hume_system2.choosers`. The value of
    the chunk is the mean of the values with the same weights, and it falls as T rises. So it tells T.

    Args:
        values: (N,) of the candidates.
        value: of the chunk.

    Returns:
        None where no such chunk has this value.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not np.isfinite(numbers).all() or not np.isfinite(value):
        return None
    distance = np.abs(numbers - value)
    size = _SAME * float(np.abs(numbers).max())
    if distance.min() <= size:
        return np.asarray(np.arange(len(numbers)) == distance.argmin(), dtype=np.float64)
    mean, spread = float(numbers.mean()), float(np.ptp(numbers))
    if not mean - size <= value <= numbers.max():
        return None
    cold, hot = _COLDEST * spread, _HOTTEST * spread
    for _ in range(_HALVINGS):
        between = float(np.sqrt(cold * hot))
        cold, hot = (between, hot) if _softmax(numbers, between) @ numbers > value else (cold, between)
    return _softmax(numbers, hot)


def _softmax(values: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    powers = np.exp((values - values.max()) / temperature)
    return np.asarray(powers / powers.sum())
