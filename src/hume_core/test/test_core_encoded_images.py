"""The header of an image decides whether it is decoded at all."""

import contextlib
import struct
import zlib

import cv2
import numpy as np
import pytest

from hume_core.encoded_images import decode_rgb, encoded_size
from hume_core.errors import ObservationError

RGB = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)


def encoded(suffix: str, *options: int) -> bytes:
    done, data = cv2.imencode(suffix, RGB[..., ::-1], list(options))
    assert done
    return bytes(data)


def png(width: int, height: int, rows: int = 1) -> bytes:
    """A PNG that claims a size, whatever follows."""

    def part(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(bytes(rows))) + part(b"IEND", b"")


@pytest.mark.parametrize("data", [encoded(".png"), encoded(".jpg"), encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)])
def test_sizes_are_read_from_headers(data: bytes) -> None:
    assert encoded_size(data) == (20, 12)
    assert encoded_size(memoryview(data)) == (20, 12)
    assert decode_rgb(data).shape == (12, 20, 3)


def test_pixels_are_rgb() -> None:
    np.testing.assert_array_equal(decode_rgb(encoded(".png"), (20, 12)), RGB)


@pytest.mark.parametrize("size", [(100_000, 100_000), (2**31 - 1, 2**31 - 1), (64_000_001, 1)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(ObservationError, match=rf"has {size[0]}x{size[1]} pixels. Valid: at most 64000000"):
        decode_rgb(png(*size))


def test_another_size_is_refused_before_decoding() -> None:
    with pytest.raises(ObservationError, match=r"has 5000x5000 pixels\. Expected 20x12"):
        decode_rgb(png(5000, 5000), (20, 12))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_whatever_is_damaged_is_refused_or_decoded(suffix: str) -> None:
    whole = encoded(suffix)
    random = np.random.default_rng(1)
    for _ in range(300):
        data = bytearray(whole[: random.integers(0, len(whole) + 1)])
        for place in random.integers(0, max(1, len(data)), 3 if data else 0):
            data[place] = random.integers(256)
        with contextlib.suppress(ObservationError):
            assert decode_rgb(bytes(data), (20, 12)).ndim == 3


@pytest.mark.parametrize("suffix", [".bmp", ".webp", ".tiff"])
def test_other_formats_are_refused(suffix: str) -> None:
    with pytest.raises(ObservationError, match="valid: JPEG or PNG"):
        decode_rgb(encoded(suffix))
