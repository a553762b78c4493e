"""Pixels of `sensor_msgs/Image`: every encoding that usual camera drivers send becomes RGB.

Names and layouts: sensor_msgs/image_encodings.hpp. The names of OpenCV's Bayer conversions are shifted by one pixel in
both directions: what it calls BG begins with red.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ObservationError
from hume_core.texts import shortened


@dataclass(frozen=True)
class Layout:
    """How an encoding stores an image.

    Attributes:
        channels: numbers per pixel in a row of the image.
        convert: name of OpenCV's conversion to RGB. None: it is RGB.
        depth: bytes per number.
        even: width and height must be multiples of these.
        smallest: fewest rows and columns.
        chroma: rows of colour follow, half as many as those of brightness.
    """

    channels: int
    convert: str | None = None
    depth: int = 1
    even: tuple[int, int] = (1, 1)
    smallest: int = 1
    chroma: bool = False


_MOSAICS = {
    "rggb": "COLOR_BayerBG2RGB",
    "bggr": "COLOR_BayerRG2RGB",
    "gbrg": "COLOR_BayerGR2RGB",
    "grbg": "COLOR_BayerGB2RGB",
}
_YUYV = Layout(2, "COLOR_YUV2RGB_YUY2", even=(2, 1))
_UYVY = Layout(2, "COLOR_YUV2RGB_UYVY", even=(2, 1))

LAYOUTS: dict[str, Layout] = {
    "rgb8": Layout(3),
    "bgr8": Layout(3, "COLOR_BGR2RGB"),
    "8UC3": Layout(3, "COLOR_BGR2RGB"),
    "rgba8": Layout(4, "COLOR_RGBA2RGB"),
    "bgra8": Layout(4, "COLOR_BGRA2RGB"),
    "8UC4": Layout(4, "COLOR_BGRA2RGB"),
    "mono8": Layout(1, "COLOR_GRAY2RGB"),
    "8UC1": Layout(1, "COLOR_GRAY2RGB"),
    "rgb16": Layout(3, depth=2),
    "bgr16": Layout(3, "COLOR_BGR2RGB", depth=2),
    "rgba16": Layout(4, "COLOR_RGBA2RGB", depth=2),
    "bgra16": Layout(4, "COLOR_BGRA2RGB", depth=2),
    "mono16": Layout(1, "COLOR_GRAY2RGB", depth=2),
    "yuv422_yuy2": _YUYV,
    "yuyv": _YUYV,
    "yuv422": _UYVY,
    "uyvy": _UYVY,
    "nv12": Layout(1, "COLOR_YUV2RGB_NV12", even=(2, 2), chroma=True),
    "nv21": Layout(1, "COLOR_YUV2RGB_NV21", even=(2, 2), chroma=True),
    **{
        f"bayer_{pattern}{8 * depth}": Layout(1, code, depth, even=(2, 2), smallest=4)
        for depth in (1, 2)
        for pattern, code in _MOSAICS.items()
    },
}

_DEPTHS = ("16UC1", "32FC1")


def is_depth(encoding: str) -> bool:
    """Whether an encoding, or the format of a compressed image, says that the numbers are distances."""
    return encoding in _DEPTHS or "compressedDepth" in encoding


def raw_to_rgb(message: Any) -> NDArray[np.uint8]:
    """RGB pixels of a `sensor_msgs/Image`.

    Numbers of 16 bits are scaled to 8. Rows may be padded.

    Returns:
        uint8 (height, width, 3), RGB, owning its memory.

    Raises:
        ObservationError: unknown encoding, or a size or data that do not fit it.
    """
    encoding = str(message.encoding)
    layout = LAYOUTS.get(encoding)
    if is_depth(encoding):
        raise ObservationError(f"image encoding '{encoding}' holds distances, no picture; name a colour topic")
    if layout is None:
        raise ObservationError(f"image encoding '{shortened(encoding)}' is not supported. Valid: {', '.join(LAYOUTS)}")
    pixels = _numbers(message, encoding, layout)
    if layout.convert is None:
        return pixels.copy() if layout.depth == 1 else pixels
    import cv2

    return np.asarray(cv2.cvtColor(pixels, getattr(cv2, layout.convert)), dtype=np.uint8)


def _numbers(message: Any, encoding: str, layout: Layout) -> NDArray[np.uint8]:
    """What the message holds, in 8 bits: uint8 (rows, width, channels)."""
    height, width, step = int(message.height), int(message.width), int(message.step)
    _check_size(width, height, encoding, layout)
    rows = height * 3 // 2 if layout.chroma else height
    row_bytes = width * layout.channels * layout.depth
    data = np.frombuffer(message.data, dtype=np.uint8)
    if step < row_bytes or data.size != rows * step:
        raise ObservationError(
            f"image of {width}x{height} '{encoding}' with step {step} needs a step of at least {row_bytes} and "
            f"{rows * max(step, row_bytes)} bytes. Found {data.size}"
        )
    taken = data.reshape(rows, step)[:, :row_bytes]
    if layout.depth == 1:
        return taken.reshape(rows, width, layout.channels)
    import cv2

    wide = np.ascontiguousarray(taken).view(">u2" if message.is_bigendian else "<u2").astype(np.uint16)
    scaled = cv2.convertScaleAbs(wide.reshape(rows, width, layout.channels), alpha=255.0 / 65535.0)
    return np.asarray(scaled, dtype=np.uint8).reshape(rows, width, layout.channels)


def _check_size(width: int, height: int, encoding: str, layout: Layout) -> None:
    across, down = layout.even
    if min(width, height) < layout.smallest or width % across or height % down:
        even = "" if layout.even == (1, 1) else ", an even width" if down == 1 else ", even width and height"
        valid = f"at least {layout.smallest} columns and rows{even}"
        raise ObservationError(f"an image of {width}x{height} cannot be '{encoding}'. Valid: {valid}")
