"""The straightforward schedule, as released: what the shipped models are measured and checked against.

System 2 encodes images and instruction again for every candidate and once more for the value head. System 1
runs its whole sequence at every Euler step. Padded slots are computed like all others, attention is written
out. Nothing here uses the shipped stacks' caching, sharing or fused kernels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from hume_bench.padded import padded_system2, padded_value_prefix
from hume_core import Observation
from hume_core.flow import candidate_schedule, euler_times
from hume_core.nn.attention import MASKED, causal_bias
from hume_core.nn.gemma import GemmaStack
from hume_core.nn.rope import Rotary, rotary_table, rotate
from hume_system1.model import System1
from hume_system2.model import System2

KeyValues = list[tuple[Tensor, Tensor]]


def plain_stack(
    stack: GemmaStack, x: Tensor, rotary: Rotary, bias: Tensor, past: KeyValues | None = None
) -> tuple[Tensor, KeyValues]:
    """Output (B, L, hidden) and every layer's keys and values, one operation after the other."""
    config, cache = stack.config, []
    for i, layer in enumerate(stack.layers):
        attention, normalised = layer.self_attn, layer.input_layernorm(x)
        query, key, value = (
            projection(normalised).unflatten(-1, (-1, config.head_dim)).transpose(1, 2)
            for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        query, key = rotate(query, rotary), rotate(key, rotary)
        if past is not None:
            key, value = torch.cat([past[i][0], key], dim=2), torch.cat([past[i][1], value], dim=2)
        cache.append((key, value))
        groups = config.num_attention_heads // config.num_key_value_heads
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
        scores = query @ key.transpose(-1, -2) * config.head_dim**-0.5 + bias
        mixed = (scores.softmax(dim=-1) @ value).transpose(1, 2).flatten(2)
        x = (normalised if layer.normalised_residual else x) + attention.o_proj(mixed)
        normalised = layer.post_attention_layernorm(x)
        gate = F.gelu(layer.mlp.gate_proj(normalised), approximate="tanh")
        x = x + layer.mlp.down_proj(gate * layer.mlp.up_proj(normalised))
    return stack.norm(x), cache


@torch.inference_mode()
def straightforward_think(system2: System2, observation: Observation, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Candidates (B, N, H, A) and values (B, N) with the default start times, one candidate at a time."""
    network, head, config = system2.network, system2.value_head, system2.config
    state = network.projections.state_proj(system2.prepare_state(observation)[:, -1:])
    schedule = candidate_schedule(len(noise), config.num_steps, (0.9, 1.0), (1.0, 1.0), 1.0 - config.theta2)
    candidates = []
    for x, times in zip(noise, schedule.times, strict=True):
        prefix = padded_system2(system2, observation)
        _, cache = plain_stack(network.language, prefix.embeddings, network.rotary(prefix.positions), prefix.bias)
        length = x.shape[1] + 1
        own = causal_bias(length, 0)
        own[..., 1:, :] = 0.0
        seen = torch.where(prefix.valid, 0.0, MASKED)[:, None, None].expand(-1, -1, length, -1)
        bias = torch.cat([seen, own.expand(len(seen), -1, -1, -1)], dim=-1)
        rotary = network.rotary(prefix.valid.sum(1, keepdim=True) + torch.arange(length))
        for time in times:
            features = network.projections.time_features(torch.tensor([time]), torch.float32)
            tokens = torch.cat([state, network.projections.action_tokens(x, features)], dim=1)
            output, _ = plain_stack(network.expert, tokens, rotary, bias, cache)
            x = x - schedule.step * network.projections.action_out_proj(output[:, 1:])
        candidates.append(x)
    prefix, index = padded_value_prefix(padded_system2(system2, observation), head.query)
    stack = head.stack.config
    rotary = rotary_table(prefix.positions, stack.head_dim, stack.rope_theta)
    output, _ = plain_stack(head.stack, prefix.embeddings, rotary, prefix.bias)
    feature = output[torch.arange(len(index)), index]
    chunks = torch.stack(candidates, dim=1)
    return chunks, head.calql.target_critics(feature, head.critic_actions(chunks)).amin(dim=0)


@torch.inference_mode()
def straightforward_refine(system1: System1, observation: Observation, chunk: Tensor, progress: float) -> Tensor:
    """Segment in normalised units (B, h, A). The whole sequence at every Euler step."""
    network, config = system1.network, system1.config
    x, progress = system1.segment(chunk, progress, observation.batch_size)
    images = network.embed_images(system1.prepare_images(observation))
    context = network.context_tokens(system1.state_history(observation), progress)
    seen, horizon = images.shape[1], x.shape[1]
    length = seen + context.shape[1] + horizon
    bias = causal_bias(length, 0)
    bias[..., :seen, :seen] = 0.0
    bias[..., -horizon:, :] = 0.0
    rotary = network.rotary(0, length, x.device)
    step = config.theta1 / config.s1_num_steps
    for time in euler_times(config.theta1, step):
        features = network.projections.time_features(torch.tensor([time]), torch.float32)
        tokens = torch.cat([images, context, network.projections.action_tokens(x, features)], dim=1)
        output, _ = plain_stack(network.stack, tokens, rotary, bias)
        x = x - step * network.projections.action_out_proj(output[:, -horizon:])
    return x
