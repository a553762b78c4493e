"""Calibrated Q-learning (Nakamoto et al. 2023) on the value query's state feature.

Shapes: batch B, actions of size d (v steps of the real action size, flat), n sampled actions per state.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hume_system2.model.critics import CalQL
from hume_training.losses.tanh_gaussian import sample

CONSERVATIVE_WEIGHT = 5.0
TARGET_RATE = 0.005

Info = dict[str, Tensor]


@dataclass(frozen=True)
class CalQLBatch:
    """Transitions.

    Attributes:
        features: state features (B, f).
        next_features: state features of the next observations (B, f).
        actions: normalised actions, flat (B, d).
        rewards: (B,).
        returns: Monte-Carlo returns (B,).
        masks: 0 where the episode ends, else 1 (B,).
        next_actions: what was done next (B, d), to value the policy that acted. None: the best of the actor's actions.
    """

    features: Tensor
    next_features: Tensor
    actions: Tensor
    rewards: Tensor
    returns: Tensor
    masks: Tensor
    next_actions: Tensor | None = None


@dataclass(frozen=True)
class CalQLDraws:
    """Random numbers of one step: standard normals, and one uniform in [0, 1).

    Attributes:
        temperature_next: (n, B, d).
        policy: (B, d).
        target_next: (n, B, d).
        conservative_current: (n, B, d).
        conservative_next: (n, B, d).
        conservative_uniform: (B, n, d).
    """

    temperature_next: Tensor
    policy: Tensor
    target_next: Tensor
    conservative_current: Tensor
    conservative_next: Tensor
    conservative_uniform: Tensor

    @classmethod
    def random(
        cls, batch: int, action_dim: int, samples: int = 4, generator: torch.Generator | None = None
    ) -> CalQLDraws:
        """Fresh draws."""
        many = (samples, batch, action_dim)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator)

        uniform = torch.rand(batch, samples, action_dim, generator=generator)
        return cls(normal(*many), normal(batch, action_dim), normal(*many), normal(*many), normal(*many), uniform)


def temperature_loss(calql: CalQL, batch: CalQLBatch, draws: CalQLDraws) -> tuple[Tensor, Info]:
    """Moves the temperature so that the actor's entropy comes near -d."""
    # Entropy as a constraint: the weight alpha falls while the entropy is above its goal -d and rises below it. That is
    # the dual step of maximising the value under H >= -d (Haarnoja et al., SAC algorithms and applications, 2018).
    with torch.no_grad():
        _, log_density = sample(calql.policy(batch.next_features), draws.temperature_next)
    entropy = -log_density.mean()
    loss = calql.temperature() * (entropy + batch.actions.shape[-1])
    return loss, {"temperature_loss": loss.detach()}


def policy_loss(calql: CalQL, batch: CalQLBatch, draws: CalQLDraws) -> tuple[Tensor, Info]:
    """Actor's loss. As released, the value is detached, so only the entropy term trains the actor."""
    # SAC's actor loss, E[alpha log pi(a | s) - Q(s, a)]. Chunks come from the flow and not from this actor. It serves
    # to sample actions for the critics' losses.
    actions, log_density = sample(calql.policy(batch.features), draws.policy)
    values = calql.critics(batch.features, actions).amin(dim=0).detach()
    temperature = calql.temperature().detach()
    loss = (temperature * log_density - values).mean()
    info = {
        "actor_loss": loss.detach(),
        "temperature": temperature,
        "entropy": -log_density.detach().mean(),
        "log_probs": log_density.detach(),
        "actions_mse": (actions - batch.actions).square().sum(dim=-1).mean().detach(),
    }
    return loss, info


def critic_loss(
    calql: CalQL,
    batch: CalQLBatch,
    draws: CalQLDraws,
    discount: float,
    conservative_weight: float = CONSERVATIVE_WEIGHT,
    return_share: float = 0.0,
) -> tuple[Tensor, Info]:
    """Temporal-difference loss plus the calibrated conservative term.

    Args:
        calql: all networks.
        batch: transitions.
        draws: random numbers.
        discount: per transition.
        conservative_weight: weight of the conservative term.
        return_share: share of the Monte-Carlo return in the target of the temporal-difference loss.
    """
    # Learning values from recorded data alone has one main risk: for actions that were never tried the critics may
    # say anything, and choosing the best of N then picks just those. Conservative Q-learning (Kumar et al. 2020) lowers
    # the values of other actions and raises those of recorded ones:
    #
    #     L = E[(Q(s, a) - y)^2] + weight * E[ log sum_a' exp(Q(s, a')) - Q(s, a) ]
    #
    # Lowered without a limit, values would fall far below any return. Calibrated Q-learning (Nakamoto et al. 2023) does
    # not lower a sampled action of the policy below the return G that was observed from s:
    #
    #     Q(s, a')  is replaced by  max(Q(s, a'), G)
    #
    # Where G is larger the maximum has no gradient. So values stay on the scale of returns.
    values = calql.critics(batch.features, batch.actions)
    # The return G is an unbiased target with much noise, the bootstrapped y a biased one with little. The share mixes
    # them (as lambda does in TD(lambda): Sutton and Barto, Reinforcement Learning, chapter 12). With reward -1 per step
    # and 0 at success, G = -(1 - discount^n) / (1 - discount) for n steps left: from 0 at the goal to -1 / (1 -
    # discount) for an episode that never gets there.
    target = (1.0 - return_share) * _target(calql, batch, draws, discount) + return_share * batch.returns
    temporal = (values - target).square().mean()
    sampled, log_density = _sampled_actions(calql, batch, draws)
    sampled_values = calql.critics(batch.features, sampled)
    free = draws.conservative_uniform.shape[1]
    bounded = sampled_values[..., free:]
    bound = batch.returns[:, None].expand(bounded.shape[1:])
    calibrated = torch.cat([sampled_values[..., :free], torch.maximum(bounded, bound)], dim=-1)
    # The sum over all actions is estimated by importance sampling: log sum_i exp(Q_i - log density_i), with actions
    # drawn uniformly, from the policy here, and from the policy in the next state. (Up to log of their number, a
    # constant without gradient.)
    elsewhere = torch.logsumexp(calibrated - log_density, dim=-1)
    conservative = (elsewhere - values).mean()
    loss = temporal + conservative_weight * conservative
    info = {
        "critic_loss": loss,
        "td_err": temporal,
        "cql_loss": conservative,
        "cql_diff": conservative,
        "cql_ood_values": elsewhere.mean(),
        "calql_bound_rate": (bounded < bound).float().mean(),
        "online_q": values.mean(),
        "target_q": target.mean(),
    }
    return loss, {name: value.detach() for name, value in info.items()}


@torch.no_grad()
def _target(calql: CalQL, batch: CalQLBatch, draws: CalQLDraws, discount: float) -> Tensor:
    # y = r + discount * mask * Q'(s', a'), with the slow critics Q' and the smaller of both. The mask is 0 where the
    # episode ends: then nothing comes after. `bootstrap` decides on a': the best of n samples of the actor, which
    # values the best policy, or what was done next in the data (SARSA), which values the policy that acted.
    if batch.next_actions is None:
        actions = sample(calql.policy(batch.next_features), draws.target_next)[0].transpose(0, 1)
    else:
        actions = batch.next_actions[:, None]
    values = calql.target_critics(batch.next_features, actions)
    return batch.rewards + discount * batch.masks * values.amin(dim=0).amax(dim=-1)


@torch.no_grad()
def _sampled_actions(calql: CalQL, batch: CalQLBatch, draws: CalQLDraws) -> tuple[Tensor, Tensor]:
    """Uniform, current-policy and next-policy actions (B, 3n, d) and their log densities (B, 3n)."""
    current, current_density = sample(calql.policy(batch.features), draws.conservative_current)
    following, following_density = sample(calql.policy(batch.next_features), draws.conservative_next)
    uniform = draws.conservative_uniform * 2.0 - 1.0
    # Uniform on [-1, 1]^d has density (1/2)^d.
    uniform_density = uniform.new_full(uniform.shape[:2], uniform.shape[-1] * math.log(0.5))
    actions = torch.cat([uniform, current.transpose(0, 1), following.transpose(0, 1)], dim=1)
    return actions, torch.cat([uniform_density, current_density.T, following_density.T], dim=1)


@torch.no_grad()
def update_targets(calql: CalQL, rate: float = TARGET_RATE) -> None:
    """Let the target critics follow the critics."""
    # target += rate (online - target): an average over about 1 / rate = 200 steps. Bootstrapping from a slow copy keeps
    # a critic from chasing its own last step (Lillicrap et al., DDPG, 2016).
    for target, online in zip(calql.target_critics.parameters(), calql.critics.parameters(), strict=True):
        target.lerp_(online, rate)
