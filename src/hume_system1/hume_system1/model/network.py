"""System 1's network: DINOv2 tower and a Gemma stack over images, state history, progress and actions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hume_core.config import HumeConfig
from hume_core.flow import time_embedding
from hume_core.images import imagenet_normalised
from hume_core.nn.attention import PrefixThenCausal
from hume_core.nn.gemma import Cache, GemmaStack, StackConfig, cache_start
from hume_core.nn.projections import ActionProjections
from hume_core.nn.rope import Rotary, rotary_table
from hume_core.nn.vision import DinoTower


class System1Network(nn.Module):
    """Light visuomotor policy (paper section 3.4).

    Images, states and the progress never see the action tokens: they are encoded once per segment.

    Args:
        config: sizes.
    """

    def __init__(self, config: HumeConfig) -> None:
        super().__init__()
        self.stack_config = StackConfig.from_section(config.s1_gemma_expert_config)
        width = self.stack_config.hidden_size
        self.vision = DinoTower(config.s1_dino_config, width, conv_stem=config.patch_stem == "conv")
        self.stack = GemmaStack(self.stack_config, normalised_residual=True)
        self.projections = ActionProjections(config.max_state_dim, config.max_action_dim, width)

    @property
    def compute_dtype(self) -> torch.dtype:
        """Type of the transformers' weights."""
        return self.vision.projector.weight.dtype

    def embed_images(self, images: Tensor) -> Tensor:
        """Images (cameras, B, 3, height, width) in [-1, 1] to tokens (B, cameras * (1 + patches), width)."""
        cameras, batch = images.shape[:2]
        tokens = self.vision(imagenet_normalised(images.flatten(0, 1))).unflatten(0, (cameras, batch))
        return tokens.transpose(0, 1).flatten(1, 2)

    def rotary(self, start: int, length: int, device: torch.device) -> Rotary:
        """Rotation angles of consecutive positions (1, 1, length, head_dim / 2)."""
        positions = torch.arange(start, start + length, device=device)[None]
        return rotary_table(positions, self.stack_config.head_dim, self.stack_config.rope_theta)

    def context_tokens(self, state: Tensor, progress: Tensor) -> Tensor:
        """State tokens, oldest first, then the progress token (B, T + 1, width).

        Args:
            state: normalised states (B, T, S).
            progress: how far into the chunk the segment starts (B,), in [0, 1).
        """
        width = self.stack_config.hidden_size
        states = self.projections.state_proj(state).to(self.compute_dtype)
        progress = time_embedding(progress, width)[:, None].to(self.compute_dtype)
        return torch.cat([states, progress], dim=1)

    def encode(self, image_tokens: Tensor, state: Tensor, progress: Tensor) -> Cache:
        """Keys and values of images, states and progress. See ``context_tokens``."""
        # Images see each other. Each state and the progress open a new block: they see the images, what is before them,
        # and themselves. Actions see everything (`PrefixThenCausal.open`, or no mask over a cache).
        tokens = torch.cat([image_tokens, self.context_tokens(state, progress)], dim=1)
        rotary = self.rotary(0, tokens.shape[1], tokens.device)
        return self.stack.prefill(tokens, rotary, PrefixThenCausal(image_tokens.shape[1]))

    def encode_and_start(
        self, image_tokens: Tensor, state: Tensor, progress: Tensor, actions: Tensor, time_features: Tensor
    ) -> tuple[Tensor, Cache]:
        """``encode`` and the first ``velocity`` in one pass, which costs hardly more than ``encode`` alone."""
        # Images, states and progress do not see the actions, so their part of the result is that of `encode`. One pass
        # over all tokens replaces two, which matters where each layer costs a kernel launch or a pass over its weights.
        context = torch.cat([image_tokens, self.context_tokens(state, progress)], dim=1)
        tokens = torch.cat([context, self.projections.action_tokens(actions, time_features)], dim=1)
        horizon = actions.shape[1]
        rotary = self.rotary(0, tokens.shape[1], tokens.device)
        mask = PrefixThenCausal(image_tokens.shape[1], open=horizon)
        output, cache = self.stack.run(tokens, rotary, mask, rows=horizon)
        velocity = self.projections.action_out_proj(output.to(torch.float32))
        return velocity, cache_start(cache, context.shape[1])

    def action_features(self, actions: Tensor, time_features: Tensor, cache: Cache, rotary: Rotary) -> Tensor:
        """What the stack makes of noisy actions, float32 (B, h, width)."""
        tokens = self.projections.action_tokens(actions, time_features)
        return self.stack(tokens, rotary, past=cache).to(torch.float32)

    def velocity(self, actions: Tensor, time_features: Tensor, cache: Cache, rotary: Rotary) -> Tensor:
        """Velocity field at noisy actions, float32 (B, h, A)."""
        return self.projections.action_out_proj(self.action_features(actions, time_features, cache, rotary))
