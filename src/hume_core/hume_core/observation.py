"""What a policy sees at one instant: camera images, robot state and an instruction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hume_core.errors import ObservationError


@dataclass(frozen=True)
class Observation:
    """A batch of B observations, as numpy arrays or torch tensors.

    Attributes:
        images: uint8 RGB (B, height, width, 3) by camera key, the part after ``observation.images.``
            in the configuration. Cameras may differ in size.
        state: float32 (B, T, s), real units, oldest first. T is the number of history states.
        task: one instruction per batch element.

    Raises:
        ObservationError: a shape, type or batch size is wrong, or the state is not finite.
    """

    images: Mapping[str, Any]
    state: Any
    task: list[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", dict(self.images))
        object.__setattr__(self, "task", _checked_task(self.task))
        _check_state(self.state)
        for key, image in self.images.items():
            _check_image(key, image)
        sizes = {f"image '{key}'": int(image.shape[0]) for key, image in self.images.items()}
        sizes |= {"state": int(self.state.shape[0]), "task": len(self.task)}
        if len(set(sizes.values())) > 1:
            listed = ", ".join(f"{name} has {size}" for name, size in sizes.items())
            raise ObservationError(f"batch sizes differ: {listed}. All must be equal")

    @property
    def batch_size(self) -> int:
        """Number of observations B."""
        return len(self.task)


def _checked_task(task: Any) -> list[str]:
    if isinstance(task, str):
        raise ObservationError("task is a string. Give a list with one instruction per batch element")
    tasks = list(task)
    if not tasks or not all(isinstance(text, str) for text in tasks):
        raise ObservationError("task must be a non-empty list of strings, one per batch element")
    return tasks


def _dtype_name(array: Any) -> str:
    return str(getattr(array, "dtype", type(array).__name__)).removeprefix("torch.")


def _check_image(key: str, image: Any) -> None:
    shape = tuple(getattr(image, "shape", ()))
    if _dtype_name(image) != "uint8" or len(shape) != 4 or shape[-1] != 3 or 0 in shape:
        raise ObservationError(
            f"image '{key}' is {_dtype_name(image)} {shape}. Expected uint8 RGB (batch, height, width, 3)"
        )


def _check_state(state: Any) -> None:
    shape = tuple(getattr(state, "shape", ()))
    if _dtype_name(state) != "float32" or len(shape) != 3 or 0 in shape:
        raise ObservationError(f"state is {_dtype_name(state)} {shape}. Expected float32 (batch, history, state size)")
    if isinstance(state, np.ndarray) and not np.isfinite(state).all():
        raise ObservationError("state contains NaN or infinity. Every joint must report a finite value")
