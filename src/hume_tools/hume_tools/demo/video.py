"""Writing an mp4 of RGB frames with lines of text above them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

_LINE_HEIGHT = 24
_MARGIN = 8


class VideoWriter:
    """H.264 in an mp4 file. The first frame decides the size.

    Args:
        path: file to write.
        rate: frames per second.
    """

    def __init__(self, path: Path, rate: float = 15.0) -> None:
        self._path = path
        self._rate = rate
        self._writer: Generator[None, Any, None] | None = None

    def add(self, frame: NDArray[np.uint8], lines: Sequence[str] = ()) -> None:
        """Append a frame (height, width, 3) uint8 RGB with text drawn on it."""
        picture = annotate(frame, lines)
        if self._writer is None:
            size = (picture.shape[1], picture.shape[0])
            self._writer = imageio_ffmpeg.write_frames(
                str(self._path), size, fps=self._rate, codec="libx264", quality=7, macro_block_size=2
            )
            self._writer.send(None)
        self._writer.send(np.ascontiguousarray(picture))

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def annotate(frame: NDArray[np.uint8], lines: Sequence[str]) -> NDArray[np.uint8]:
    """A copy of the frame with lines of text on a dark band at its top."""
    picture = frame.copy()
    if not lines:
        return picture
    band = _MARGIN + _LINE_HEIGHT * len(lines)
    picture[:band] = picture[:band] // 3
    for k, line in enumerate(lines):
        at = (_MARGIN, _LINE_HEIGHT * (k + 1))
        cv2.putText(picture, line, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return picture
