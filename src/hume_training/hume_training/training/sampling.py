"""Which frames a step sees and its random numbers: functions of seed and step, so that a resumed run repeats them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def step_generator(seed: int, step: int) -> torch.Generator:
    """Random numbers of one step, on the CPU."""
    words = np.random.SeedSequence([seed, step]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(words[0]) << 31 ^ int(words[1]))


def batch_indices(count: int, batch_size: int, seed: int, step: int) -> NDArray[np.int64]:
    """Indices below count (batch_size,): passes over all of them, each in an order of its own."""
    first = step * batch_size
    wanted = np.arange(first, first + batch_size)
    picked = np.empty(batch_size, dtype=np.int64)
    for lap in np.unique(wanted // count):
        inside = wanted // count == lap
        picked[inside] = _order(count, seed, int(lap))[wanted[inside] % count]
    return picked


_orders: dict[tuple[int, int, int], NDArray[np.int64]] = {}


def _order(count: int, seed: int, lap: int) -> NDArray[np.int64]:
    key = (count, seed, lap)
    if key not in _orders:
        if len(_orders) > 2:
            _orders.clear()
        _orders[key] = np.random.default_rng([seed, lap, 3]).permutation(count)
    return _orders[key]


def shifted(images: Tensor, largest: int, generator: torch.Generator) -> Tensor:
    """Each image moved by up to `largest` pixels both ways, its edge repeated.

    Args:
        images: uint8 (B, height, width, 3).
        largest: pixels.
        generator: of the shifts.
    """
    if largest == 0:
        return images
    batch, height, width = images.shape[:3]
    move = torch.randint(-largest, largest + 1, (2, batch, 1), generator=generator)
    rows = (torch.arange(height) + move[0]).clamp(0, height - 1)
    columns = (torch.arange(width) + move[1]).clamp(0, width - 1)
    picked = torch.arange(batch)[:, None, None]
    return images[picked, rows[:, :, None], columns[:, None, :]]
