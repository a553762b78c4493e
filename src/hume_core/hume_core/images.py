"""Camera images as the vision towers want them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def prepare_image(image: Any, size: tuple[int, int], device: torch.device | str = "cpu") -> Tensor:
    """Resize with kept aspect ratio, pad on the left and top, scale to [-1, 1].

    Args:
        image: uint8 RGB (B, height, width, 3), numpy or torch.
        size: (width, height) of the model input, pixels.
        device: where the result lives.

    Returns:
        float32 (B, 3, height, width). Padding is -1.
    """
    pixels = torch.as_tensor(image).to(device).permute(0, 3, 1, 2)
    pixels = pixels.to(torch.float32, memory_format=torch.contiguous_format, copy=True).div_(255.0)
    return resize_with_padding(pixels, size).mul_(2.0).sub_(1.0)


def resize_with_padding(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resize (no antialias) that fits into size, then zeros on the left and top.

    Args:
        pixels: (B, 3, height, width).
        size: (width, height) of the result, pixels.
    """
    width, height = size
    old_height, old_width = pixels.shape[-2:]
    ratio = max(old_width / width, old_height / height)
    new_height, new_width = int(old_height / ratio), int(old_width / ratio)
    if (new_height, new_width) != (old_height, old_width):
        pixels = F.interpolate(pixels, size=(new_height, new_width), mode="bilinear", align_corners=False)
    if (new_height, new_width) == (height, width):
        return pixels
    return F.pad(pixels, (max(0, width - new_width), 0, max(0, height - new_height), 0), value=0.0)


def imagenet_normalised(image: Tensor) -> Tensor:
    """From [-1, 1] back to [0, 1], then ImageNet mean and standard deviation (B, 3, height, width)."""
    mean = image.new_tensor(IMAGENET_MEAN).view(3, 1, 1)
    std = image.new_tensor(IMAGENET_STD).view(3, 1, 1)
    return (image * 0.5 + 0.5 - mean) / std
