"""Messages to arrays: live messages and those of the rosbags library decode alike. Damage is named."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from hume_msgs.msg import ActionChunk
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import CompressedImage, Image, JointState

from hume_core.errors import ChunkError, ObservationError
from hume_ros.conversions import chunk_rows, image_to_rgb, joint_values, set_stamp, stamp_seconds

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def image(encoding: str, pixels: np.ndarray, padding: int = 0) -> Image:
    rows = pixels.reshape(pixels.shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, padding)))
    return Image(
        height=pixels.shape[0], width=pixels.shape[1], encoding=encoding, step=rows.shape[1], data=rows.tobytes()
    )


@pytest.mark.parametrize(
    ("encoding", "pixels"),
    [
        ("rgb8", RGB),
        ("bgr8", RGB[..., ::-1]),
        ("rgba8", np.dstack([RGB, RGB[..., :1]])),
        ("bgra8", np.dstack([RGB[..., ::-1], RGB[..., :1]])),
    ],
)
@pytest.mark.parametrize("padding", [0, 5])
def test_colour_encodings_decode_to_the_same_pixels(encoding: str, pixels: np.ndarray, padding: int) -> None:
    decoded = image_to_rgb(image(encoding, pixels, padding))
    np.testing.assert_array_equal(decoded, RGB)
    assert decoded.flags.owndata or decoded.base is not None
    assert decoded.flags.writeable


def test_grey_becomes_three_equal_channels() -> None:
    decoded = image_to_rgb(image("mono8", RGB[..., :1]))
    np.testing.assert_array_equal(decoded, np.repeat(RGB[..., :1], 3, axis=2))


def test_png_decodes_without_loss() -> None:
    _, data = cv2.imencode(".png", RGB[..., ::-1])
    np.testing.assert_array_equal(image_to_rgb(CompressedImage(format="png", data=data.tobytes())), RGB)


def test_bag_messages_decode_like_live_ones() -> None:
    store = get_typestore(Stores.ROS2_JAZZY)
    header = store.types["std_msgs/msg/Header"](store.types["builtin_interfaces/msg/Time"](1, 500_000_000), "camera")
    recorded = store.types["sensor_msgs/msg/Image"](header, 6, 8, "rgb8", 0, 24, RGB.reshape(-1))
    np.testing.assert_array_equal(image_to_rgb(recorded), image_to_rgb(image("rgb8", RGB)))
    assert stamp_seconds(recorded.header.stamp) == 1.5


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (SimpleNamespace(encoding="yuv411", height=1, width=1, step=1, data=b"0"), "'yuv411' is not supported"),
        (SimpleNamespace(encoding="rgb8", height=6, width=8, step=24, data=b"0" * 100), "Found 100"),
        (SimpleNamespace(encoding="rgb8", height=6, width=8, step=8, data=b"0" * 144), "step 8"),
        (SimpleNamespace(encoding="rgb8", height=0, width=8, step=24, data=b""), "8x0"),
        (SimpleNamespace(format="jpeg", data=b"not a jpeg"), "cannot be decoded"),
        (SimpleNamespace(format="jpeg", data=b""), "0 bytes"),
    ],
)
def test_damaged_images_are_refused(message: Any, expected: str) -> None:
    with pytest.raises(ObservationError, match=expected):
        image_to_rgb(message)


def test_joints_are_put_in_the_order_asked_for() -> None:
    message = JointState(name=["b", "x", "a"], position=[2.0, 9.0, 1.0], velocity=[0.2, 0.9, 0.1])
    np.testing.assert_array_equal(joint_values(message, ["a", "b"]), [1.0, 2.0])
    np.testing.assert_array_equal(joint_values(message, ["b"], "velocity"), [0.2])


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (JointState(name=["b"], position=[1.0]), "no joint 'a'. They have: b"),
        (JointState(name=["a", "b"], position=[1.0]), "name 2 joints but carry 1"),
        (JointState(name=["a"], position=[float("nan")]), "'a' has a 'position' that is not finite"),
    ],
)
def test_wrong_joint_states_are_named(message: JointState, expected: str) -> None:
    with pytest.raises(ObservationError, match=expected):
        joint_values(message, ["a"])


def test_chunk_data_must_fit_horizon_and_dim() -> None:
    chunk = ActionChunk(horizon=2, dim=3, data=[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    np.testing.assert_array_equal(chunk_rows(chunk), np.arange(6, dtype=np.float32).reshape(2, 3))
    chunk.horizon = 3
    with pytest.raises(ChunkError, match=r"6 numbers\. Horizon 3 x dim 3"):
        chunk_rows(chunk)


@pytest.mark.parametrize("seconds", [0.0, 1.5, 1_700_000_000.123456])
def test_stamps_survive_the_round_trip(seconds: float) -> None:
    stamp = Time()
    set_stamp(stamp, seconds)
    assert stamp_seconds(stamp) == pytest.approx(seconds, abs=1e-6)
