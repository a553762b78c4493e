"""Unpacking zstd, message by message or whole files: only up to a size, whatever a few bytes ask for."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import zstandard

from hume_bags.errors import BagError
from hume_core.texts import shortened

LARGEST_UNPACKED = 128 * 1024 * 1024
"""Of a message, or of several packed together, once they are unpacked, bytes. Recorders write a few megabytes."""

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

_BLOCK = 1024 * 1024
_ALLOWANCE = 256 * 1024 * 1024
_HIGHEST_RATIO = 100
"""Recordings of cameras become a tenth at best. What becomes much less was made to fill disks."""
_LEFT_FREE = 1024 * 1024 * 1024
"""On the disk of temporary files, bytes."""


def unpacked_zstd(data: bytes, size: int | None = None) -> bytes:
    """What a zstd frame holds.

    Args:
        data: the frame.
        size: bytes that it must have. None: any number up to `LARGEST_UNPACKED`.

    Raises:
        ValueError: it has another size, or is too large.
        zstandard.ZstdError: it is damaged.
    """
    said = zstandard.frame_content_size(data)
    if said > LARGEST_UNPACKED or (size is not None and said not in (-1, size)):
        raise ValueError(f"it unpacks to {said} bytes. Valid: {LARGEST_UNPACKED if size is None else size}")
    limit = LARGEST_UNPACKED if size is None else size
    return zstandard.decompress(data, max_output_size=limit) if limit else b""


@contextmanager
def unpacked_file(path: Path, problems: list[str]) -> Iterator[Path]:
    """A file that was packed as a whole, unpacked into the folder for temporary files (`TMPDIR`).

    Its name goes when the context ends. What was opened by then stays readable until it is closed.

    Args:
        path: of the packed file.
        problems: takes one where it is damaged. What lies before the damage is unpacked.

    Raises:
        BagError: it unpacks to too much, or the disk has no room for it.
    """
    with tempfile.NamedTemporaryFile(prefix="hume_bag_") as target:
        try:
            for block in _blocks(path, Path(target.name).parent):
                target.write(block)
        except zstandard.ZstdError as error:
            problems.append(f"{path.name} is damaged, and was unpacked up to there ({shortened(str(error))})")
        except OSError as error:
            raise BagError(f"'{path}' cannot be unpacked: {error.strerror}. {_by_hand(path)}") from error
        target.flush()
        yield Path(target.name)


def _blocks(path: Path, folder: Path) -> Iterator[bytes]:
    most = _ALLOWANCE + _HIGHEST_RATIO * path.stat().st_size
    done = 0
    with path.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as data:
        while block := data.read(_BLOCK):
            done += len(block)
            if done > most:
                size = path.stat().st_size
                raise BagError(f"'{path}' has {size} bytes and unpacks to over {most}. {_by_hand(path)}")
            if shutil.disk_usage(folder).free < _LEFT_FREE:
                raise BagError(f"'{path}' was not unpacked: there is no room in {folder}. Set TMPDIR to a larger disk")
            yield block


def _by_hand(path: Path) -> str:
    return f"If you trust it, unpack it with 'zstd -d {path}' and name what comes out"
