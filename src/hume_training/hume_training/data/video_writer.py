"""Encoding cameras: a video for each staged episode, then those joined into the files of the dataset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from hume_core.errors import DatasetError
from hume_training.data.layout import VIDEO, VIDEO_FILE_SIZE, file_place
from hume_training.data.video_format import VideoFormat, ffmpeg_reason


def encode_video(path: Path, frames: NDArray[np.uint8], video: VideoFormat) -> None:
    """Write one video.

    Args:
        path: of the .mp4 file.
        frames: (T, height, width, 3) RGB.
        video: how.

    Raises:
        DatasetError: this computer's FFmpeg cannot encode that, or the file cannot be written.
    """
    base = Fraction(1, video.fps)
    with _reported(path), av.open(str(path), "w", format="mp4") as container:
        stream: Any = container.add_stream(video.encoder, rate=video.fps, options=video.options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = video.pix_fmt
        stream.time_base = base  # the container takes a finer one once it has begun
        stream.codec_context.thread_count = 1  # episodes are encoded side by side
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = number, base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, OSError, ValueError) as error:
        raise DatasetError(
            f"{path} cannot be written as video: {ffmpeg_reason(error)}. Pictures can be stored instead: --images"
        ) from error


@dataclass(frozen=True)
class VideoPlace:
    """Where the frames of an episode lie: in which file, from and to which time in it, s."""

    chunk: int
    file: int
    begin: float
    end: float

    def to_row(self, key: str) -> dict[str, Any]:
        """Columns of the episode's description."""
        return {
            f"videos/{key}/chunk_index": self.chunk,
            f"videos/{key}/file_index": self.file,
            f"videos/{key}/from_timestamp": self.begin,
            f"videos/{key}/to_timestamp": self.end,
        }


class VideoFiles:
    """The files of one camera: episodes end to end, a new file where one is full.

    Args:
        root: of the dataset.
        key: of the camera.
        fps: frames per second.
    """

    def __init__(self, root: Path, key: str, fps: int) -> None:
        self._root, self._key, self._fps = root, key, fps
        self._number, self._frames, self._bytes = -1, 0, 0
        self._container: Any = None
        self._stream: Any = None
        self._header: bytes | None = None

    def append(self, episode: Path, length: int) -> VideoPlace:
        """Copy the packets of a staged video. Nothing is encoded again.

        Raises:
            DatasetError: it has other frames than the episode, or the file cannot be written.
        """
        with _reported(episode), av.open(str(episode)) as source:
            stream = source.streams.video[0]
            size = episode.stat().st_size
            header = stream.codec_context.extradata
            full = self._bytes + size > VIDEO_FILE_SIZE * 2**20
            if self._container is None or full or header != self._header:
                self._begin_file(stream, header)
            first, self._bytes = self._frames, self._bytes + size
            for packet in source.demux(stream):
                if packet.size == 0:
                    continue
                packet.time_base = Fraction(1, self._fps)
                packet.pts = packet.dts = self._frames
                packet.duration = 1
                packet.stream = self._stream
                self._container.mux(packet)
                self._frames += 1
        if self._frames - first != length:
            raise DatasetError(f"{episode} has {self._frames - first} frames, but its episode has {length}. Remove it")
        place = file_place(self._number)
        return VideoPlace(place["chunk_index"], place["file_index"], first / self._fps, self._frames / self._fps)

    def _begin_file(self, template: Any, header: bytes | None) -> None:
        self.close()
        self._number += 1
        self._frames = self._bytes = 0
        path = self._root / VIDEO.format(video_key=self._key, **file_place(self._number))
        path.parent.mkdir(parents=True, exist_ok=True)
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
        self._stream = self._container.add_stream_from_template(template, opaque=True)
        self._stream.time_base = Fraction(1, self._fps)
        self._header = header

    def close(self) -> None:
        """Finish the last file."""
        if self._container is not None:
            with _reported(self._root / self._key):
                self._container.close()
            self._container = None
