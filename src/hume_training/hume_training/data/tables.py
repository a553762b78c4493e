"""Parquet files of a dataset: only those within its folder, of a size that is known before they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hume_core.encoded_images import decode_rgb
from hume_core.errors import DatasetError, ObservationError
from hume_core.texts import listed, shortened
from hume_training.data.images import resized

_LARGEST_TABLE = 4 * 1024**3
"""Of a file once it is unpacked, bytes. LeRobot's files have a hundredth."""
_MOST_ROWS = 10_000_000
_MOST_COLUMNS = 2000


def inside(root: Path, relative: str) -> Path:
    """A file of a dataset.

    Raises:
        DatasetError: it lies, or leads, outside the folder.
    """
    path = root / relative
    try:
        home, target = root.resolve(), path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise DatasetError(f"{root} has no file {shortened(relative)}: {error}") from error
    # In the hub's cache the files of a snapshot are links to the folder of all contents beside it.
    homes = [home, home.parent.parent / "blobs"] if home.parent.name == "snapshots" else [home]
    if not any(target.is_relative_to(place) for place in homes):
        raise DatasetError(f"{path} leads out of the dataset's folder to {target}. Copy the file there")
    return path


class Table:
    """Some columns of a parquet file.

    Args:
        path: of the file.
        wanted: columns to read as far as they are there. None: all.

    Raises:
        DatasetError: the file cannot be read or is too large.
    """

    def __init__(self, path: Path, wanted: Sequence[str] | None = None) -> None:
        self.path = path
        self._table = _read(path, wanted)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return [str(name) for name in self._table.column_names]

    def rows(self, first: int, count: int) -> pa.Table:
        """Rows, as far as there are any."""
        return self._table.slice(first, count)

    def integers(self, name: str) -> list[int]:
        """A column of whole numbers.

        Raises:
            DatasetError: it is missing, or holds something else or gaps.
        """
        column = self._column(name)
        if not pa.types.is_integer(column.type) or column.null_count:
            raise DatasetError(f"{self.path}: column '{name}' holds {column.type}. Expected whole numbers without gaps")
        return [int(value) for value in column.to_pylist()]

    def floats(self, name: str) -> list[float]:
        """A column of finite numbers.

        Raises:
            DatasetError: it is missing, or holds something else or gaps.
        """
        return [
            float(value)
            for value in _numbers(
                self._column(name).combine_chunks(), np.dtype(np.float64), (), f"{self.path}, column '{name}'"
            )
        ]

    def texts(self, name: str) -> list[str]:
        """A column of texts.

        Raises:
            DatasetError: it is missing, or holds something else, gaps, or what is no UTF-8.
        """
        column = self._column(name)
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)) or column.null_count:
            raise DatasetError(f"{self.path}: column '{name}' holds {column.type}. Expected text without gaps")
        try:
            return [str(value) for value in column.to_pylist()]
        except UnicodeDecodeError as error:
            raise DatasetError(f"{self.path}: column '{name}' holds what is no UTF-8 text") from error

    def _column(self, name: str) -> pa.ChunkedArray:
        if name not in self.columns:
            raise DatasetError(f"{self.path} has no column '{name}'. It has: {listed(self.columns)}")
        return self._table[name]


def row_count(path: Path) -> int:
    """Rows of a file, without reading them.

    Raises:
        DatasetError: the file cannot be read.
    """
    with _opened(path) as file:
        return int(file.metadata.num_rows)


def _opened(path: Path) -> pq.ParquetFile:
    if not path.is_file():
        raise DatasetError(f"{path} cannot be read: it is no file")
    try:
        return pq.ParquetFile(path)
    except Exception as error:  # Arrow raises its own errors and Python's, by where a file is damaged
        raise DatasetError(f"{path} cannot be read: {shortened(str(error), 500)}") from error


def _read(path: Path, wanted: Sequence[str] | None) -> pa.Table:
    with _opened(path) as file:
        _check_size(path, file.metadata)
        names = file.schema_arrow.names
        doubled = next((name for name in names if names.count(name) > 1), None)
        if doubled is not None:
            raise DatasetError(f"{path} has two columns '{shortened(doubled)}'")
        try:
            there = None if wanted is None else [name for name in wanted if name in names]
            table = file.read(columns=there, use_threads=False)
            table.validate(full=True)
        except Exception as error:  # as above
            raise DatasetError(f"{path} cannot be read: {shortened(str(error), 500)}") from error
    return table


def _check_size(path: Path, metadata: pq.FileMetaData) -> None:
    """What the footer says of the file's size, before a page is unpacked."""
    if metadata.num_rows > _MOST_ROWS or metadata.num_columns > _MOST_COLUMNS:
        raise DatasetError(
            f"{path} has {metadata.num_rows} rows and {metadata.num_columns} columns. Valid: {_MOST_ROWS} and "
            f"{_MOST_COLUMNS} at most"
        )
    # Arrow ends the process where a damaged column is asked for its size. A group is not checked like that.
    size = sum(max(0, metadata.row_group(group).total_byte_size) for group in range(metadata.num_row_groups))
    if size > _LARGEST_TABLE:
        raise DatasetError(f"{path} unpacks to {size} bytes. Valid: at most {_LARGEST_TABLE}")


def column_values(
    rows: pa.Table,
    columns: Mapping[str, tuple[str, tuple[int, ...]]],
    stored: Mapping[str, tuple[int, int]],
    where: str,
    first: int = 0,
) -> Iterator[tuple[str, NDArray[Any]]]:
    """Rows of a table as arrays (k, ...), key by key.

    Args:
        rows: of one episode.
        columns: key -> (dtype, shape of a row); uint8 (height, width, 3) for images.
        stored: (height, width) of the images as they are stored, by key.
        where: begins the message, such as "episode 3".
        first: number of the first row in messages.

    Raises:
        DatasetError: naming the key and what is wrong with it.
    """
    for key, (kind, shape) in columns.items():
        place = f"{where}, key '{key}'"
        if key not in rows.column_names:
            raise DatasetError(f"{place}: the key is missing. The file has: {listed(rows.column_names)}")
        column = rows[key].combine_chunks()
        if key in stored:
            yield key, _images(column, stored[key], shape[:2], place, first)
        else:
            yield key, _numbers(column, np.dtype(kind), shape, place, first)


def _numbers(column: pa.Array, kind: np.dtype[Any], shape: tuple[int, ...], where: str, first: int = 0) -> NDArray[Any]:
    """Values (k, ...) in the type of the array."""
    found, flat = _flat(column)
    if found != shape and not (shape == (1,) and not found):
        raise DatasetError(f"{where}: rows have shape {found or 'that differ'}, but info.json says {shape}")
    if flat.null_count or not (
        pa.types.is_integer(flat.type) or pa.types.is_floating(flat.type) or pa.types.is_boolean(flat.type)
    ):
        raise DatasetError(f"{where}: holds {flat.type}. Expected numbers without gaps")
    with np.errstate(over="ignore", invalid="ignore"):
        values: NDArray[Any] = np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(len(column), *shape)
        cast = values.astype(kind)
    bad = ~np.isfinite(values) | ~np.isfinite(cast)
    if bad.any():
        raise DatasetError(f"{where}: frame {first + int(np.argwhere(bad)[0][0])} holds NaN or infinity")
    return cast


def _flat(column: pa.Array) -> tuple[tuple[int, ...], pa.Array]:
    """Shape of one row and all values end to end; (-1,) where rows differ."""
    if pa.types.is_fixed_size_list(column.type):
        return (int(column.type.list_size),), column.flatten()
    if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
        return (), column
    values = column.flatten()
    lengths = np.unique(column.value_lengths().to_numpy(zero_copy_only=False))
    same = len(lengths) == 1 and not column.null_count
    return ((int(lengths[0]) if same else -1,), values)


def _images(
    column: pa.Array, stored: tuple[int, int], wanted: tuple[int, ...], where: str, first: int
) -> NDArray[np.uint8]:
    """Images (k, height, width, 3), resized where another size is wanted."""
    if not pa.types.is_struct(column.type) or column.type.get_field_index("bytes") < 0:
        raise DatasetError(f"{where}: holds {column.type}. Expected images stored as bytes")
    data = column.field("bytes")
    if not (pa.types.is_binary(data.type) or pa.types.is_large_binary(data.type)):
        raise DatasetError(f"{where}: holds {data.type}. Expected images stored as bytes")
    height, width = stored
    result = np.empty((len(data), *wanted, 3), np.uint8)
    for frame, item in enumerate(data):
        place = f"{where}: the image of frame {first + frame}"
        try:
            image = decode_rgb(item.as_py() or b"", (width, height))
        except ObservationError as error:
            raise DatasetError(f"{place} {error}") from error
        if image.shape != (*stored, 3):
            raise DatasetError(f"{place} has shape {image.shape}. Expected {(*stored, 3)}")
        result[frame] = resized(image, (wanted[0], wanted[1]))
    return result
