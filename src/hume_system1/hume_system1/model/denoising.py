"""What System 1 computes for a segment, as functions of tensors alone that an engine can take whole."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hume_core.config import HumeConfig
from hume_core.flow import euler_times
from hume_core.normalization import Normalizer
from hume_system1.model.network import System1Network


class Vision(nn.Module):
    """The vision tower. Apart from the rest, since several segments may look at the same images.

    Args:
        network: with the tower.
    """

    def __init__(self, network: System1Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """See ``System1Network.embed_images``."""
        return (self.network.embed_images(images),)


class Denoising(nn.Module):
    """Euler integration of a segment from ``theta1`` to 0, all steps of it.

    Args:
        network: gives the velocity.
        theta1: flow time to start from.
        steps: Euler steps.
    """

    def __init__(self, network: System1Network, theta1: float, steps: int) -> None:
        super().__init__()
        self.network = network
        self.step = theta1 / steps
        times = torch.tensor(euler_times(theta1, self.step), device=network.vision.projector.weight.device)
        self.features = network.projections.time_features(times, network.compute_dtype)

    def forward(self, image_tokens: Tensor, state: Tensor, progress: Tensor, segment: Tensor) -> tuple[Tensor]:
        """Actions (B, h, A) in normalised, padded units.

        Args:
            image_tokens: (B, cameras * (1 + patches), width).
            state: normalised states (B, T, S) in the order the checkpoint was made for.
            progress: (B,).
            segment: where the flow starts (B, h, A).
        """
        # The cascade: System 2 ends its flow early, so its chunk still holds some noise. System 1 takes the flow up at
        # the time theta1 < 1, with the segment itself as x(theta1) and no fresh noise, and goes on to 0 on newer
        # images:
        #
        #     x(t - step) = x(t) - step v1(x(t), t | newest images and state, progress),    t = theta1, ..., step
        #
        # It was trained with a System 2 segment as the noise end of the lines x_t, so v1 leads from there to the
        # demonstrated motion. Few steps are enough, as only a short way is left (Hume paper, on cascaded action
        # denoising).
        network = self.network
        first, cache = network.encode_and_start(image_tokens, state, progress, segment, self.features[:1])
        rotary = network.rotary(cache[0][0].shape[-2], segment.shape[1], segment.device)
        x = segment - self.step * first
        for row in self.features[1:]:
            x = x - self.step * network.velocity(x, row[None], cache, rotary)
        return (x,)


class Refining(nn.Module):
    """From what the robot measures and what System 2 wants to actions in real units, all but the vision tower.

    Args:
        network: gives the velocity.
        normalizer: between real and normalised units.
        config: sizes, and what the rows start from.
    """

    def __init__(self, network: System1Network, normalizer: Normalizer, config: HumeConfig) -> None:
        super().__init__()
        self.normalizer, self.config = normalizer, config
        self.denoising = Denoising(network, config.theta1, config.s1_num_steps)

    def forward(
        self, image_tokens: Tensor, state: Tensor, progress: Tensor, chunk: Tensor, moved: Tensor
    ) -> tuple[Tensor]:
        """Actions in real units (B, h, a).

        Args:
            image_tokens: (B, cameras * (1 + patches), width).
            state: real states (B, T, s), oldest first.
            progress: share of the chunk that has passed (B,).
            chunk: normalised and padded (B, H, A).
            moved: how far each action's joint is from the chunk's anchor (B, a), real units.
        """
        state = in_order(self.config, self.normalizer.state(state))
        segment = segment_at(self.config, chunk, progress)
        if self.config.s1_origin == "anchor":
            return (self.normalizer.unnormalise(self.denoising(image_tokens, state, progress, segment)[0]),)
        shift = self.normalizer.action_difference(moved)[:, None]
        actions = self.denoising(image_tokens, state, progress, segment - shift)[0] + shift
        return (self.normalizer.unnormalise(actions),)


def in_order(config: HumeConfig, state: Tensor) -> Tensor:
    """States (B, T, S), oldest first, in the order the checkpoint was made for."""
    return state.flip(1) if config.state_history_order == "newest_first" else state


def segment_at(config: HumeConfig, chunk: Tensor, progress: Tensor) -> Tensor:
    """Rows of chunks (B, H, A) from their progress (B,) on (B, h, A), the last row repeated past the end."""
    # Row k of a chunk belongs to the time k rows after the observation. The progress s in [0, 1) is the share of
    # its H rows that has passed, so the segment for now starts at row trunc(s H). The product is rounded to float32
    # as in the released code: in float64 some segments would start one row earlier.
    place = progress * config.s2_chunk_size
    rows = rows_from(chunk, place.long(), config.s1_chunk_size)
    if config.s1_origin == "anchor":
        return rows
    following = rows_from(chunk, place.long() + 1, config.s1_chunk_size)
    return torch.lerp(rows, following, (place - place.long())[:, None, None])


def rows_from(chunk: Tensor, start: Tensor, length: int) -> Tensor:
    """Rows start (B,) .. + length of chunks (B, H, A), the last one repeated past the end."""
    rows = (start[:, None] + torch.arange(length, device=chunk.device)).clamp(max=chunk.shape[1] - 1)
    return chunk.gather(1, rows[..., None].expand(-1, -1, chunk.shape[-1]))
