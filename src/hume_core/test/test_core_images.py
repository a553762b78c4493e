"""Image preparation."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from hume_core.images import imagenet_normalised, prepare_image


def test_wide_image_is_padded_on_top():
    image = np.full((1, 60, 120, 3), 255, dtype=np.uint8)
    result = prepare_image(image, (64, 64))
    assert result.shape == (1, 3, 64, 64)
    assert (result[..., :32, :] == -1).all()
    assert (result[..., 32:, :] == 1).all()


def test_tall_image_is_padded_on_the_left():
    image = np.full((1, 120, 60, 3), 255, dtype=np.uint8)
    result = prepare_image(image, (64, 64))
    assert (result[..., :32] == -1).all()
    assert (result[..., 32:] == 1).all()


def test_right_size_is_only_scaled():
    image = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    result = prepare_image(torch.from_numpy(image), (8, 8))
    np.testing.assert_allclose(result.permute(0, 2, 3, 1), image / 255.0 * 2 - 1, atol=1e-6)


@given(st.integers(1, 90), st.integers(1, 90))
def test_any_size_fits(height, width):
    result = prepare_image(np.zeros((1, height + 30, width + 30, 3), np.uint8), (32, 32))
    assert result.shape == (1, 3, 32, 32)
    assert (result == -1).all()


def test_imagenet_statistics():
    grey = torch.full((1, 3, 2, 2), 2 * 0.485 - 1)
    torch.testing.assert_close(imagenet_normalised(grey)[:, 0], torch.zeros(1, 2, 2), atol=1e-6, rtol=0)
