"""The files that a film of the demo can be written to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hume_core.errors import ConfigError


@dataclass(frozen=True)
class VideoFormat:
    """How a file shows the scene.

    Attributes:
        rate: frames per second.
        width: of the picture, pixels. 0: as it comes.
        text: size of the text.
    """

    rate: float
    width: int = 0
    text: float = 1.0


FORMATS = {".mp4": VideoFormat(15.0), ".gif": VideoFormat(10.0, 320, 0.84)}
"""By suffix. A GIF is for a page, so it is small."""


def check_video_file(path: Path | None) -> Path | None:
    """The path as it came, once it is known that a video can be written to it.

    Raises:
        ConfigError: unknown suffix.
    """
    if path is not None and path.suffix.lower() not in FORMATS:
        raise ConfigError(f"video file '{path}' must end in one of: {', '.join(FORMATS)}")
    return path
