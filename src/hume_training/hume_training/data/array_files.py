"""Arrays in files that are written part by part, in any order, and mapped into memory afterwards."""

from __future__ import annotations

import math
import mmap
import os
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray


class ArrayFile:
    """An .npy file that is being written. It keeps what an earlier process wrote into it.

    Writing takes no more memory than the rows at hand, and a full disk is an `OSError`: a mapped file would end the
    process then.

    Args:
        path: of the file.
        kind: dtype.
        shape: of the whole array.

    Raises:
        OSError: there is no room for it.
    """

    def __init__(self, path: Path, kind: str, shape: tuple[int, ...]) -> None:
        self._kind = np.dtype(kind)
        self._row = self._kind.itemsize * math.prod(shape[1:])
        if not path.exists():
            _create(path, self._kind, shape, self._row * shape[0])
        self._file = os.open(path, os.O_RDWR)
        self._begin = path.stat().st_size - self._row * shape[0]

    def write(self, first: int, rows: NDArray[Any]) -> None:
        """Put rows in their place.

        Args:
            first: index of the first of them.
            rows: (k, ...).
        """
        left = memoryview(np.ascontiguousarray(rows, self._kind).data).cast("B")
        place = self._begin + first * self._row
        while left:
            done = os.pwrite(self._file, left, place)
            left, place = left[done:], place + done

    def sync(self) -> None:
        """Let the disk have what was written."""
        os.fdatasync(self._file)

    def close(self) -> None:
        """Stop writing."""
        os.close(self._file)

    def __enter__(self) -> ArrayFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _create(path: Path, kind: np.dtype[Any], shape: tuple[int, ...], size: int) -> None:
    """Take the room on the disk at once: a full disk is then known before hours of decoding."""
    with path.open("wb") as file:
        npy.write_array_header_1_0(file, {"descr": npy.dtype_to_descr(kind), "fortran_order": False, "shape": shape})
        file.flush()
        os.posix_fallocate(file.fileno(), 0, file.tell() + size)


class RandomRows(np.memmap):
    """A mapped array of which rows (k,) are read in any order, each from the disk alone.

    Without that the system reads megabytes around every row, on some disks forty times what is needed.
    """

    _mmap: mmap.mmap | None

    def __getitem__(self, index: Any) -> Any:
        """As of any array. Rows by numbers (k,) are asked of the disk together, before the first is waited for."""
        numbers = isinstance(index, np.ndarray) and index.ndim == 1 and index.dtype.kind in "iu"
        if numbers and self._mmap is not None and self.flags.c_contiguous:
            self._ask_for(self._mmap, index)
        found = super().__getitem__(index)
        return np.asarray(found) if numbers else found

    def _ask_for(self, file: mmap.mmap, rows: NDArray[np.int64]) -> None:
        row = self.itemsize * math.prod(self.shape[1:])
        # The mapping begins at a whole page, before the header that the array begins behind.
        begin = self.ctypes.data - np.frombuffer(file, np.uint8, 1).ctypes.data
        for number in np.unique(rows % len(self)):
            place = begin + int(number) * row
            page = place - place % mmap.PAGESIZE
            file.madvise(mmap.MADV_WILLNEED, page, min(place + row, len(file)) - page)


def mapped(path: Path, in_memory: bool) -> NDArray[Any]:
    """Array of a file, read-only. All processes that map it share its memory.

    Args:
        path: of an .npy file.
        in_memory: read it whole now: single frames from a disk take several times a small model's step.
    """
    array: NDArray[Any] = np.load(path, mmap_mode="r")
    if not in_memory:
        rows = array.view(RandomRows)
        if rows._mmap is not None:
            rows._mmap.madvise(mmap.MADV_RANDOM)
        return rows
    begin = path.stat().st_size - array.nbytes
    with path.open("rb") as file:
        pages = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE, prot=mmap.PROT_READ)
    return np.frombuffer(pages, array.dtype, array.size, begin).reshape(array.shape)


def free_memory() -> float:
    """Bytes that can be used without swapping. 0 where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable")), 0.0)
