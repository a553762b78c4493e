"""Ways to turn a chunk into a segment: with System 1, or without it."""

from __future__ import annotations

from operator import is_

import numpy as np
import torch
from numpy.typing import NDArray

from hume_core.observation import Observation
from hume_core.policy import PretrainedPolicy
from hume_system1.model import System1


class System1Refiner:
    """Cascaded denoising with the visuomotor policy (paper, section on System 1).

    Args:
        system1: the model.
    """

    def __init__(self, system1: System1) -> None:
        self._system1 = system1
        self.chunk_size = int(system1.config.s2_chunk_size)
        self.segment_size = int(system1.config.s1_chunk_size)
        self.origin = system1.config.s1_origin
        self.sees_images = True
        self._images: tuple[object, ...] = ()
        self._image_tokens: torch.Tensor | None = None

    def segment(
        self, observation: Observation, rows: NDArray[np.float32], progress: float, moved: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """See `Refiner`. Image arrays must not be written after they were given."""
        images = tuple(observation.images.values())
        same = len(images) == len(self._images) and all(map(is_, images, self._images))
        if not same:
            self._image_tokens = self._system1.encode_images(observation)
            self._images = images
        refined = self._system1.refine(observation, rows[None], progress, self._image_tokens, moved[None])
        return np.asarray(refined[0].float().cpu().numpy(), dtype=np.float64)

    def unnormalise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """See `Refiner`."""
        return _real_units(self._system1, rows)


class PassThroughRefiner:
    """The chunk's own rows, un-normalised: System 2 alone.

    Args:
        policy: gives sizes and normalisation. `ActionUnits`, or a System 1 whose network is not used.
    """

    def __init__(self, policy: PretrainedPolicy) -> None:
        self._policy = policy
        self.chunk_size = int(policy.config.s2_chunk_size)
        self.segment_size = int(policy.config.s1_chunk_size)
        self.origin = "anchor"
        self.sees_images = False

    def segment(
        self, observation: Observation, rows: NDArray[np.float32], progress: float, moved: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """See `Refiner`."""
        start = int(progress * self.chunk_size)
        return self.unnormalise(rows[start : start + self.segment_size])

    def unnormalise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """See `Refiner`."""
        return _real_units(self._policy, rows)


def _real_units(policy: PretrainedPolicy, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(policy.unnormalise(rows).float().cpu().numpy(), dtype=np.float64)
