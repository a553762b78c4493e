"""Value-query head: estimates the state-action value of candidate chunks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hume_core.config import HumeConfig
from hume_core.nn.attention import key_bias
from hume_core.nn.gemma import GemmaStack, StackConfig
from hume_core.nn.rope import rotary_table
from hume_system2.model.critics import CalQL
from hume_system2.model.prefix import Prefix


class NoValueHead(nn.Module):
    """Of a System 2 that was published alone: all candidates are worth 0."""

    def forward(self, prefix: Prefix, candidates: Tensor) -> Tensor:
        """Values (B, N) of candidates (B, N, H, A)."""
        return candidates.new_zeros(candidates.shape[:2])


class ValueQueryHead(nn.Module):
    """A learned query reads the prefix embeddings. Critics score chunks (paper section 3.3).

    Args:
        config: sizes of the actions.
        stack: size of the head's own Gemma stack, which ``config.json`` does not hold.
    """

    def __init__(self, config: HumeConfig, stack: StackConfig) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(stack.hidden_size))
        self.stack = GemmaStack(stack, normalised_residual=True)
        self.value_length, self.action_dim = config.vqh_chunk_size, config.action_dim
        self.calql = CalQL(stack.hidden_size, self.value_length * self.action_dim)

    def state_feature(self, prefix: Prefix) -> Tensor:
        """What the query reads from the prefix, float32 (B, hidden).

        The query goes in at ``prefix.query_positions`` and moves later tokens up by one. Attention only knows
        positions, so the query is put last in memory: then it is the last row.
        """
        # Attention is a sum over keys, and a sum has no order. Only the rotary angles know the positions. So the query
        # may stand last in memory with the position that it has in the released layout.
        batch = prefix.embeddings.shape[0]
        query = self.query.to(prefix.embeddings.dtype).expand(batch, 1, -1)
        where = prefix.query_positions[:, None]
        positions = prefix.positions
        positions = torch.cat([positions + (positions >= where), where], dim=1)
        rotary = rotary_table(positions, self.stack.config.head_dim, self.stack.config.rope_theta)
        valid = None if prefix.valid is None else nn.functional.pad(prefix.valid, (0, 1), value=True)
        embeddings = torch.cat([prefix.embeddings, query], dim=1)
        return self.stack(embeddings, rotary, key_bias(valid), rows=1)[:, 0].to(torch.float32)

    def critic_actions(self, candidates: Tensor) -> Tensor:
        """The part of normalised chunks (..., H, A) that is scored, flat (..., v * a)."""
        return candidates[..., : self.value_length, : self.action_dim].flatten(-2)

    def forward(self, prefix: Prefix, candidates: Tensor) -> Tensor:
        """Values (B, N) of candidates (B, N, H, A): the minimum over both target critics."""
        # The minimum of two critics: each errs, and choosing the best of N picks what is over-estimated. Both must
        # over-estimate the same chunk for that (clipped double Q: Fujimoto et al., TD3, 2018, section 4.2). The target
        # critics are the slow average of the trained ones, and less noisy.
        feature = self.state_feature(prefix)
        return self.calql.target_critics(feature, self.critic_actions(candidates)).amin(dim=0)
