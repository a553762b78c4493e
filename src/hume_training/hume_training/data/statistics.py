"""Statistics of episodes and datasets, as LeRobot 0.6 writes them: `meta/stats.json`, and `stats/` of each episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_training.data.layout import Feature

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
NAMES = ("min", "max", "mean", "std", *QUANTILES)
_FEWEST_IMAGES, _MOST_IMAGES, _IMAGE_POWER = 100, 10_000, 0.75
_LARGE_SIDE, _SAMPLED_SIDE = 300, 150
"""A picture with a side of 300 pixels or more is thinned out to about 150."""

FeatureStatistics = dict[str, NDArray[np.float64]]
"""Name -> (n,), or (3, 1, 1) of cameras. "count" is (1,)."""


def episode_statistics(
    columns: Mapping[str, NDArray[Any]], features: Mapping[str, Feature]
) -> dict[str, FeatureStatistics]:
    """Statistics of one episode.

    Args:
        columns: by key, one row per frame. Images uint8 (T, height, width, 3).
        features: of the columns to describe.

    Returns:
        By key. Of images between 0 and 1 by channel, from a sample of the frames, whose number is "count".
    """
    return {
        key: _of_images(columns[key]) if feature.is_camera else of_numbers(columns[key])
        for key, feature in features.items()
    }


def of_numbers(values: NDArray[Any]) -> FeatureStatistics:
    """Statistics (n,) of rows (T, n), or (1,) of (T,)."""
    rows = values.reshape(len(values), -1).astype(np.float64)
    shares = np.array(list(QUANTILES.values()))
    quantiles = np.quantile(rows, shares, axis=0, method="inverted_cdf")
    return {
        "min": rows.min(0),
        "max": rows.max(0),
        "mean": rows.mean(0),
        "std": rows.std(0),
        **dict(zip(QUANTILES, quantiles, strict=True)),
        "count": np.array([len(rows)]),
    }


def sampled_frames(length: int) -> NDArray[np.int64]:
    """Which frames of an episode describe its pictures: evenly spread, fewer of many."""
    count = max(min(_FEWEST_IMAGES, length), min(int(length**_IMAGE_POWER), _MOST_IMAGES))
    return np.round(np.linspace(0, length - 1, count)).astype(np.int64)


def _of_images(images: NDArray[np.uint8]) -> FeatureStatistics:
    chosen = sampled_frames(len(images))
    height, width = images.shape[1:3]
    side = width if width > height else height
    step = max(1, side // _SAMPLED_SIDE) if max(height, width) >= _LARGE_SIDE else 1
    counts = np.zeros((3, 256), np.int64)
    for frame in chosen:
        for channel in range(3):
            counts[channel] += np.bincount(images[frame, ::step, ::step, channel].reshape(-1), minlength=256)
    result = {name: value.reshape(3, 1, 1) / 255.0 for name, value in _of_counts(counts).items()}
    return result | {"count": np.array([len(chosen)])}


def _of_counts(counts: NDArray[np.int64]) -> FeatureStatistics:
    """Statistics (k,) of whole numbers that occur so often (k, 256)."""
    levels = np.arange(256.0)
    total = counts.sum(1)
    mean = counts @ levels / total
    below = counts.cumsum(1)
    found = {
        "min": np.argmax(counts > 0, axis=1).astype(np.float64),
        "max": 255.0 - np.argmax(counts[:, ::-1] > 0, axis=1),
        "mean": mean,
        "std": np.sqrt(np.maximum(counts @ levels**2 / total - mean**2, 0.0)),
    }
    for name, share in QUANTILES.items():
        found[name] = np.argmax(below >= share * total[:, None], axis=1).astype(np.float64)
    return found


def merged(episodes: Sequence[Mapping[str, FeatureStatistics]]) -> dict[str, FeatureStatistics]:
    """Statistics of a dataset from those of its episodes, as LeRobot merges them.

    Quantiles are the episodes' means, weighted by their counts: those of all rows would need all rows at once.
    """
    return {key: _merged([episode[key] for episode in episodes]) for key in episodes[0]}


def _merged(parts: Sequence[FeatureStatistics]) -> FeatureStatistics:
    counts = np.array([part["count"][0] for part in parts], np.float64)
    weights = counts / counts.sum()
    stacked = {name: np.stack([part[name] for part in parts]) for name in NAMES}
    averages = {name: np.tensordot(weights, values, axes=1) for name, values in stacked.items()}
    spread = np.tensordot(weights, stacked["std"] ** 2 + (stacked["mean"] - averages["mean"]) ** 2, axes=1)
    return averages | {
        "min": stacked["min"].min(0),
        "max": stacked["max"].max(0),
        "std": np.sqrt(spread),
        "count": np.array([int(counts.sum())]),
    }


def to_json(statistics: Mapping[str, FeatureStatistics]) -> dict[str, dict[str, Any]]:
    """As lists: the content of `stats.json`."""
    return {key: {name: value.tolist() for name, value in found.items()} for key, found in statistics.items()}


def from_json(content: Mapping[str, Mapping[str, Any]]) -> dict[str, FeatureStatistics]:
    """What `to_json` wrote."""
    return {key: {name: np.asarray(value) for name, value in found.items()} for key, found in content.items()}
