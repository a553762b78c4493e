"""Frames of videos by their time, as LeRobot takes them: the nearest one, within a tolerance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from hume_core.errors import DatasetError
from hume_training.data.images import resized
from hume_training.data.video_format import ffmpeg_reason

TOLERANCE = 1e-4
"""How far from the wanted time a frame may be, s. LeRobot's default."""
_AGAIN = "Copy or download the file again"


def video_frames(
    path: Path, times: NDArray[np.float64], stored: tuple[int, int], wanted: tuple[int, int]
) -> Iterator[NDArray[np.uint8]]:
    """The frames of one video at some times. The video is decoded once, from the first one on.

    Args:
        path: of the video.
        times: (k,) in the video, s, ascending.
        stored: (height, width) of its frames.
        wanted: (height, width) of the result, resized where it differs.

    Yields:
        RGB (height, width, 3), one for each time.

    Raises:
        DatasetError: the video is missing, damaged, of another size, or has no frame at one of the times.
    """
    if not path.is_file():
        raise DatasetError(f"{path} does not exist. The dataset's cameras are stored in it. {_AGAIN}")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise DatasetError(f"{path} has no video stream. {_AGAIN}")
            stream = container.streams.video[0]
            _check_size(path, stream, stored)
            stream.thread_type = "AUTO"
            if times[0] > 0.0:
                container.seek(max(0, round(times[0] / stream.time_base) - 1), stream=stream)
            yield from _nearest(path, _decoded(path, container, stream, stored, wanted), times)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be decoded: {ffmpeg_reason(error)}. {_AGAIN}") from error


def _check_size(path: Path, stream: Any, stored: tuple[int, int]) -> None:
    if stream.codec_context is None:
        raise DatasetError(f"{path} is in a codec that cannot be decoded here. Valid: h264, hevc, av1. {_AGAIN}")
    found = (stream.codec_context.height, stream.codec_context.width)
    if found != stored:
        raise DatasetError(
            f"{path} has frames of {found[1]}x{found[0]} pixels, but info.json says {stored[1]}x{stored[0]}"
        )


class _Frame:
    """A decoded frame, whose colours are computed when they are asked for."""

    def __init__(self, frame: Any, wanted: tuple[int, int]) -> None:
        self.time = float(frame.time)
        self._frame, self._wanted = frame, wanted
        self._pixels: NDArray[np.uint8] | None = None

    @property
    def pixels(self) -> NDArray[np.uint8]:
        if self._pixels is None:
            self._pixels = resized(self._frame.to_ndarray(format="rgb24"), self._wanted)
        return self._pixels


def _decoded(
    path: Path, container: Any, stream: Any, stored: tuple[int, int], wanted: tuple[int, int]
) -> Iterator[_Frame]:
    for frame in container.decode(stream):
        if frame.time is None:
            continue
        if frame.is_corrupt:
            raise DatasetError(f"{path} is damaged at {frame.time:.3f} s. {_AGAIN}")
        if (frame.height, frame.width) != stored:
            raise DatasetError(f"{path} changes its size at {frame.time:.3f} s. {_AGAIN}")
        yield _Frame(frame, wanted)


def _nearest(path: Path, frames: Iterator[_Frame], times: NDArray[np.float64]) -> Iterator[NDArray[np.uint8]]:
    """The pixels of the frame nearest to each time."""
    before: _Frame | None = None
    after: _Frame | None = None
    for time in times:
        while after is None or after.time < time:
            found = next(frames, None)
            if found is None:
                break
            before, after = after, found
        pair = [frame for frame in (before, after) if frame is not None]
        best = min(pair, key=lambda frame: abs(frame.time - time), default=None)
        if best is None or abs(best.time - time) >= TOLERANCE:
            near = "it has none" if best is None else f"the nearest one is at {best.time:.4f} s"
            raise DatasetError(
                f"{path} has no frame at {time:.4f} s: {near}, and may be {TOLERANCE} s away as in LeRobot. {_AGAIN}"
            )
        yield best.pixels
