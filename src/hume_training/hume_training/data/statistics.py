"""Statistics of a dataset's columns, as `meta/stats.json` holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hume_training.data.images import decode_image
from hume_training.data.layout import Feature

_IMAGE_STRIDE = 16


class Statistics:
    """Minimum, maximum, mean, standard deviation and count of every column. Images are sampled.

    Args:
        features: columns of the dataset.
    """

    def __init__(self, features: Mapping[str, Feature]) -> None:
        self._features = features
        self._sums: dict[str, list[NDArray[np.float64]]] = {}
        self._counts: dict[str, int] = {}
        self._frames = 0

    def add(self, table: pa.Table) -> None:
        """Take the rows of one episode into account."""
        for key, feature in self._features.items():
            column = table[key].combine_chunks()
            if feature.dtype == "image":
                values = self._pixels(column)
            elif feature.shape == (1,):
                values = np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)[:, None]
            else:
                values = column.flatten().to_numpy().reshape(len(column), -1).astype(np.float64)
            self._update(key, values)

    def _pixels(self, column: pa.Array) -> NDArray[np.float64]:
        images = [decode_image(column[i]["bytes"].as_py()) for i in range(0, len(column), _IMAGE_STRIDE)]
        pixels = np.stack([image for image in images if image is not None])
        return pixels.reshape(-1, 3).astype(np.float64) / 255.0

    def _update(self, key: str, values: NDArray[np.float64]) -> None:
        found = [values.min(0), values.max(0), values.sum(0), (values**2).sum(0)]
        if key in self._sums:
            low, high, total, squares = self._sums[key]
            found = [np.minimum(low, found[0]), np.maximum(high, found[1]), total + found[2], squares + found[3]]
        self._sums[key] = found
        self._counts[key] = self._counts.get(key, 0) + len(values)

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Content of `stats.json`."""
        result = {}
        for key, (low, high, total, squares) in self._sums.items():
            count = self._counts[key]
            mean = total / count
            std = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
            shape = (3, 1, 1) if self._features[key].dtype == "image" else (-1,)
            named = {"min": low, "max": high, "mean": mean, "std": std}
            result[key] = {name: value.reshape(shape).tolist() for name, value in named.items()} | {"count": [count]}
        return result
