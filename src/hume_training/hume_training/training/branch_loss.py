"""What the critics learn from branches: what each chunk of a state is worth, and their order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from hume_core.errors import DatasetError
from hume_system2.model import System2
from hume_training.data.branches import Branches
from hume_training.evaluation.branch_values import check_chunks, observation_of, values_of
from hume_training.evaluation.choice_quality import choice_quality
from hume_training.training.branch_config import BranchConfig
from hume_training.training.sampling import batch_indices, shifted


class BranchLoss:
    """Losses on the branches that a training may see, and how good the values are on the others.

    Args:
        config: weights and split.
        seed, image_shift: see `TrainingConfig`.
        branches: all of them.
        system2: its critics learn.
        row_seconds: time step of a chunk, s.

    Raises:
        DatasetError: the chunks are not those of this policy, or there are too few episodes to hold some out.
    """

    def __init__(
        self,
        config: BranchConfig,
        seed: int,
        image_shift: int,
        branches: Branches,
        system2: System2,
        row_seconds: float,
    ) -> None:
        self._config, self._seed, self._shift, self._system2 = config, seed, image_shift, system2
        check_chunks(system2, branches)
        self._transition = row_seconds * system2.config.next_obs_offset
        self.seen, self.held_out = split(branches, config.hold_out)

    def losses(self, step: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Squared error of the values in the n-th step, and how wrong their order is. See `rank_loss`.

        Args:
            step: counted from 0.
            generator: of the shifts of the images.
        """
        config = self._config
        part = self.seen.part(batch_indices(len(self.seen), config.branch_states, self._seed + 1, step))
        calql = self._system2.value_head.calql
        values = calql.critics(self._feature(part, generator), self._actions(part))
        seconds = torch.from_numpy(part.seconds).to(values.device)
        error = (values - self.returns(seconds)).square().mean()
        return error, rank_loss(values, seconds, config.rank_margin)

    def returns(self, seconds: Tensor) -> Tensor:
        """Returns of chunks after which success comes in so many seconds, exact and not in whole transitions."""
        # G = -(1 - discount^n) / (1 - discount) for n transitions left, as in `Returns`. n need not be whole.
        discount = self._system2.config.discount
        return -(1.0 - discount ** (seconds / self._transition)) / (1.0 - discount)

    def quality(self) -> dict[str, float]:
        """How good the values are on the states that were held out. See `choice_quality`."""
        values = values_of(self._system2, self.held_out)
        return choice_quality(values, self.held_out.seconds, self.held_out.kinds)

    def _feature(self, part: Branches, generator: torch.Generator) -> Tensor:
        observation = observation_of(part)
        images = {key: shifted(pixels, self._shift, generator) for key, pixels in observation.images.items()}
        with torch.no_grad():
            prefix = self._system2.embed_prefix(replace(observation, images=images))
        return self._system2.value_head.state_feature(prefix)

    def _actions(self, part: Branches) -> Tensor:
        head = self._system2.value_head
        return head.critic_actions(torch.from_numpy(part.chunks).to(self._system2.device))


def rank_loss(values: Tensor, seconds: Tensor, margin: float) -> Tensor:
    """How often, and by how much, of two chunks of a state the worse one has the higher value.

    Args:
        values: (2, B, K) of both critics.
        seconds: (B, K) to success. Infinite where it never came.
        margin: two chunks differ where their times do by more, s.
    """
    # The logistic loss of Bradley and Terry (1952): log(1 + exp(-(Q_i - Q_j))) for every i that is better than j. It
    # tells the critics what a squared error hardly does. Most of a return's spread is between states.
    better = seconds[:, :, None] + margin < seconds[:, None, :]
    gap = values[:, :, :, None] - values[:, :, None, :]
    return (F.softplus(-gap) * better).sum() / (values.shape[0] * better.sum()).clamp(min=1)


def split(branches: Branches, share: float) -> tuple[Branches, Branches]:
    """Branches to learn from, and those of other episodes to judge by.

    Raises:
        DatasetError: there are too few episodes for both.
    """
    episodes = np.unique(branches.episodes)
    # By the number of the episode alone, so that more data never moves an episode to the other side.
    held: NDArray[np.bool_] = np.array(
        [np.random.default_rng([int(episode), 11]).random() < share for episode in episodes]
    )
    if held.all() or not held.any():
        raise DatasetError(
            f"of {len(episodes)} episodes with branches none would be left to learn from or to judge by. Record more"
        )
    out = np.isin(branches.episodes, episodes[held])
    return branches.part(np.flatnonzero(~out)), branches.part(np.flatnonzero(out))
