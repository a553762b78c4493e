"""Linear maps between robot states, noisy actions and the tokens of an action expert."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hume_core.flow import time_embedding


class ActionProjections(nn.Module):
    """State and action projections around an action expert. Always float32.

    Args:
        state_dim: padded state size S.
        action_dim: padded action size A.
        width: width of the expert's tokens, of the action features and of the time embedding.
    """

    def __init__(self, state_dim: int, action_dim: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.state_proj = nn.Linear(state_dim, width)
        self.action_in_proj = nn.Linear(action_dim, width)
        self.action_out_proj = nn.Linear(width, action_dim)
        self.action_time_mlp_in = nn.Linear(2 * width, width)
        self.action_time_mlp_out = nn.Linear(width, width)

    def time_features(self, time: Tensor, compute_dtype: torch.dtype) -> Tensor:
        """The time's share of the first MLP layer, known before the Euler loop.

        Args:
            time: flow times, any shape.
            compute_dtype: type to which the embedding is rounded.

        Returns:
            float32 (*time.shape, width).
        """
        # The layer's input is [action, time], so W [action, time] + b = W_a action + (W_t time + b). The second part
        # depends on the schedule alone and not on x. It is computed once for all Euler steps.
        weight = self.action_time_mlp_in.weight[:, self.width :]
        embedding = time_embedding(time, self.width).to(compute_dtype).to(weight.dtype)
        return F.linear(embedding, weight, self.action_time_mlp_in.bias)

    def action_tokens(self, actions: Tensor, time_features: Tensor) -> Tensor:
        """Tokens (R, H, width) of noisy actions (R, H, A) at times given by features (R, width)."""
        weight = self.action_time_mlp_in.weight[:, : self.width]
        hidden = F.linear(self.action_in_proj(actions), weight) + time_features[:, None]
        return self.action_time_mlp_out(F.silu(hidden))
