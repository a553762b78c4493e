"""A recorded folder: a checkpoint and what the reference implementation computed from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hume_core import Observation
from hume_core.engine_names import EAGER
from hume_core.errors import CheckpointError
from hume_system1.model import System1
from hume_system2.model import System2
from hume_tools.parity.report import Array

IMAGES = "observation.images."


@dataclass(frozen=True)
class Recording:
    """Both models and the recorded arrays.

    Attributes:
        system1, system2: loaded from the folder.
        arrays: recorded arrays by name.
    """

    system1: System1
    system2: System2
    arrays: dict[str, Array]

    def has(self, *names: str) -> bool:
        """Whether all these arrays were recorded."""
        return all(name in self.arrays for name in names)

    def tensor(self, name: str) -> Tensor:
        """A recorded array as a tensor."""
        return torch.as_tensor(np.array(self.arrays[name]))

    def observation(self, prefix: str, suffix: str = "", state: Array | None = None) -> Observation:
        """Observation recorded under ``prefix``. ``suffix`` follows each camera's name."""
        keys = self.system2.config.camera_keys
        names = {key: f"{prefix}{IMAGES}{key}{suffix}" for key in keys}
        images = {key: self.arrays[name] for key, name in names.items() if name in self.arrays}
        tasks = self.arrays.get(f"{prefix}tasks", self.arrays["in/tasks"])
        found = self.arrays[f"{prefix}observation.state{suffix}"] if state is None else state
        return Observation(images, found, [str(task) for task in tasks])

    def later_observation(self) -> Observation | None:
        """The observation that System 1 acts on later, if it was recorded."""
        if not self.has("in/obs1/observation.state"):
            return None
        return self.observation("in/obs1/")


def load_arrays(path: Path) -> dict[str, Array]:
    """All arrays of an npz file.

    Raises:
        CheckpointError: missing or broken.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read as recorded arrays: {error}") from error


def load_recording(folder: Path, file: str, dtype: torch.dtype, engine: str = EAGER) -> Recording:
    """Both models in a type with an engine, and the arrays recorded in it."""
    return Recording(
        System1.from_pretrained(folder, dtype=dtype, engine=engine),
        System2.from_pretrained(folder, dtype=dtype, engine=engine),
        load_arrays(folder / file),
    )
