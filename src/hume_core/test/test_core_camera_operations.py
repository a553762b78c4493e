"""Pictures as the training had them: flips and crops to the bit, resizing as asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from hume_core.camera_operations import CameraOperations
from hume_core.policy_contract import ContractCamera, named_contract
from hume_core.robot import RobotProfile
from hume_core.robot_sections import Camera

FIXTURE = Path(__file__).parents[3] / "test" / "fixtures" / "robosuite" / "pictures.npz"


def picture(height: int, width: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("release", ["libero_goal", "libero_object", "libero_spatial"])
def test_libero_sees_what_the_authors_give_it(release: str) -> None:
    stored, prepared = (np.load(FIXTURE)[name] for name in ("stored", "prepared"))
    upright = stored[::-1]
    for key in ("image", "wrist_image"):
        seen = named_contract(release).cameras[key].apply(upright)
        assert seen.dtype == np.uint8
        np.testing.assert_array_equal(seen, prepared)
        np.testing.assert_array_equal(seen, stored[::-1, ::-1])


@pytest.mark.parametrize(("height", "width"), [(480, 640), (720, 1280), (641, 480), (255, 254)])
def test_a_camera_of_another_shape_gives_the_square_around_its_centre(height: int, width: int) -> None:
    image, side = picture(height, width), min(height, width)
    square = CameraOperations(flip="horizontal", crop="square").apply(image)
    top, left = (height - side) // 2, (width - side) // 2
    np.testing.assert_array_equal(square, image[:, ::-1][top : top + side, left : left + side])
    assert named_contract("libero_goal").cameras["image"].apply(image).shape == (256, 256, 3)


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ({}, lambda p: p),
        ({"flip": "vertical"}, lambda p: p[::-1]),
        ({"flip": "rotate_180"}, lambda p: p[::-1, ::-1]),
        ({"rotate": 90}, lambda p: np.stack([p[::-1, i] for i in range(p.shape[1])])),
        ({"rotate": 180}, lambda p: p[::-1, ::-1]),
        ({"rotate": 270}, lambda p: np.stack([p[:, -1 - i] for i in range(p.shape[1])])),
        ({"rotate": 90, "flip": "horizontal"}, lambda p: np.stack([p[:, i] for i in range(p.shape[1])])),
        ({"size": [31, 17]}, lambda p: p),
    ],
)
def test_pixels_are_moved_and_not_changed(operations: dict[str, Any], expected: Any) -> None:
    image = picture(17, 31)
    before = image.copy()
    np.testing.assert_array_equal(CameraOperations(**operations).apply(image), expected(image))
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("size", [(256, 256), (320, 256), (100, 300)])
def test_modes_of_resizing(size: tuple[int, int]) -> None:
    image = picture(480, 640, 3)
    width, height = size
    squashed = CameraOperations(size=size, resize="squash", interpolation="linear").apply(image)
    np.testing.assert_array_equal(squashed, cv2.resize(image, size, interpolation=cv2.INTER_LINEAR))
    padded = CameraOperations(size=size, resize="pad").apply(image)
    ratio = max(640 / width, 480 / height)
    inner = cv2.resize(image, (int(640 / ratio), int(480 / ratio)), interpolation=cv2.INTER_AREA)
    assert padded.shape == squashed.shape == (height, width, 3)
    np.testing.assert_array_equal(padded[height - inner.shape[0] :, width - inner.shape[1] :], inner)
    assert int(padded.sum()) == int(inner.astype(np.int64).sum())
    cropped = CameraOperations(size=size, resize="crop").apply(image)
    assert cropped.shape == (height, width, 3)
    even = CameraOperations(size=size, resize="crop").apply(np.full((480, 640, 3), 77, np.uint8))
    assert (even == 77).all()


def test_what_a_robot_s_camera_needs_comes_before_what_the_policy_wants() -> None:
    image = picture(30, 50)
    camera = Camera(topic="a", rotate=90, policy=CameraOperations(crop="square"))
    np.testing.assert_array_equal(camera.prepare(image), np.rot90(image, -1)[10:40])
    plain = Camera(topic="a")
    assert plain.prepare(image) is image


def test_operations_come_back_and_those_that_do_nothing_are_not_written() -> None:
    camera = Camera(topic="a", flip="horizontal", policy=CameraOperations(crop="square"))
    assert Camera.model_validate(camera.model_dump(mode="json")) == camera
    assert Camera(topic="a").model_dump(mode="json") == {"topic": "a", "transport": "raw"}
    wanted = ContractCamera(size=(64, 48), resize="squash", source="scene")
    assert ContractCamera.model_validate(wanted.model_dump(mode="json")) == wanted


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"rotate": 45}, "rotate"),
        ({"flip": "diagonal"}, "flip"),
        ({"resize": "squash"}, "resize needs size"),
        ({"interpolation": "nearest"}, "interpolation needs size"),
        ({"size": [0, 10]}, "size"),
        ({"mirror": True}, "mirror"),
    ],
)
def test_mistakes_are_named(wrong: dict[str, Any], match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        CameraOperations(**wrong)


def test_a_profile_may_hold_them() -> None:
    data = RobotProfile.load("ur5e").model_dump(mode="json")
    data["cameras"]["image"] |= {"flip": "rotate_180", "crop": "square"}
    profile = RobotProfile.model_validate(data)
    image = picture(12, 20)
    np.testing.assert_array_equal(profile.cameras["image"].prepare(image), image[::-1, ::-1][:, 4:16])
