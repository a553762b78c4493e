"""Gemma decoder stack whose keys and values can be shared between stacks and kept between calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hume_core.config_schema import rope_theta
from hume_core.nn import exported
from hume_core.nn.attention import Mask, attend, mask_of_last
from hume_core.nn.joined import JoinedLinear
from hume_core.nn.linear import project
from hume_core.nn.norm import RMSNorm
from hume_core.nn.rope import Rotary, rotate

KeyValue = tuple[Tensor, Tensor]
Cache = tuple[KeyValue, ...]


@dataclass(frozen=True)
class StackConfig:
    """Size of a Gemma stack. Field names are those of the configuration files."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int = 1
    head_dim: int = 256
    rms_norm_eps: float = 1e-6
    rope_theta: float = 10000.0

    @classmethod
    def from_section(cls, section: Mapping[str, Any]) -> StackConfig:
        """Pick the sizes out of a transformer section of ``config.json``."""
        found = {item.name: section[item.name] for item in fields(cls) if item.name in section}
        theta = rope_theta(section)
        return cls(**found if theta is None else found | {"rope_theta": theta})


class Attention(nn.Module):
    """The four projections of one attention layer. Without gradients the first three run as one."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        self.heads, self.key_heads = config.num_attention_heads, config.num_key_value_heads
        width, key_width = self.heads * config.head_dim, self.key_heads * config.head_dim
        self.q_proj = nn.Linear(config.hidden_size, width, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, key_width, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, key_width, bias=False)
        self.o_proj = nn.Linear(width, config.hidden_size, bias=False)
        self.join_layers()

    def join_layers(self) -> None:
        """Let the joined product use the three layers that are in place now."""
        self.joined = JoinedLinear((self.q_proj, self.k_proj, self.v_proj))

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def query(self, x: Tensor, rotary: Rotary) -> Tensor:
        """Rotated queries (B, heads, L, d)."""
        return rotate(self._heads(self.q_proj(x)), rotary)

    def key_value(self, x: Tensor, rotary: Rotary) -> KeyValue:
        """Rotated keys and values (B, key heads, L, d)."""
        return rotate(self._heads(self.k_proj(x)), rotary), self._heads(self.v_proj(x))

    def query_key_value(self, x: Tensor, rotary: Rotary) -> tuple[Tensor, Tensor, Tensor]:
        """All three of them."""
        heads = self._heads(self.joined(x))
        rotated = rotate(heads[:, : -self.key_heads], rotary)
        return rotated[:, : self.heads], rotated[:, self.heads :], heads[:, -self.key_heads :]


class GatedMLP(nn.Module):
    """GELU-gated feed-forward layer."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)
        self.join_layers()

    def join_layers(self) -> None:
        """Let the joined product use the two layers that are in place now."""
        self.joined = JoinedLinear((self.gate_proj, self.up_proj))

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, hidden) to the same shape."""
        # GELU(x W_g) * (x W_u), then W_d: a gate for each number (Shazeer, GLU variants improve transformer, 2020).
        gate, up = self.joined.parts(x)
        return project(self.down_proj, F.gelu(gate, approximate="tanh") * up)


class GemmaLayer(nn.Module):
    """Pre-norm decoder layer.

    Args:
        config: sizes.
        normalised_residual: the first residual adds the normalised input instead of the raw one, as the
            released System 1 and value stacks do.
    """

    def __init__(self, config: StackConfig, normalised_residual: bool) -> None:
        super().__init__()
        self.normalised_residual = normalised_residual
        self.self_attn = Attention(config)
        self.mlp = GatedMLP(config)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def key_value(self, x: Tensor, rotary: Rotary, past: KeyValue | None) -> KeyValue:
        """Keys and values only: all that is needed of a last layer whose output is not used."""
        normalised = self._normalised(x)
        if self._exporting:
            return _after(past, *exported.key_value(self.self_attn, normalised, rotary))
        return _after(past, *self.self_attn.key_value(normalised, rotary))

    @property
    def _exporting(self) -> bool:
        return torch.jit.is_tracing() and self.self_attn.key_heads == 1

    def _normalised(self, x: Tensor) -> Tensor:
        return self.input_layernorm(x).to(self.self_attn.q_proj.weight.dtype)

    def forward(
        self,
        x: Tensor,
        rotary: Rotary,
        mask: Mask,
        past: KeyValue | None,
        rows: int | None = None,
    ) -> tuple[Tensor, KeyValue]:
        """Output (B, L, hidden), or of the last rows only, and keys and values with the past ones."""
        normalised = self._normalised(x)
        mix = self._mix_exported if self._exporting else self._mix
        mixed, pair = mix(normalised, rotary, mask, past, rows)
        if rows is not None:
            x, normalised = x[:, -rows:], normalised[:, -rows:]
        residual = normalised if self.normalised_residual else x
        x = residual + project(self.self_attn.o_proj, mixed.to(self.self_attn.o_proj.weight.dtype))
        normalised = self.post_attention_layernorm(x).to(self.mlp.up_proj.weight.dtype)
        return x + self.mlp(normalised), pair

    def _mix(
        self, normalised: Tensor, rotary: Rotary, mask: Mask, past: KeyValue | None, rows: int | None
    ) -> tuple[Tensor, KeyValue]:
        if rows is None:
            query, key, value = self.self_attn.query_key_value(normalised, rotary)
        else:
            key, value = self.self_attn.key_value(normalised, rotary)
            query = self.self_attn.query(normalised[:, -rows:], _last(rotary, rows))
            mask = mask_of_last(mask, rows)
        key, value = _after(past, key, value)
        return attend(query, key, value, mask), (key, value)

    def _mix_exported(
        self, normalised: Tensor, rotary: Rotary, mask: Mask, past: KeyValue | None, rows: int | None
    ) -> tuple[Tensor, KeyValue]:
        key, value = _after(past, *exported.key_value(self.self_attn, normalised, rotary))
        if rows is not None:
            normalised, rotary, mask = normalised[:, -rows:], _last(rotary, rows), mask_of_last(mask, rows)
        query = exported.query(self.self_attn, normalised, rotary)
        return exported.attend(query, key, value, mask, self.self_attn.heads), (key, value)


def _last(rotary: Rotary, rows: int) -> Rotary:
    return rotary[0][:, :, -rows:], rotary[1][:, :, -rows:]


def _after(past: KeyValue | None, key: Tensor, value: Tensor) -> KeyValue:
    # Keys and values of earlier tokens do not change if those cannot see later ones. So they are computed once and put
    # in front of the new ones: the result is the same to rounding, at the cost of the new tokens alone.
    if past is None:
        return key, value
    return torch.cat([past[0], key], dim=-2), torch.cat([past[1], value], dim=-2)


class GemmaStack(nn.Module):
    """Layers and the final norm.

    Args:
        config: sizes.
        normalised_residual: see ``GemmaLayer``.
    """

    def __init__(self, config: StackConfig, normalised_residual: bool = False) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(GemmaLayer(config, normalised_residual) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def run(
        self,
        x: Tensor,
        rotary: Rotary,
        mask: Mask = None,
        past: Sequence[KeyValue] | None = None,
        rows: int | None = None,
    ) -> tuple[Tensor, Cache]:
        """Output, and keys and values of every layer with the past ones.

        Args:
            x: embeddings (B, L, hidden).
            rotary: angles of the positions of x.
            mask: see ``attend``. Over past and new keys.
            past: cache of earlier positions, possibly made by another stack.
            rows: how many of the last rows are wanted. The last layer does no more than needed for them.

        Returns:
            Normalised output (B, rows, hidden), and the cache.
        """
        cache = []
        for i, layer in enumerate(self.layers):
            before = None if past is None else past[i]
            last = i + 1 == len(self.layers)
            if last and rows == 0:
                cache.append(layer.key_value(x, rotary, before))
                return x[:, :0], tuple(cache)
            x, pair = layer(x, rotary, mask, before, rows if last else None)
            cache.append(pair)
        return self.norm(x), tuple(cache)

    def prefill(self, x: Tensor, rotary: Rotary, mask: Mask = None, past: Sequence[KeyValue] | None = None) -> Cache:
        """Keys and values only. See ``run``."""
        return self.run(x, rotary, mask, past, rows=0)[1]

    def forward(
        self,
        x: Tensor,
        rotary: Rotary,
        mask: Mask = None,
        past: Sequence[KeyValue] | None = None,
        rows: int | None = None,
    ) -> Tensor:
        """Normalised output only. See ``run``."""
        return self.run(x, rotary, mask, past, rows)[0]


def repeat_cache(cache: Cache, times: int) -> Cache:
    """The cache of B sequences repeated for times * B sequences (repetition-major)."""
    if times == 1:
        return cache
    others = [1] * (cache[0][0].ndim - 1)
    return tuple((key.repeat(times, *others), value.repeat(times, *others)) for key, value in cache)


def cache_tail(cache: Cache, first: int) -> Cache:
    """The cache without its first sequences."""
    if first == 0:
        return cache
    return tuple((key[first:], value[first:]) for key, value in cache)


def cache_start(cache: Cache, length: int) -> Cache:
    """The cache of the first positions only."""
    return tuple((key[..., :length, :], value[..., :length, :]) for key, value in cache)
