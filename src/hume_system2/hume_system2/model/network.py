"""System 2's network: vision-language model and action expert with shared keys and values."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hume_core.config import HumeConfig
from hume_core.nn.attention import key_bias
from hume_core.nn.gemma import Cache, GemmaStack, StackConfig
from hume_core.nn.projections import ActionProjections
from hume_core.nn.rope import Rotary, rotary_table
from hume_core.nn.vision import SiglipTower
from hume_system2.model.prefix import Prefix


class System2Network(nn.Module):
    """PaliGemma beside a smaller Gemma action expert (paper section 3.2).

    The joint attention of the released model never lets the prefix see the suffix, nor the state token the
    actions. So the prefix and the state are encoded once and only the action tokens run per Euler step.

    Args:
        config: sizes.
    """

    def __init__(self, config: HumeConfig) -> None:
        super().__init__()
        text = config.paligemma_config["text_config"]
        self.language_config = StackConfig.from_section(text)
        self.expert_config = StackConfig.from_section(config.gemma_expert_config)
        vision = config.paligemma_config["vision_config"]
        width = self.language_config.hidden_size
        self.vision = SiglipTower(vision, width, conv_stem=config.patch_stem == "conv")
        self.language = GemmaStack(self.language_config)
        self.token_embedding = nn.Embedding(text["vocab_size"], width)
        self.expert = GemmaStack(self.expert_config)
        self.projections = ActionProjections(config.max_state_dim, config.max_action_dim, config.proj_width)

    @property
    def compute_dtype(self) -> torch.dtype:
        """Type of the transformers' weights."""
        return self.token_embedding.weight.dtype

    def embed_images(self, images: Tensor) -> Tensor:
        """Images (cameras, B, 3, height, width) to tokens (B, cameras * patches, width)."""
        cameras, batch = images.shape[:2]
        tokens = self.vision(images.flatten(0, 1)).unflatten(0, (cameras, batch))
        return tokens.transpose(0, 1).flatten(1, 2)

    def embed_text(self, tokens: Tensor) -> Tensor:
        """Token ids (B, L) to embeddings (B, L, width)."""
        embedding = self.token_embedding(tokens)
        return embedding * self.language_config.hidden_size**0.5

    def embed_prefix(
        self, images: Tensor, tokens: Tensor, counts: Tensor, query_positions: Tensor, masked: bool
    ) -> Prefix:
        """Everything that does not depend on state, actions or time.

        Args:
            images: present cameras (cameras, B, 3, height, width) in [-1, 1].
            tokens: instruction (B, L).
            counts: real tokens of each prefix (B,).
            query_positions: where the value query goes in (B,).
            masked: some sequences have padding behind their instruction.
        """
        embeddings = torch.cat([self.embed_images(images), self.embed_text(tokens)], dim=1)
        slots = torch.arange(embeddings.shape[1], device=images.device)
        return Prefix(embeddings, slots < counts[:, None] if masked else None, counts, query_positions)

    def rotary(self, positions: Tensor) -> Rotary:
        """Rotation angles of the joint attention."""
        return rotary_table(positions, self.language_config.head_dim, self.language_config.rope_theta)

    def encode(self, prefix: Prefix, state: Tensor) -> Cache:
        """Keys and values of the prefix and the state token.

        Args:
            prefix: B sequences.
            state: newest normalised state (B, S).
        """
        # Who sees whom, in three blocks: prefix -> prefix. State -> prefix, state. Actions -> all. No block sees a
        # later one, so keys and values of the first two do not depend on the actions. They stay the same for all Euler
        # steps and all candidates, and the cache is exact.
        bias = key_bias(prefix.valid)
        cache = self.language.prefill(prefix.embeddings, self.rotary(prefix.positions), bias)
        token = self.projections.state_proj(state)[:, None].to(self.compute_dtype)
        return self.expert.prefill(token, self.rotary(prefix.counts[:, None]), self.suffix_bias(prefix, 1), cache)

    def suffix_bias(self, prefix: Prefix, new: int) -> Tensor | None:
        """Bias over the prefix and new tokens that all are seen."""
        if prefix.valid is None:
            return None
        return key_bias(nn.functional.pad(prefix.valid, (0, new), value=True))

    def action_rotary(self, prefix: Prefix, horizon: int) -> Rotary:
        """Rotation angles of the action tokens, which follow the state token (B, 1, H, head_dim / 2)."""
        steps = torch.arange(1, horizon + 1, device=prefix.counts.device)
        return self.rotary(prefix.counts[:, None] + steps)

    def velocity(
        self, actions: Tensor, time_features: Tensor, cache: Cache, rotary: Rotary, bias: Tensor | None
    ) -> Tensor:
        """Velocity field at noisy actions.

        Args:
            actions: (R, H, A).
            time_features: ``ActionProjections.time_features`` of the flow times (R, width).
            cache: keys and values of prefix and state for the R rows.
            rotary: angles of the action tokens.
            bias: over prefix, state and actions.

        Returns:
            float32 (R, H, A).
        """
        tokens = self.projections.action_tokens(actions, time_features)
        output = self.expert(tokens, rotary, bias, cache)
        return self.projections.action_out_proj(output.to(torch.float32))
