"""Mean and standard deviation of states and actions, stored in the checkpoint."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hume_core.config import HumeConfig
from hume_core.errors import CheckpointError

EPSILON = 1e-8


class Normalizer(nn.Module):
    """Between real units and the policy's normalised, zero-padded units.

    Args:
        config: sizes and which features are normalised.
    """

    def __init__(self, config: HumeConfig) -> None:
        super().__init__()
        self.state_dim, self.max_state_dim = config.state_dim, config.max_state_dim
        self.action_dim, self.max_action_dim = config.action_dim, config.max_action_dim
        mapping = config.normalization_mapping
        if mapping.get("STATE", "IDENTITY") == "MEAN_STD":
            self._add("state", config.state_dim)
        if mapping.get("ACTION", "IDENTITY") == "MEAN_STD":
            self._add("target", config.action_dim)
            self._add("action", config.action_dim)

    def _add(self, name: str, size: int) -> None:
        self.register_buffer(f"{name}_mean", torch.zeros(size))
        self.register_buffer(f"{name}_std", torch.ones(size))

    def check(self) -> None:
        """Refuse statistics that are not finite.

        Raises:
            CheckpointError: naming the buffer.
        """
        for name, buffer in self.named_buffers():
            if not torch.isfinite(buffer).all():
                raise CheckpointError(f"normalisation buffer '{name}' is not finite; write it before saving")

    # (x - mean) / std, column by column over the training data: then radians, metres and gripper values count alike in
    # the loss, and an action has the scale of the standard normal noise that the flow starts from. Padding is 0, the
    # mean. The epsilon keeps a column that never moved (std 0) finite. There is none on the way back: a column that
    # never moved comes back as its mean exactly.

    def state(self, state: Tensor) -> Tensor:
        """Real states (..., s) to normalised, padded ones (..., S)."""
        if hasattr(self, "state_mean"):
            state = (state - self.state_mean) / (self.state_std + EPSILON)
        return F.pad(state, (0, self.max_state_dim - self.state_dim))

    def action(self, action: Tensor) -> Tensor:
        """Real actions (..., a) to normalised, padded ones (..., A)."""
        if hasattr(self, "target_mean"):
            action = (action - self.target_mean) / (self.target_std + EPSILON)
        return F.pad(action, (0, self.max_action_dim - self.action_dim))

    def action_difference(self, difference: Tensor) -> Tensor:
        """Differences of the first k numbers of real actions (..., k) to those of normalised, padded ones (..., A)."""
        # (a - mean) / std - (b - mean) / std = (a - b) / std: of a difference the mean drops out.
        size = difference.shape[-1]
        if hasattr(self, "target_mean"):
            difference = difference / (self.target_std[:size] + EPSILON)
        return F.pad(difference, (0, self.max_action_dim - size))

    def unnormalise(self, action: Tensor) -> Tensor:
        """Normalised, padded actions (..., A) to real units (..., a)."""
        action = action[..., : self.action_dim]
        if hasattr(self, "action_mean"):
            action = action * self.action_std + self.action_mean
        return action


NORMALIZER_NAMES = (
    ("normalizer.state_", "normalize_inputs.buffer_observation_state."),
    ("normalizer.target_", "normalize_targets.buffer_action."),
    ("normalizer.action_", "unnormalize_outputs.buffer_action."),
)
