"""Where in a chunk System 1 may start a segment."""

from __future__ import annotations

import numpy as np

from hume_core.robot_sections import EVERY_SEGMENT, Progress


def allowed_starts(progress: Progress | None, chunk_size: int, segment_size: int) -> tuple[tuple[int, float], ...]:
    """Rows at which System 1 may start, and their progress, in order. Empty: anywhere.

    Args:
        progress: of the robot profile.
        chunk_size: rows of a chunk.
        segment_size: rows of a segment.
    """
    if progress is None:
        return ()
    if progress == EVERY_SEGMENT:
        progress = tuple(row / chunk_size for row in range(0, chunk_size, segment_size))
    # As System 1 counts: in float32, cut off.
    rows = {int(np.float32(share) * np.float32(chunk_size)): float(share) for share in progress}
    # In float64 a share may fall short of its row by a rounding.
    exact = {
        row: share if int(share * chunk_size) == row else float(np.nextafter(share, 1.0)) for row, share in rows.items()
    }
    return tuple(sorted(exact.items()))
