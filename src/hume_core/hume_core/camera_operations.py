"""What is done to a camera picture before the model resizes it. One place for nodes, bags and training.

Every process that reads a robot profile imports this. OpenCV is imported where a picture is scaled, as the command
process never has one. `encoded_images` and `hume_ros.image_encodings` do the same.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from hume_core.sections import Section

_Pixels = Annotated[int, Field(ge=1, le=8192)]


class Flip(str, Enum):
    """Mirror images."""

    NONE = "none"
    HORIZONTAL = "horizontal"
    """Left and right are exchanged."""
    VERTICAL = "vertical"
    """Top and bottom are exchanged."""
    ROTATE_180 = "rotate_180"
    """Both, which is half a turn."""


class Crop(str, Enum):
    """Parts of a picture."""

    NONE = "none"
    SQUARE = "square"
    """The largest square around the centre."""


class Resize(str, Enum):
    """How a picture comes to another shape."""

    PAD = "pad"
    """Keep the aspect ratio, black bars on the left and top, as the model's own resizing does."""
    SQUASH = "squash"
    """The whole picture, aspect ratio not kept."""
    CROP = "crop"
    """Keep the aspect ratio, cut off what is over on both sides."""


class Interpolation(str, Enum):
    """How pixels are made of others."""

    NEAREST = "nearest"
    LINEAR = "linear"
    CUBIC = "cubic"
    AREA = "area"
    """The mean of the pixels that fall into one. Against moire where pictures become smaller."""
    LANCZOS = "lanczos"


_CODES = {
    Interpolation.NEAREST: "INTER_NEAREST",
    Interpolation.LINEAR: "INTER_LINEAR",
    Interpolation.CUBIC: "INTER_CUBIC",
    Interpolation.AREA: "INTER_AREA",
    Interpolation.LANCZOS: "INTER_LANCZOS4",
}
"""OpenCV's names."""


class CameraOperations(Section):
    """Operations on a picture, in this order: rotate, flip, crop, resize.

    Turns, flips and crops move pixels and change none. Without `size` nothing is interpolated.

    Attributes:
        rotate: clockwise, degrees.
        flip: mirror image.
        crop: part of the picture.
        size: (width, height) of the result, pixels. Left out: the picture keeps its size.
        resize: how it comes to `size`.
        interpolation: of the resizing.
    """

    rotate: Literal[0, 90, 180, 270] = 0
    flip: Flip = Flip.NONE
    crop: Crop = Crop.NONE
    size: tuple[_Pixels, _Pixels] | None = None
    resize: Resize = Resize.PAD
    interpolation: Interpolation = Interpolation.AREA

    @model_validator(mode="after")
    def _resizing_has_a_size(self) -> CameraOperations:
        given = {"resize", "interpolation"} & self.model_fields_set
        if self.size is None and (self.resize is not Resize.PAD or self.interpolation is not Interpolation.AREA):
            raise ValueError(f"{sorted(given)[0] if given else 'resize'} needs size: [width, height]. Add it")
        return self

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture (height, width, 3) that comes of one. The same array where there is nothing to do."""
        done = image if self.rotate == 0 else np.rot90(image, -self.rotate // 90)
        done = _cropped(_flipped(done, self.flip), self.crop)
        if self.size is not None:
            done = _resized(done, self.size, self.resize, self.interpolation)
        return done if done is image else np.ascontiguousarray(done)

    def describe(self) -> str:
        """In words."""
        parts = [f"rotate {self.rotate}"] if self.rotate else []
        parts += [] if self.flip is Flip.NONE else [f"flip {self.flip.value}"]
        parts += [] if self.crop is Crop.NONE else [f"crop {self.crop.value}"]
        if self.size is not None:
            parts.append(f"{self.resize.value} to {self.size[0]}x{self.size[1]} ({self.interpolation.value})")
        return ", ".join(parts) or "as it is"


def _flipped(image: NDArray[np.uint8], flip: Flip) -> NDArray[np.uint8]:
    if flip is Flip.NONE:
        return image
    down = -1 if flip in (Flip.VERTICAL, Flip.ROTATE_180) else 1
    across = -1 if flip in (Flip.HORIZONTAL, Flip.ROTATE_180) else 1
    return image[::down, ::across]


def _cropped(image: NDArray[np.uint8], crop: Crop) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    return image if crop is Crop.NONE else _centre(image, min(width, height), min(width, height))


def _centre(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The part of that size around the centre. The image itself where it has it."""
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    whole = image.shape[:2] == (height, width)
    return image if whole else image[top : top + height, left : left + width]


def _resized(image: NDArray[np.uint8], size: tuple[int, int], mode: Resize, by: Interpolation) -> NDArray[np.uint8]:
    width, height = size
    if image.shape[:2] == (height, width):
        return image
    if mode is Resize.SQUASH:
        return _scaled(image, width, height, by)
    ratios = image.shape[1] / width, image.shape[0] / height
    if mode is Resize.PAD:
        ratio = max(ratios)
        inner = _scaled(image, max(1, int(image.shape[1] / ratio)), max(1, int(image.shape[0] / ratio)), by)
        padded = np.zeros((height, width, image.shape[2]), np.uint8)
        padded[height - inner.shape[0] :, width - inner.shape[1] :] = inner
        return padded
    ratio = min(ratios)
    kept = _centre(image, min(image.shape[1], round(width * ratio)), min(image.shape[0], round(height * ratio)))
    return _scaled(kept, width, height, by)


def _scaled(image: NDArray[np.uint8], width: int, height: int, by: Interpolation) -> NDArray[np.uint8]:
    if image.shape[:2] == (height, width):
        return image
    import cv2

    scaled = cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=getattr(cv2, _CODES[by]))
    return np.asarray(scaled, np.uint8)
