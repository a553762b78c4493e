"""How the videos of a dataset are encoded, and what `meta/info.json` says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hume_core.texts import shortened

_CANONICAL = {"libx264": "h264", "libx264rgb": "h264", "libx265": "hevc", "libsvtav1": "av1"}
"""Encoder of FFmpeg -> codec, as LeRobot calls it."""


@dataclass(frozen=True)
class VideoFormat:
    """Settings of an encoder.

    Attributes:
        fps: frames per second.
        encoder: FFmpeg's name of it.
        pix_fmt: pixel format that is stored.
        crf: quality. Lower is better and larger.
        preset: speed of the encoder.
        group: frames from one key frame to the next. LeRobot reads single frames, and a decoder starts at a key frame.
    """

    fps: int
    encoder: str = "libx264"
    pix_fmt: str = "yuv420p"
    crf: int = 18
    preset: str = "veryfast"
    group: int = 2

    @classmethod
    def for_size(cls, height: int, width: int, fps: int) -> VideoFormat:
        """The usual format. Colours at half the resolution need even sides."""
        even = height % 2 == 0 and width % 2 == 0
        return cls(fps, pix_fmt="yuv420p" if even else "yuv444p")

    @property
    def options(self) -> dict[str, str]:
        """Options of the encoder. Without B-frames, packets are in the order of the frames and can be joined."""
        given = {"g": str(self.group), "bf": "0", "crf": str(self.crf), "preset": self.preset}
        if self.encoder == "libsvtav1":
            del given["bf"]
            given["svtav1-params"] = "pred-struct=1:lp=1"
        elif self.encoder == "libx265":
            given["x265-params"] = "bframes=0:log-level=error"
        return given

    def to_json(self, height: int, width: int) -> dict[str, Any]:
        """`info` of a camera in `meta/info.json`, as LeRobot 0.6 writes it."""
        return {
            "video.height": height,
            "video.width": width,
            "video.codec": _CANONICAL[self.encoder],
            "video.pix_fmt": self.pix_fmt,
            "video.fps": self.fps,
            "video.channels": 3,
            "has_audio": False,
            "video.g": self.group,
            "video.crf": self.crf,
            "video.preset": self.preset,
            "video.fast_decode": 0,
            "video.extra_options": {},
            "video.video_backend": "pyav",
            "is_depth_map": False,
        }


def ffmpeg_reason(error: Exception) -> str:
    """What FFmpeg says of an error, without the path, which the message names already."""
    said = getattr(error, "strerror", None) or str(error)
    log = getattr(error, "log", None)
    return shortened(f"{said}; {log[2].strip()}" if log else said)
