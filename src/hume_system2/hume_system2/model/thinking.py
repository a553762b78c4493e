"""What System 2 computes for a thought, as one function of tensors alone that an engine can take whole."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hume_core.flow import CandidateSchedule
from hume_core.nn.gemma import Cache, cache_tail, repeat_cache
from hume_core.nn.rope import Rotary
from hume_system2.model.network import System2Network
from hume_system2.model.prefix import Prefix


class Thinking(nn.Module):
    """Prefix, all Euler steps of N candidates, and their values.

    Args:
        network: gives the velocity.
        value_head: gives the values of candidates (B, N, H, A) after a prefix.
        schedule: flow times and noise scales of the candidates.
        masked: some sequences of the batch have padding behind their instruction.
    """

    def __init__(self, network: System2Network, value_head: Any, schedule: CandidateSchedule, masked: bool) -> None:
        super().__init__()
        self.network, self.value_head = network, value_head
        self.masked = masked
        self.order, self.step = schedule.order, schedule.step
        self.first = [schedule.active_from(step) for step in range(max(schedule.counts, default=0))]
        device = network.token_embedding.weight.device
        table = schedule.time_table().to(device)
        self.features = network.projections.time_features(table, network.compute_dtype)
        self.scales = torch.tensor([schedule.noise_scales[i] for i in schedule.order], device=device)

    def forward(
        self, images: Tensor, tokens: Tensor, counts: Tensor, query_positions: Tensor, state: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Candidates (B, N, H, A) in the schedule's original order, and values (B, N).

        Args:
            images: present cameras (cameras, B, 3, height, width) in [-1, 1].
            tokens: instruction (B, L).
            counts: real tokens of each prefix (B,).
            query_positions: where the value query goes in (B,).
            state: newest normalised state (B, S).
            noise: (N, B, H, A).
        """
        prefix = self.network.embed_prefix(images, tokens, counts, query_positions, self.masked)
        candidates = self._integrate(prefix, self.network.encode(prefix, state), noise)
        return candidates, self.value_head(prefix, candidates)

    def _integrate(self, prefix: Prefix, cache: Cache, noise: Tensor) -> Tensor:
        """Euler integration of all candidates as one batch."""
        # Candidates take different numbers of steps. Sorted by it, those that still run are the end of the batch, which
        # is a view and no copy. All numbers of steps are known before the loop, so it never waits for the device.
        count, batch, horizon = noise.shape[:3]
        x = noise[self.order].flatten(0, 1)
        scales = self.scales.repeat_interleave(batch)[:, None, None]
        features = self.features.repeat_interleave(batch, dim=1)
        rotary = _repeat_rotary(self.network.action_rotary(prefix, horizon), count)
        bias = self.network.suffix_bias(prefix, 1 + horizon)
        bias = None if bias is None else bias.repeat(count, 1, 1, 1)
        cache = repeat_cache(cache, count)
        for step, active in enumerate(self.first):
            first = active * batch
            rows = (rotary[0][first:], rotary[1][first:])
            seen = None if bias is None else bias[first:]
            velocity = self.network.velocity(x[first:], features[step, first:], cache_tail(cache, first), rows, seen)
            # Euler: x -= step * v * noise_temp, see `hume_core.flow.euler_times`.
            moved = x[first:] - self.step * velocity * scales[first:]
            x = torch.cat([x[:first], moved]) if first else moved
        places = sorted(range(count), key=self.order.__getitem__)
        return x.unflatten(0, (count, batch))[places].transpose(0, 1).contiguous()


def _repeat_rotary(rotary: Rotary, times: int) -> Rotary:
    return rotary[0].repeat(times, 1, 1, 1), rotary[1].repeat(times, 1, 1, 1)
