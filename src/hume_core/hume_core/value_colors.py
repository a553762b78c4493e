"""Colours of values: dark violet for the lowest of a thought, yellow for the highest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MAP = np.array(
    [[68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99],
     [170, 220, 50], [253, 231, 37]]
)  # fmt: skip
"""Nine of the colours of viridis (Smith and van der Walt, 2015). Lightness grows evenly, also for the colour-blind."""
_UNKNOWN = np.array([140, 140, 140])


def value_colors(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Colours (N, 3), RGB, of the values (N,) of one thought.

    They tell the candidates of one thought apart, and do not compare thoughts. Equal values have one colour. A value
    that is not finite is grey.
    """
    numbers = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(numbers)
    known = numbers[finite]
    colors = np.tile(_UNKNOWN, (len(numbers), 1)).astype(np.uint8)
    if len(known):
        spread = float(known.max() - known.min())
        share = (known - known.min()) / spread if spread > 0.0 else np.full(len(known), 0.5)
        places = np.linspace(0.0, 1.0, len(_MAP))
        found = np.stack([np.interp(share, places, channel) for channel in _MAP.T], axis=1)
        colors[finite] = found.round().astype(np.uint8)
    return colors
