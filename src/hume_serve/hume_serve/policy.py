"""Both systems of one checkpoint, as the server asks them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hume_core.config import HumeConfig
from hume_core.observation import Observation
from hume_serve.infer_settings import InferSettings
from hume_system1.model import System1
from hume_system1.model.denoising import rows_from
from hume_system2.model import System2
from hume_system2.model.thought import Thought


class CascadedPolicy:
    """System 2, and System 1 where the checkpoint has it. It keeps nothing from one call to the next.

    Threads: one at a time.

    Args:
        system2: thinks.
        system1: refines. None: the rows of System 2 are the actions.
    """

    def __init__(self, system2: System2, system1: System1 | None) -> None:
        self._system2, self._system1 = system2, system1
        self.config: HumeConfig = system2.config

    @property
    def needs_joints(self) -> bool:
        """Whether a segment that starts after its thought wants to know how far the joints moved since then."""
        return self._system1 is not None and self.config.s1_origin == "newest_state"

    def think(
        self,
        observation: Observation,
        settings: InferSettings,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Thought:
        """A thought about B observations.

        Args:
            observation: what is seen.
            settings: `resolved` ones.
            noise: starting noise (N, B, H, A). None: it is drawn.
            generator: source of the draw.

        Raises:
            ObservationError: the observation or the noise does not fit, or an instruction cannot be taken unchanged.
        """
        for text in set(observation.task):
            self._system2.tokenizer.check(text)
        return self._system2.think(
            observation, settings.s2_candidates_num, settings.time_temp, settings.noise_temp, noise, generator
        )

    def refine(
        self, observation: Observation, chunk: Tensor, row: int, moved: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        """The actions (B, h, a), real units, that start at a row of the chunk.

        Args:
            observation: what is seen now, with the state history.
            chunk: normalised and padded (B, H, A).
            row: steps since the thought.
            moved: (B, n) how far the joints are from where they were then, in numbers of a row. None: not at all.
        """
        if self._system1 is None:
            start = torch.full((len(chunk),), row, device=chunk.device)
            return _numbers(self._system2.unnormalise(rows_from(chunk, start, self.config.s1_chunk_size)))
        still = torch.zeros(observation.batch_size, 1)
        progress = row / self.config.s2_chunk_size
        return _numbers(self._system1.refine(observation, chunk, progress, moved=still if moved is None else moved))

    def warm_up(self, settings: InferSettings, repeats: int = 1) -> None:
        """Let the engines prepare, then think and refine on blank input, so that the first client does not wait.

        Args:
            settings: `resolved` ones.
            repeats: thoughts and segments. 0: the engines only prepare.
        """
        self._system2.warm_up(settings.s2_candidates_num, repeats, settings.time_temp, settings.noise_temp)
        if self._system1 is not None:
            self._system1.warm_up(repeats)


def _numbers(rows: Tensor) -> NDArray[np.float32]:
    return np.asarray(rows.float().cpu().numpy(), np.float32)
