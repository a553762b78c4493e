"""The released training step: System 1 and the value head on top of a frozen System 2."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hume_core.observation import Observation
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.losses.calql import (
    CalQLBatch,
    CalQLDraws,
    Info,
    critic_loss,
    policy_loss,
    temperature_loss,
)
from hume_training.losses.flow_matching import masked_mean, noise_segment, segment_rows, system1_flow_losses


@dataclass(frozen=True)
class JointBatch:
    """One batch of demonstrations.

    Attributes:
        observation: what System 2 and the value head see.
        system1_observation: what System 1 sees, at the progress.
        next_observation: what the value head sees ``next_obs_offset`` frames later.
        actions: demonstrated chunk in real units (B, H, a).
        is_pad: which of its steps lie beyond the episode's end, bool (B, H).
        progress: share of the chunk that has passed for System 1 (B,).
        rewards, returns, masks: (B,). See ``CalQLBatch``.
    """

    observation: Observation
    system1_observation: Observation
    next_observation: Observation
    actions: Tensor
    is_pad: Tensor
    progress: Tensor
    rewards: Tensor
    returns: Tensor
    masks: Tensor


@dataclass(frozen=True)
class JointDraws:
    """Random numbers of one step.

    Attributes:
        system2_noise: standard normal (1, B, H, A).
        time: flow times before scaling by ``theta1`` (B,). See ``flow_time``.
        slide_uniform: in [0, 1) (B,).
        slide_normal: standard normal (B, h, A).
        calql: the value losses' draws.
    """

    system2_noise: Tensor
    time: Tensor
    slide_uniform: Tensor
    slide_normal: Tensor
    calql: CalQLDraws


@dataclass(frozen=True)
class JointLosses:
    """Losses of one step and what they were computed from.

    Attributes:
        system1, temperature, policy, critic: scalar losses.
        chunk: System 2's sampled chunk (B, H, A).
        calql_batch: what the value losses saw.
        info: numbers worth logging.
    """

    system1: Tensor
    temperature: Tensor
    policy: Tensor
    critic: Tensor
    chunk: Tensor
    calql_batch: CalQLBatch
    info: Info

    @property
    def total(self) -> Tensor:
        """Sum of all losses."""
        return self.system1 + self.temperature + self.policy + self.critic


def joint_losses(system2: System2, system1: System1, batch: JointBatch, draws: JointDraws) -> JointLosses:
    """All losses of one step. System 2 gets no gradient.

    Args:
        system2: frozen proposals, and the value head that learns.
        system1: the model that learns.
        batch: demonstrations.
        draws: random numbers.
    """
    actions = system1.normalizer.action(batch.actions)
    chunk = sampled_chunk(system2, batch.observation, draws.system2_noise)
    flow = _system1_loss(system1, batch, actions, chunk, draws)
    value_batch = calql_batch(system2, batch, actions)
    calql = system2.value_head.calql
    temperature, temperature_info = temperature_loss(calql, value_batch, draws.calql)
    policy, policy_info = policy_loss(calql, value_batch, draws.calql)
    critic, critic_info = critic_loss(calql, value_batch, draws.calql, system2.config.discount)
    info = {"s1_loss": flow.detach(), **temperature_info, **policy_info, **critic_info}
    return JointLosses(flow, temperature, policy, critic, chunk, value_batch, info)


def sampled_chunk(system2: System2, observation: Observation, noise: Tensor) -> Tensor:
    """One chunk per observation from full noise, without gradient (B, H, A)."""
    thought = system2.think(observation, 1, (1.0, 1.0), (1.0, 1.0), noise)
    return thought.chunk.clone()


def _system1_loss(system1: System1, batch: JointBatch, actions: Tensor, chunk: Tensor, draws: JointDraws) -> Tensor:
    config, seen = system1.config, batch.system1_observation
    noise = noise_segment(
        chunk,
        batch.progress,
        config.s1_chunk_size,
        shift=config.noise_slides_alp,
        spread=config.noise_slides_eps,
        uniform=draws.slide_uniform,
        normal=draws.slide_normal,
    )
    target = segment_rows(actions, batch.progress, config.s1_chunk_size)
    losses = system1_flow_losses(
        system1,
        system1.prepare_images(seen),
        system1.prepare_state(seen),
        batch.progress,
        target,
        noise,
        config.theta1 * draws.time,
    )
    return masked_mean(losses, segment_rows(batch.is_pad[..., None], batch.progress, config.s1_chunk_size)[..., 0])


def calql_batch(system2: System2, batch: JointBatch, actions: Tensor) -> CalQLBatch:
    """State features with gradient into the value head only, and the first v actions.

    Args:
        system2: encodes both observations. Absent cameras are left out, as released.
        batch: demonstrations.
        actions: normalised, padded chunk (B, H, A).
    """
    with torch.no_grad():
        now = system2.embed_prefix(batch.observation, absent_cameras=False)
        later = system2.embed_prefix(batch.next_observation, absent_cameras=False)
    head = system2.value_head
    return CalQLBatch(
        head.state_feature(now),
        head.state_feature(later),
        head.critic_actions(actions),
        batch.rewards,
        batch.returns,
        batch.masks,
    )
