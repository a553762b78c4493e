"""Observation: what is accepted, and that every refusal names what is wrong."""

import subprocess
import sys

import numpy as np
import pytest

from hume_core import Observation
from hume_core.errors import ObservationError


def _image(batch=1, height=4, width=6):
    return np.zeros((batch, height, width, 3), dtype=np.uint8)


def _state(batch=1):
    return np.zeros((batch, 1, 7), dtype=np.float32)


def test_accepts_numpy_and_torch():
    torch = pytest.importorskip("torch")
    observation = Observation(
        {"image": _image(2), "wrist_image": torch.zeros(2, 8, 8, 3, dtype=torch.uint8)}, _state(2), ["a", "b"]
    )
    assert observation.batch_size == 2


@pytest.mark.parametrize(
    ("images", "state", "task", "message"),
    [
        ({"image": _image().astype(np.float32)}, _state(), ["a"], "image 'image' is float32"),
        ({"image": _image()[0]}, _state(), ["a"], "image 'image' is uint8"),
        ({"image": np.zeros((1, 3, 4, 6), np.uint8)}, _state(), ["a"], "height, width, 3"),
        ({"image": _image()}, _state()[:, 0], ["a"], "state is float32"),
        ({"image": _image()}, _state().astype(np.float64), ["a"], "state is float64"),
        ({"image": _image()}, _state() * np.nan, ["a"], "NaN"),
        ({"image": _image()}, _state(), "a", "task is a string"),
        ({"image": _image()}, _state(), [1], "list of strings"),
        ({"image": _image(2)}, _state(), ["a"], "batch sizes differ: image 'image' has 2"),
    ],
)
def test_refuses(images, state, task, message):
    with pytest.raises(ObservationError, match=message):
        Observation(images, state, task)


def test_does_not_import_torch():
    code = "import sys, hume_core, hume_core.config; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
