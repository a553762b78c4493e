"""Critics and actor of calibrated Q-learning on top of the value query's state feature."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

HIDDEN = (256, 256)


class MLP(nn.Module):
    """Linear layers with SiLU after every one."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        sizes = (inputs, *HIDDEN)
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.SiLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., hidden)."""
        return self.layers(x)


class Critics(nn.Module):
    """Two state-action value functions with a common output layer.

    Args:
        feature_dim: size of the state feature.
        action_dim: size of the flattened actions.
    """

    def __init__(self, feature_dim: int, action_dim: int) -> None:
        super().__init__()
        self.networks = nn.ModuleList(MLP(feature_dim + action_dim) for _ in range(2))
        self.output_layer = nn.Linear(HIDDEN[-1], 1)

    def forward(self, feature: Tensor, actions: Tensor) -> Tensor:
        """Values (2, B, ...) of actions (B, ..., action_dim) in states with features (B, feature_dim)."""
        # One state, many actions: the feature is repeated as a view for each action before both are joined.
        shape = (*actions.shape[:-1], feature.shape[-1])
        feature = feature.view(feature.shape[0], *(1,) * (actions.ndim - 2), feature.shape[-1])
        inputs = torch.cat([feature.expand(shape), actions], dim=-1)
        return torch.stack([self.output_layer(network(inputs))[..., 0] for network in self.networks])


class GaussianActor(nn.Module):
    """Tanh-Gaussian actor: mean and standard deviation before the tanh.

    Args:
        feature_dim: size of the state feature.
        action_dim: size of the flattened actions.
    """

    def __init__(self, feature_dim: int, action_dim: int) -> None:
        super().__init__()
        self.network = MLP(feature_dim)
        self.mean_layer = nn.Linear(HIDDEN[-1], action_dim)
        self.std_layer = nn.Linear(HIDDEN[-1], action_dim)

    def forward(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (B, action_dim), from features (B, feature_dim)."""
        # The layer gives log std, so that std is positive. The bounds keep the density finite.
        hidden = self.network(feature)
        return self.mean_layer(hidden), self.std_layer(hidden).exp().clamp(1e-5, 10.0)


class Temperature(nn.Module):
    """Weight of the entropy, kept positive by a softplus."""

    def __init__(self) -> None:
        super().__init__()
        self.multiplier = nn.Parameter(torch.tensor(0.5413))

    def forward(self) -> Tensor:
        """The temperature, a scalar."""
        # softplus(0.5413) = log(1 + e^0.5413) = 1: the entropy's weight starts at 1.
        return nn.functional.softplus(self.multiplier)


class CalQL(nn.Module):
    """All networks of calibrated Q-learning (Nakamoto et al. 2023).

    Args:
        feature_dim: size of the state feature.
        action_dim: size of the flattened actions.
    """

    def __init__(self, feature_dim: int, action_dim: int) -> None:
        super().__init__()
        self.critics = Critics(feature_dim, action_dim)
        self.target_critics = Critics(feature_dim, action_dim)
        self.policy = GaussianActor(feature_dim, action_dim)
        self.temperature = Temperature()
