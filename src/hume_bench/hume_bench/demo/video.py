"""Writing RGB frames with lines of text above them, as mp4 or GIF."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from hume_bench.demo.video_format import FORMATS, check_video_file
from hume_core.errors import HumeError

Image = NDArray[np.uint8]

_LINES = 3
_LINE_HEIGHT = 24  # pixels, at text size 1
_MARGIN = 8  # pixels
_FONT_SCALE = 0.5
_DARK = 45  # of 255
_LONGEST_PAUSE = 1.0  # s, from one frame to the next of the same scene
_LAST_FRAME = 150  # how long a GIF shows its last frame before it begins again, 1/100 s


class VideoWriter:
    """A film of a scene in real time. The first frame decides the size.

    Args:
        path: .mp4 or .gif file.

    Raises:
        ConfigError: unknown suffix.
    """

    def __init__(self, path: Path) -> None:
        check_video_file(path)
        self._path = path
        self._format = FORMATS[path.suffix.lower()]
        self._folder = tempfile.TemporaryDirectory(prefix="hume_video_")
        # Colours of a GIF are chosen from all of its frames, so they have to be kept until the end.
        self._film = path if path.suffix.lower() == ".mp4" else Path(self._folder.name) / "film.mkv"
        self._writer: Generator[None, Any, None] | None = None
        self._last: float | None = None
        self._due = 0.0

    def add(self, frame: Image, lines: Sequence[str], seen: float) -> None:
        """Append a frame with text drawn on it, as often as it takes for the film to run in real time.

        Args:
            frame: (height, width, 3) uint8 RGB.
            lines: of text.
            seen: when, s. After a longer pause the film goes on at once.
        """
        passed = _LONGEST_PAUSE if self._last is None else seen - self._last
        self._due += passed * self._format.rate if 0.0 <= passed < _LONGEST_PAUSE else 1.0
        self._last = seen
        picture = annotate(_resized(frame, self._format.width), lines, self._format.text)
        while self._due >= 0.5:  # rounded, so that a camera of the film's rate may be a little early or late
            self._write(picture)
            self._due -= 1.0

    def close(self) -> None:
        """Finish the file.

        Raises:
            HumeError: ffmpeg could not write it.
        """
        with self._folder:
            if self._writer is None:
                return
            self._writer.close()
            self._writer = None
            if self._film != self._path:
                _write_gif(self._film, self._path)

    def _write(self, picture: Image) -> None:
        if self._writer is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            size = (picture.shape[1], picture.shape[0])
            lossless = {"codec": "ffv1", "pix_fmt_out": "bgr0", "quality": None}
            kind = {"codec": "libx264", "quality": 7} if self._film == self._path else lossless
            self._writer = imageio_ffmpeg.write_frames(
                str(self._film), size, fps=self._format.rate, macro_block_size=2, **kind
            )
            self._writer.send(None)
        self._writer.send(np.ascontiguousarray(picture))


def annotate(frame: Image, lines: Sequence[str], size: float = 1.0) -> Image:
    """The frame below a dark band with lines of text, three at most.

    Args:
        frame: (height, width, 3) uint8 RGB.
        lines: of text.
        size: of the text.

    Returns:
        (height + band, width, 3). The band is as high for fewer lines.
    """
    height = round(size * _LINE_HEIGHT)
    band = np.full((_MARGIN + height * _LINES, frame.shape[1], 3), _DARK, dtype=np.uint8)
    for k, line in enumerate(lines[:_LINES]):
        at = (_MARGIN, height * (k + 1))
        cv2.putText(band, line, at, cv2.FONT_HERSHEY_SIMPLEX, size * _FONT_SCALE, (255, 255, 255), 1, cv2.LINE_AA)
    return np.concatenate((band, frame))


def _resized(frame: Image, width: int) -> Image:
    height, present = frame.shape[:2]
    if width == 0 or width == present:
        return frame
    # Even sizes: encoders want them.
    size = (width, 2 * round(0.5 * height * width / present))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _write_gif(film: Path, path: Path) -> None:
    """A GIF of a film: first the best 128 colours of all frames, then the frames in these colours."""
    palette = film.with_name("palette.png")
    _ffmpeg("-i", film, "-vf", "palettegen=max_colors=128:stats_mode=full", palette)
    _ffmpeg(
        "-i", film, "-i", palette, "-lavfi", "paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle",
        "-loop", "0", "-final_delay", _LAST_FRAME, path,
    )  # fmt: skip


def _ffmpeg(*arguments: str | int | Path) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HumeError(f"ffmpeg could not write {arguments[-1]}: {done.stderr.strip()[-200:]}")
