"""Messages that are decoded when they are used: stamps at once, all else on demand."""

from __future__ import annotations

import array
import struct
from typing import Any

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Image, JointState

from hume_core.errors import ObservationError
from hume_ros import encoded_message
from hume_ros.conversions import image_to_rgb
from hume_ros.encoded_message import EncodedMessage

STAMPS = [(0, 0), (1, 999_999_999), (1_795_000_000, 123_456_789), (-5, 7)]


def image(sec: int, nanosec: int, frame: str = "camera") -> Image:
    """A small picture."""
    message = Image(width=3, height=2, encoding="rgb8", step=9, data=array.array("B", range(18)))
    message.header.frame_id = frame
    message.header.stamp.sec, message.header.stamp.nanosec = sec, nanosec
    return message


@pytest.mark.parametrize(("sec", "nanosec"), STAMPS)
@pytest.mark.parametrize("kind", [Image, CompressedImage, JointState])
def test_stamp_needs_no_decoding(monkeypatch: pytest.MonkeyPatch, kind: Any, sec: int, nanosec: int) -> None:
    message = kind()
    message.header.stamp.sec, message.header.stamp.nanosec = sec, nanosec
    monkeypatch.setattr(encoded_message, "deserialize_message", lambda *_: pytest.fail("decoded"))
    stamp = EncodedMessage(serialize_message(message), kind).header.stamp
    assert (stamp.sec, stamp.nanosec) == (sec, nanosec)


def test_stamp_of_the_other_byte_order() -> None:
    data = bytes([0, 0, 0, 0]) + struct.pack(">iI", 12, 34) + bytes(8)
    stamp = EncodedMessage(data, Image).header.stamp
    assert (stamp.sec, stamp.nanosec) == (12, 34)


@pytest.mark.parametrize("frame", ["", "a", "camera_link"])
def test_it_reads_like_the_message_and_is_decoded_once(monkeypatch: pytest.MonkeyPatch, frame: str) -> None:
    decoded: list[type] = []
    decode = encoded_message.deserialize_message

    def counted(data: bytes, kind: type) -> Any:
        decoded.append(kind)
        return decode(data, kind)

    monkeypatch.setattr(encoded_message, "deserialize_message", counted)
    message = EncodedMessage(serialize_message(image(1, 2, frame)), Image)
    assert not decoded
    np.testing.assert_array_equal(image_to_rgb(message), np.arange(18, dtype=np.uint8).reshape(2, 3, 3))
    assert message.encoding == "rgb8"
    assert decoded == [Image]


@pytest.mark.parametrize("kept", [0, 3, 11])
def test_too_short(kept: int) -> None:
    with pytest.raises(ObservationError, match=f"{kept} bytes is no Image"):
        EncodedMessage(serialize_message(image(1, 2))[:kept], Image)


@pytest.mark.parametrize("kept", [12, 20, 40])
def test_cut_off(kept: int) -> None:
    message = EncodedMessage(serialize_message(image(1, 2))[:kept], Image)
    assert message.header.stamp.sec == 1
    with pytest.raises(ObservationError, match="cannot be decoded as Image"):
        image_to_rgb(message)
