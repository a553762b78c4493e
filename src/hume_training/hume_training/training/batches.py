"""Frames of a dataset as what the models see."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hume_core.config import HumeConfig
from hume_core.errors import DatasetError
from hume_core.observation import Observation
from hume_training.data.taught_rows import TaughtRows
from hume_training.training.sampling import batch_indices, shifted


class Batches:
    """Draws frames and prepares them.

    Args:
        rows: of the demonstrations.
        config: of the checkpoint.
        seed, batch_size, image_shift: see `TrainingConfig`.

    Raises:
        DatasetError: a camera is missing, or a size differs from the checkpoint's.
    """

    def __init__(
        self,
        rows: TaughtRows,
        config: HumeConfig,
        seed: int,
        batch_size: int,
        image_shift: int,
    ) -> None:
        data = rows.data
        self.data, self.rows, self.config = data, rows, config
        self._seed, self._batch_size, self._shift = seed, batch_size, image_shift
        missing = [key for key in config.camera_keys if key not in data.images]
        if missing:
            raise DatasetError(f"the dataset has no camera '{missing[0]}'. It has: {', '.join(data.images)}")
        sizes = {"state": (data.state.shape[1], config.state_dim), "action": (rows.action_dim, config.action_dim)}
        for key, (found, wanted) in sizes.items():
            if found != wanted:
                raise DatasetError(f"the dataset's {key} has {found} numbers. The checkpoint needs {wanted}")
        # A frame in the middle of a push says nothing of what was intended next.
        self.frames = np.flatnonzero(~data.perturbed)

    def weigh_starts(self, length: int, weight: int) -> None:
        """Let the first frames of each episode count several times."""
        early = self.frames[self.frames - self.data.starts[self.data.episode_of[self.frames]] < length]
        self.frames = np.sort(np.concatenate([self.frames, *[early] * (weight - 1)]))

    def draw(self, step: int) -> NDArray[np.int64]:
        """Frames of a step (B,)."""
        return self.frames[batch_indices(len(self.frames), self._batch_size, self._seed, step)]

    def observation(
        self, frames: NDArray[np.int64], generator: torch.Generator | None, history: int = 1
    ) -> Observation:
        """What the robot saw at frames (B,). Images are shifted where there is a generator."""
        images = {}
        for key in self.config.camera_keys:
            pixels = torch.from_numpy(self.data.images[key][frames])
            images[key] = pixels if generator is None else shifted(pixels, self._shift, generator)
        state = torch.from_numpy(self.data.histories(frames, history))
        return Observation(images, state, self.data.instructions(frames))

    def chunks(self, frames: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Demonstrated chunks in real units (B, H, a), and which rows are not to be learned (B, H)."""
        chunk, beyond = self.rows.chunks(frames, self.config.s2_chunk_size)
        return torch.from_numpy(chunk), torch.from_numpy(beyond)
