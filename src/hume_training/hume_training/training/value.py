"""`hume train value`: calibrated Q-learning of the value head on demonstrations and policy rollouts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hume_core.errors import CheckpointError, ConfigError, DatasetError
from hume_system2.model import System2
from hume_system2.model.critics import CalQL
from hume_training.data.branches import load_branches
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.taught_rows import TaughtRows
from hume_training.losses import CalQLBatch, CalQLDraws, critic_loss, policy_loss, temperature_loss, update_targets
from hume_training.training.auxiliary import Readings, reader
from hume_training.training.batches import Batches
from hume_training.training.branch_loss import BranchLoss
from hume_training.training.config import ValueConfig
from hume_training.training.dataset import training_data
from hume_training.training.loop import TrainingOutcome, train
from hume_training.training.recompute import recompute_layers
from hume_training.training.sampling import step_generator
from hume_training.training.taught import keep_contract, taught_rows


class Returns:
    """Rewards, returns and ends of transitions that span `stride` frames.

    Reward is -1 per transition and 0 for the one that reaches success, which ends the episode. A failed episode
    never gets there: its last frame goes on forever, at -1 per transition.

    Args:
        data: frames with `next.success`.
        stride: frames per transition.
        discount: per transition.
        exact: count the time to success itself. Otherwise whole transitions, as released.

    Raises:
        DatasetError: the dataset does not say which frames succeed.
    """

    def __init__(self, data: Demonstrations, stride: int, discount: float, exact: bool = False) -> None:
        if data.success is None:
            raise DatasetError("the dataset has no key 'next.success'. The value head cannot be trained on it")
        self._data, self._stride, self._discount, self._exact = data, stride, discount, exact
        first = [
            start + int(np.argmax(done)) if (done := data.success[start : start + length]).any() else -1
            for start, length in zip(data.starts, data.lengths, strict=True)
        ]
        self._reached = np.array(first)[data.episode_of]

    @property
    def learnable(self) -> NDArray[np.int64]:
        """Frames up to success, or all of a failed episode."""
        frames = np.arange(len(self._reached))
        return np.flatnonzero((self._reached < 0) | (frames <= self._reached))

    def at(self, frames: NDArray[np.int64]) -> tuple[NDArray[np.int64], Tensor, Tensor, Tensor]:
        """Next frames, rewards, returns and masks of transitions (B,)."""
        reached = self._reached[frames]
        failed = reached < 0
        share = np.where(failed, 0.0, (reached - frames) / self._stride)
        left = share if self._exact else np.floor(share)
        ending = ~failed & (left < 1.0)
        following = np.minimum(frames + self._stride, self._data.ends[frames])
        worst = -1.0 / (1.0 - self._discount)
        returns = np.where(failed, worst, worst * (1.0 - self._discount**left))
        # What the last transition costs is the part of it that is needed: none where whole ones are counted.
        rewards = np.where(ending, returns, -1.0)
        values = [torch.from_numpy(x.astype(np.float32)) for x in (rewards, returns, (~ending))]
        return following, values[0], values[1], values[2]


class ValueObjective:
    """The Cal-QL losses on a frozen System 2.

    Args:
        config: of the run.
        rows: of demonstrations and rollouts.
        system2: its value head learns.
    """

    def __init__(self, config: ValueConfig, rows: TaughtRows, system2: System2) -> None:
        self._config, self._system2 = config, system2
        sizes = system2.config
        self._batches = Batches(rows, sizes, config.seed, config.batch_size, config.image_shift)
        self._returns = Returns(rows.data, sizes.next_obs_offset, sizes.discount, config.exact_time)
        self._batches.frames = np.intersect1d(self._batches.frames, self._returns.learnable)
        self._batches.weigh_starts(config.start_frames, config.start_weight)
        head = system2.value_head
        head.requires_grad_(True)
        head.calql.target_critics.requires_grad_(False)
        if config.gradient_checkpointing:
            recompute_layers([head])
        self.modules: dict[str, nn.Module] = {"value": head}
        width = len(head.query)
        self._readings = Readings(config, rows, lambda size: reader(width, size).to(system2.device), relative=True)
        self.modules |= self._readings.modules
        self._branches = self._branch_loss(rows)

    def _branch_loss(self, rows: TaughtRows) -> BranchLoss | None:
        config = self._config
        if not config.branches:
            return None
        branches = load_branches(config.branches)
        return BranchLoss(config, config.seed, config.image_shift, branches, self._system2, 1.0 / rows.data.fps)

    def quality(self, step: int) -> dict[str, float]:
        """How good the values are on branches that no step sees."""
        assert self._branches is not None
        return self._branches.quality()

    @property
    def judged(self) -> bool:
        """Whether there are branches to judge by."""
        return self._branches is not None

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """See `Objective`."""
        config, head = self._config, self._system2.value_head
        generator = step_generator(config.seed, step)
        frames = self._batches.draw(step)
        batch = self._batch(frames, generator)
        draws = CalQLDraws.random(len(frames), batch.actions.shape[-1], generator=generator)
        temperature, _ = temperature_loss(head.calql, batch, draws)
        policy, policy_info = policy_loss(head.calql, batch, draws)
        critic, info = critic_loss(
            head.calql, batch, draws, self._system2.config.discount, config.conservative_weight, config.return_share
        )
        error = (info["online_q"] - batch.returns.mean()).abs()
        kept = {key: info[key] for key in ("td_err", "cql_diff", "online_q", "target_q", "calql_bound_rate")}
        info = kept | {"entropy": policy_info["entropy"], "return_error": error, "return": batch.returns.mean()}
        loss = temperature + policy + config.critic_weight * critic
        if self._branches is not None:
            error, rank = self._branches.losses(step, generator)
            loss = loss + config.critic_weight * config.branch_weight * error + config.rank_weight * rank
            info |= {"branch_err": error.detach(), "branch_rank": rank.detach()}
        features = batch.features.float()
        return self._readings.add(loss, info, lambda reader: reader(features), frames), info

    def _batch(self, frames: NDArray[np.int64], generator: torch.Generator) -> CalQLBatch:
        system2, head = self._system2, self._system2.value_head
        following, rewards, returns, masks = self._returns.at(frames)
        actions, following_actions = (self._actions(part) for part in (frames, following))
        with torch.no_grad():
            now = system2.embed_prefix(self._batches.observation(frames, generator), absent_cameras=False)
            later = system2.embed_prefix(self._batches.observation(following, generator), absent_cameras=False)
        following_actions = following_actions if self._config.bootstrap == "data" else None
        if self._config.action_noise:
            actions = actions + self._noise(actions.shape, generator)
        features = head.state_feature(now), head.state_feature(later)
        return CalQLBatch(*features, actions, rewards, returns, masks, following_actions)

    def _actions(self, frames: NDArray[np.int64]) -> Tensor:
        """What was done from frames on, as the critics see it (B, d)."""
        rows = self._batches.chunks(frames)[0].to(self._system2.device)
        return self._system2.value_head.critic_actions(self._system2.normalizer.action(rows))

    def _noise(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """Noise like that which candidates keep, each its own share of `action_noise` (B, d)."""
        share = self._config.action_noise * torch.rand(shape[0], 1, generator=generator)
        return (share * torch.randn(shape, generator=generator)).to(self._system2.device)

    def after_step(self) -> None:
        """The target critics follow."""
        update_targets(self._system2.value_head.calql)

    def learning_rates(self) -> dict[str, float]:
        """All alike."""
        return {}

    def export(self, folder: Path) -> None:
        """See `Objective`."""
        self._system2.save_pretrained(folder)


def score_rows(system2: System2, rows: int, seed: int) -> None:
    """Let the value head score the first `rows` of a chunk, with new critics where those were not its rows before.

    Raises:
        ConfigError: a chunk has fewer rows.
    """
    config, head = system2.config, system2.value_head
    if rows > config.s2_chunk_size:
        raise ConfigError(f"score_rows is {rows}. A chunk of this checkpoint has {config.s2_chunk_size} rows")
    if rows == config.vqh_chunk_size:
        return
    system2.config = replace(config, vqh_chunk_size=rows, next_obs_offset=rows)
    head.value_length = rows
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        head.calql = CalQL(len(head.query), rows * head.action_dim).to(system2.device)
    head.calql.target_critics.load_state_dict(head.calql.critics.state_dict())


def set_choice(system2: System2, config: ValueConfig) -> None:
    """Let the checkpoint choose among candidates as the configuration says, where it says so.

    Raises:
        ConfigError: a number is out of range.
    """
    wanted = system2.config
    if config.num_candidates:
        wanted = replace(wanted, num_candidates=config.num_candidates)
    for name in ("value_temperature", "agreement_weight"):
        if getattr(config, name) >= 0:
            wanted = replace(wanted, **{name: getattr(config, name)})
    if config.noise_schedule:
        wanted = replace(wanted, noise_schedule=config.noise_schedule)
    system2.config = wanted


def train_value(config: ValueConfig, stop_after: int | None = None) -> TrainingOutcome:
    """Train the value head of the checkpoint that the configuration names. See `train`."""
    torch.set_num_threads(config.threads)
    system2 = System2.from_pretrained(config.checkpoint, device=config.device)
    if not system2.config.has_system1:
        raise CheckpointError(
            f"{config.checkpoint} is a System 2 alone, without a value head. `hume train system2` makes a whole "
            "checkpoint of it first"
        )
    rows = taught_rows(config, training_data(config), system2.contract)
    keep_contract(system2, rows, config.output)
    if config.score_rows:
        score_rows(system2, config.score_rows, config.seed)
    set_choice(system2, config)
    objective = ValueObjective(config, rows, system2)
    return train(config, objective, objective.quality if objective.judged else None, stop_after)
