"""Tanh-squashed diagonal Gaussian."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

LIMIT = 0.99

Gaussian = tuple[Tensor, Tensor]


def sample(gaussian: Gaussian, normal: Tensor) -> tuple[Tensor, Tensor]:
    """Sample by reparametrisation.

    Args:
        gaussian: mean and standard deviation before the tanh, each (..., d).
        normal: standard normal draws, broadcastable to (..., d).

    Returns:
        Actions in (-1, 1) and the log density of each (...).
    """
    # Change of variables: a = tanh(u) has log p(a) = log p(u) - sum log(1 - tanh(u)^2). (Haarnoja et al., Soft
    # actor-critic, 2018, appendix C.) As u = mean + std * normal, gradients reach mean and std through the sample.
    mean, std = gaussian
    raw = mean + std * normal
    log_density = -0.5 * normal.square() - std.log() - 0.5 * math.log(2.0 * math.pi)
    return raw.tanh(), (log_density - log_squash(raw)).sum(dim=-1)


def log_density(gaussian: Gaussian, actions: Tensor) -> Tensor:
    """Log density (...) of actions (..., d). Values beyond the limit are clamped, as released."""
    mean, std = gaussian
    raw = actions.clamp(-LIMIT, LIMIT).atanh()
    density = -0.5 * ((raw - mean) / std).square() - std.log() - 0.5 * math.log(2.0 * math.pi)
    return (density - log_squash(raw)).sum(dim=-1)


def log_squash(raw: Tensor) -> Tensor:
    """Log of the tanh's derivative, without overflow."""
    # log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2 u)): no 1 - 1 for large u.
    return 2.0 * (math.log(2.0) - raw - F.softplus(-2.0 * raw))
