"""The straightforward schedule, as released: what the shipped models are measured and checked against.

System 2 encodes images and instruction again for every candidate and once more for the value head; System 1
runs its whole sequence at every Euler step. Padded slots are computed like all others.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hume_core import Observation
from hume_core.flow import candidate_schedule, euler_times
from hume_core.nn.attention import MASKED, causal_bias
from hume_core.nn.rope import Rotary, rotary_table
from hume_system1.model import System1
from hume_system2.model import System2
from hume_tools.parity.padded import padded_system2, padded_value_prefix


@torch.inference_mode()
def straightforward_think(system2: System2, observation: Observation, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Candidates (B, N, H, A) and values (B, N) with the default start times, one candidate at a time."""
    network, head, config = system2.network, system2.value_head, system2.config
    state = network.projections.state_proj(system2.prepare_state(observation)[:, -1:])
    schedule = candidate_schedule(len(noise), config.num_steps, (0.9, 1.0), (1.0, 1.0), 1.0 - config.theta2)
    candidates = []
    for x, times in zip(noise, schedule.times, strict=True):
        prefix = padded_system2(system2, observation)
        cache = network.language.prefill(prefix.embeddings, network.rotary(prefix.positions), prefix.bias)
        length = x.shape[1] + 1
        own = causal_bias(length, 0)
        own[..., 1:, :] = 0.0
        seen = torch.where(prefix.valid, 0.0, MASKED)[:, None, None].expand(-1, -1, length, -1)
        bias = torch.cat([seen, own.expand(len(seen), -1, -1, -1)], dim=-1)
        rotary = network.rotary(prefix.valid.sum(1, keepdim=True) + torch.arange(length))
        for time in times:
            features = network.projections.time_features(torch.tensor([time]), torch.float32)
            tokens = torch.cat([state, network.projections.action_tokens(x, features)], dim=1)
            output = network.expert(tokens, rotary, bias, cache)[:, 1:]
            x = x - schedule.step * network.projections.action_out_proj(output)
        candidates.append(x)
    prefix, index = padded_value_prefix(padded_system2(system2, observation), head.query)
    output = head.stack(prefix.embeddings, _value_rotary(system2, prefix.positions), prefix.bias)
    feature = output[torch.arange(len(index)), index]
    chunks = torch.stack(candidates, dim=1)
    return chunks, head.calql.target_critics(feature, head.critic_actions(chunks)).amin(dim=0)


def _value_rotary(system2: System2, positions: Tensor) -> Rotary:
    stack = system2.value_head.stack.config
    return rotary_table(positions, stack.head_dim, stack.rope_theta)


@torch.inference_mode()
def straightforward_refine(system1: System1, observation: Observation, chunk: Tensor, stamp: float) -> Tensor:
    """Segment in normalised units (B, h, A); the whole sequence at every Euler step."""
    network, config = system1.network, system1.config
    x, stamps = system1.segment(chunk, stamp, observation.batch_size)
    images = network.embed_images(system1.prepare_images(observation))
    context = network.context_tokens(system1.state_history(observation), stamps)
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
        output = network.stack(tokens, rotary, bias)[:, -horizon:]
        x = x - step * network.projections.action_out_proj(output)
    return x
