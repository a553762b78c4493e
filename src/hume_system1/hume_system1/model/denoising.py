"""What System 1 computes for a segment, as functions of tensors alone that an engine can take whole."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hume_core.flow import euler_times
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
        rotary = network.rotary(cache[0][0].shape[2], segment.shape[1], segment.device)
        x = segment - self.step * first
        for row in self.features[1:]:
            x = x - self.step * network.velocity(x, row[None], cache, rotary)
        return (x,)
