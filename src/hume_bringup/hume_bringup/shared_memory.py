"""Fast DDS's shared memory that processes left behind when they were killed."""

from __future__ import annotations

import fcntl
import os
import re
import time
from contextlib import suppress
from pathlib import Path

_FOLDER = Path("/dev/shm")
# Fast DDS keeps an exclusive lock on `fastdds_ID_el` while the participant that owns the segment `fastdds_ID` lives.
_LOCK = re.compile(r"fastdds_[0-9a-f]{16}_el")
_LOCKED_WITHIN = 10.0  # s


def remove_orphaned_segments(folder: Path = _FOLDER) -> list[str]:
    """Remove the segments whose owner has ended. A killed node leaves up to 17 MB in memory until the next boot.

    Args:
        folder: where the segments are.

    Returns:
        Names of what was removed.
    """
    removed = []
    for lock in sorted(folder.glob("fastdds_*_el")):
        # What belongs to other users, or goes meanwhile, is theirs.
        with suppress(OSError):
            if _LOCK.fullmatch(lock.name) and _is_orphan(lock):
                segment = lock.with_name(lock.name.removesuffix("_el"))
                segment.unlink(missing_ok=True)
                lock.unlink()
                removed.append(segment.name)
    return removed


def _is_orphan(lock: Path) -> bool:
    if time.time() - lock.stat().st_mtime < _LOCKED_WITHIN:
        # Its owner may be between making it and locking it.
        return False
    descriptor = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
