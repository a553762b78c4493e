"""Every encoding of usual camera drivers becomes the RGB picture that it stands for. What does not fit it is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import Image

from hume_core.errors import ObservationError
from hume_ros.conversions import image_to_rgb
from hume_ros.image_encodings import LAYOUTS, is_depth

HEIGHT, WIDTH = 6, 8
RANDOM = np.random.default_rng(0)
RGB = RANDOM.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
ALPHA = RANDOM.integers(0, 256, (HEIGHT, WIDTH, 1), dtype=np.uint8)
LUMA = RANDOM.integers(16, 236, (HEIGHT, WIDTH), dtype=np.uint8)
FLAT = np.array([200, 90, 30], np.uint8)
# Row by row the colours of a mosaic's corner: 0 red, 1 green, 2 blue.
MOSAICS = {"rggb": "0112", "bggr": "2110", "gbrg": "1201", "grbg": "1021"}


def image(encoding: str, rows: np.ndarray, padding: int = 0, height: int = HEIGHT, **fields: Any) -> Image:
    """A message with these rows, each followed by noise."""
    rows = np.ascontiguousarray(rows).reshape(rows.shape[0], -1).view(np.uint8)
    noise = RANDOM.integers(0, 256, (rows.shape[0], padding), dtype=np.uint8)
    rows = np.hstack([rows, noise])
    return Image(height=height, width=WIDTH, encoding=encoding, step=rows.shape[1], data=rows.tobytes(), **fields)


def from_yuv(y: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """ITU-R BT.601 with brightness from 16 to 235, as video is."""
    y, u, v = 255.0 / 219.0 * (y - 16.0), 255.0 / 224.0 * (u - 128.0), 255.0 / 224.0 * (v - 128.0)
    rgb = np.stack([y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u], axis=-1)
    return np.clip(rgb, 0.0, 255.0)


def planes(down: int) -> tuple[np.ndarray, np.ndarray]:
    """Random colour, one value for two columns and `down` rows: as stored, (rows, WIDTH / 2)."""
    shape = (HEIGHT // down, WIDTH // 2)
    return RANDOM.integers(90, 166, shape, dtype=np.uint8), RANDOM.integers(90, 166, shape, dtype=np.uint8)


def spread(plane: np.ndarray, down: int) -> np.ndarray:
    return np.repeat(np.repeat(plane, down, axis=0), 2, axis=1)


def packed(order: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of two bytes per pixel in this order, and the picture."""
    u, v = planes(down=1)
    parts = {"y": LUMA[:, 0::2], "u": u, "Y": LUMA[:, 1::2], "v": v}
    return np.stack([parts[name] for name in order], axis=-1), from_yuv(LUMA, spread(u, 1), spread(v, 1))


def planar(order: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of brightness, then rows of colour in this order, and the picture."""
    u, v = planes(down=2)
    colours = np.stack([{"u": u, "v": v}[name] for name in order], axis=-1).reshape(HEIGHT // 2, WIDTH)
    return np.vstack([LUMA, colours]), from_yuv(LUMA, spread(u, 2), spread(v, 2))


def wide(pixels: np.ndarray, order: str) -> np.ndarray:
    return (pixels.astype(np.uint32) * 257).astype(f"{order}u2")


@pytest.mark.parametrize("padding", [0, 2, 10])
@pytest.mark.parametrize(
    ("encoding", "rows", "expected"),
    [
        ("rgb8", RGB, RGB),
        ("bgr8", RGB[..., ::-1], RGB),
        ("8UC3", RGB[..., ::-1], RGB),
        ("rgba8", np.dstack([RGB, ALPHA]), RGB),
        ("bgra8", np.dstack([RGB[..., ::-1], ALPHA]), RGB),
        ("8UC4", np.dstack([RGB[..., ::-1], ALPHA]), RGB),
        ("mono8", RGB[..., :1], RGB[..., [0, 0, 0]]),
        ("8UC1", RGB[..., :1], RGB[..., [0, 0, 0]]),
    ],
)
def test_eight_bits(encoding: str, rows: np.ndarray, expected: np.ndarray, padding: int) -> None:
    decoded = image_to_rgb(image(encoding, rows, padding))
    np.testing.assert_array_equal(decoded, expected)
    assert decoded.flags.writeable


@pytest.mark.parametrize("padding", [0, 2, 10])
@pytest.mark.parametrize(("order", "bigendian"), [("<", 0), (">", 1)])
@pytest.mark.parametrize(
    ("encoding", "rows", "expected"),
    [
        ("rgb16", RGB, RGB),
        ("bgr16", RGB[..., ::-1], RGB),
        ("rgba16", np.dstack([RGB, ALPHA]), RGB),
        ("bgra16", np.dstack([RGB[..., ::-1], ALPHA]), RGB),
        ("mono16", RGB[..., :1], RGB[..., [0, 0, 0]]),
    ],
)
def test_sixteen_bits(
    encoding: str, rows: np.ndarray, expected: np.ndarray, order: str, bigendian: int, padding: int
) -> None:
    decoded = image_to_rgb(image(encoding, wide(rows, order), padding, is_bigendian=bigendian))
    np.testing.assert_array_equal(decoded, expected)
    assert decoded.flags.writeable


def test_sixteen_bits_are_rounded() -> None:
    values = np.linspace(0, 65535, HEIGHT * WIDTH).astype("<u2").reshape(HEIGHT, WIDTH)
    decoded = image_to_rgb(image("mono16", values))
    np.testing.assert_array_equal(decoded[..., 0], np.round(values / 257.0))


@pytest.mark.parametrize("padding", [0, 2, 10])
@pytest.mark.parametrize(
    ("encoding", "make", "order"),
    [
        ("yuv422_yuy2", packed, "yuYv"),
        ("yuyv", packed, "yuYv"),
        ("yuv422", packed, "uyvY"),
        ("uyvy", packed, "uyvY"),
        ("nv12", planar, "uv"),
        ("nv21", planar, "vu"),
    ],
)
def test_brightness_and_colour(encoding: str, make: Any, order: str, padding: int) -> None:
    """Within the rounding of OpenCV's whole numbers."""
    rows, expected = make(order)
    decoded = image_to_rgb(image(encoding, rows, padding))
    assert np.abs(decoded - expected).max() <= 2.0
    assert decoded.shape == (HEIGHT, WIDTH, 3)


def mosaic(pattern: str, picture: np.ndarray) -> np.ndarray:
    """What a sensor with this pattern sees of a picture."""
    seen = np.empty(picture.shape[:2], np.uint8)
    for place, colour in enumerate(MOSAICS[pattern]):
        row, column = divmod(place, 2)
        seen[row::2, column::2] = picture[row::2, column::2, int(colour)]
    return seen


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize("pattern", MOSAICS)
def test_mosaics_of_one_colour(pattern: str, padding: int) -> None:
    picture = np.broadcast_to(FLAT, (HEIGHT, WIDTH, 3))
    decoded = image_to_rgb(image(f"bayer_{pattern}8", mosaic(pattern, picture), padding))
    np.testing.assert_array_equal(decoded, picture)


@pytest.mark.parametrize("pattern", MOSAICS)
def test_mosaics_of_slopes(pattern: str) -> None:
    """Inside, what lies between two pixels of a colour is their mean: a slope stays what it is."""
    down, across = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.stack([40 + 8 * across, 200 - 10 * down, 20 + 6 * across + 4 * down], axis=-1).astype(np.uint8)
    decoded = image_to_rgb(image(f"bayer_{pattern}8", mosaic(pattern, picture)))
    np.testing.assert_array_equal(decoded[1:-1, 1:-1], picture[1:-1, 1:-1])


@pytest.mark.parametrize(("order", "bigendian"), [("<", 0), (">", 1)])
@pytest.mark.parametrize("pattern", MOSAICS)
def test_mosaics_of_sixteen_bits(pattern: str, order: str, bigendian: int) -> None:
    picture = np.broadcast_to(FLAT, (HEIGHT, WIDTH, 3))
    rows = wide(mosaic(pattern, picture), order)
    decoded = image_to_rgb(image(f"bayer_{pattern}16", rows, 2, is_bigendian=bigendian))
    np.testing.assert_array_equal(decoded, picture)


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
def test_depth_is_no_picture(encoding: str) -> None:
    assert is_depth(encoding)
    with pytest.raises(ObservationError, match=f"'{encoding}' holds distances, no picture; name a colour topic"):
        image_to_rgb(raw(encoding, 8, 6, 32, 192))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("16UC1; compressedDepth png", True), ("32FC1; compressedDepth", True), ("mono16", False), ("bgr8; jpeg", False)],
)
def test_depth_is_known_by_its_name(name: str, expected: bool) -> None:
    assert is_depth(name) is expected


def raw(encoding: str, width: int, height: int, step: int, size: int) -> Image:
    return Image(encoding=encoding, width=width, height=height, step=step, data=bytes(size))


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (raw("yuyv", 7, 6, 14, 84), "7x6 cannot be 'yuyv'. Valid: .*an even width"),
        (raw("uyvy", 7, 6, 14, 84), "an even width"),
        (raw("nv12", 8, 5, 8, 60), "8x5 cannot be 'nv12'. Valid: .*even width and height"),
        (raw("nv21", 7, 6, 7, 63), "even width and height"),
        (raw("bayer_rggb8", 8, 5, 8, 40), "even width and height"),
        (raw("bayer_grbg8", 7, 6, 7, 42), "even width and height"),
        (raw("bayer_gbrg8", 2, 2, 2, 4), "at least 4 columns and rows"),
        (raw("rgb8", 8, 0, 24, 0), "8x0 cannot be"),
        (raw("24UC9", 8, 6, 16, 96), "'24UC9' is not supported. Valid: rgb8, "),
        (raw("nv12", 8, 6, 8, 48), "72 bytes. Found 48"),
        (raw("mono8", 8, 6, 8, 72), "48 bytes. Found 72"),
        (raw("mono16", 8, 6, 8, 48), "a step of at least 16 and 96 bytes. Found 48"),
    ],
)
def test_what_does_not_fit_is_refused(message: Image, problem: str) -> None:
    with pytest.raises(ObservationError, match=problem):
        image_to_rgb(message)


@pytest.mark.parametrize("encoding", LAYOUTS)
@pytest.mark.parametrize("change", [-1, 1])
def test_data_of_another_length_are_refused(encoding: str, change: int) -> None:
    layout = LAYOUTS[encoding]
    step = WIDTH * layout.channels * layout.depth
    size = step * (HEIGHT * 3 // 2 if layout.chroma else HEIGHT)
    assert image_to_rgb(raw(encoding, WIDTH, HEIGHT, step, size)).shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(ObservationError, match=f"{size} bytes. Found {size + change}"):
        image_to_rgb(raw(encoding, WIDTH, HEIGHT, step, size + change))
