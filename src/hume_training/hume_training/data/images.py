"""Images as bytes and back."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hume_core.encoded_images import decode_rgb
from hume_core.errors import ObservationError


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """RGB pixels (height, width, 3) as PNG."""
    done, data = cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done
    return bytes(data.tobytes())


def decode_image(data: bytes) -> NDArray[np.uint8] | None:
    """RGB pixels (height, width, 3) of PNG or JPEG. None where they cannot be decoded."""
    try:
        return decode_rgb(data)
    except ObservationError:
        return None
