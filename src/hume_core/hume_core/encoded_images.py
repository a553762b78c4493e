"""JPEG and PNG images as pixels. Their headers are read first: a few bytes can ask for gigabytes."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ObservationError

MOST_PIXELS = 64_000_000
"""Of an image that is decoded. Cameras of robots have fewer."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""JPEG markers without a length."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers of frame headers, which hold the size."""


def encoded_size(data: Any) -> tuple[int, int] | None:
    """(width, height) that the header of a JPEG or PNG image names. None where there is no such header.

    Args:
        data: the file's bytes, as any buffer.
    """
    view = memoryview(data).cast("B")
    if bytes(view[:8]) == _PNG and bytes(view[12:16]) == b"IHDR" and len(view) >= 24:
        width, height = struct.unpack_from(">II", view, 16)
        return width, height
    return _jpeg_size(view) if bytes(view[:2]) == _JPEG else None


def _jpeg_size(view: memoryview) -> tuple[int, int] | None:
    """Size in the first frame header, found from segment to segment (ITU-T T.81, annex B)."""
    place = 2
    while place + 9 <= len(view) and view[place] == 0xFF:
        marker = view[place + 1]
        if marker == 0xFF:
            place += 1
        elif marker in _STANDALONE:
            place += 2
        elif marker in _FRAMES:
            height, width = struct.unpack_from(">HH", view, place + 5)
            return width, height
        else:
            place += 2 + max(2, struct.unpack_from(">H", view, place + 2)[0])
    return None


def decode_rgb(data: Any, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Decode a JPEG or PNG image.

    Args:
        data: the file's bytes, as any buffer.
        size: (width, height) that its header must name, pixels, or the other way round where the camera was turned.
            None takes any up to `MOST_PIXELS`.

    Returns:
        uint8 (height, width, 3), RGB, owning its memory.

    Raises:
        ObservationError: it is neither JPEG nor PNG, of another size, too large or damaged.
    """
    found = encoded_size(data)
    if found is None:
        raise ObservationError("cannot be decoded. Valid: JPEG or PNG")
    width, height = found
    if size is not None and found not in (size, size[::-1]):
        raise ObservationError(f"has {width}x{height} pixels. Expected {size[0]}x{size[1]}")
    if width * height > MOST_PIXELS:
        raise ObservationError(f"has {width}x{height} pixels. Valid: at most {MOST_PIXELS} in all")
    import cv2

    try:
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise ObservationError("cannot be decoded. It is damaged")
    return np.ascontiguousarray(pixels[..., ::-1])
