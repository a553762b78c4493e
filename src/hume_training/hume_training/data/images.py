"""Images as bytes and back."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """RGB pixels (height, width, 3) as PNG."""
    done, data = cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done
    return bytes(data.tobytes())


def decode_image(data: bytes) -> NDArray[np.uint8] | None:
    """RGB pixels (height, width, 3) of PNG or JPEG; None where they cannot be decoded."""
    pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR) if data else None
    return None if pixels is None else np.ascontiguousarray(pixels[..., ::-1])
