"""Flow-matching losses of both systems. Flow time 1 is the noise end, 0 the demonstration."""

from __future__ import annotations

from torch import Tensor

from hume_core.observation import Observation
from hume_system1.model import System1
from hume_system1.model.denoising import rows_from
from hume_system2.model import System2


def flow_time(first: Tensor, second: Tensor) -> Tensor:
    """Flow times in (0.001, 1) from two uniform draws, more of them near 1. As released."""
    # B = X / (X + Y) with X = U1^(1/a), Y = U2^(1/b), a = 1.5 and b = 1 is Beta(a, b) given X + Y <= 1 (Johnk 1964),
    # with mean 0.6. The released code leaves the condition out, and its mean is 0.56. Both put more of the training on
    # noisy x, where the velocity decides which way the chunk goes.
    one, other = first ** (1.0 / 1.5), second
    return 0.999 * one / (one + other) + 0.001


def masked_mean(losses: Tensor, is_pad: Tensor) -> Tensor:
    """Mean of losses (B, H, A) with the steps beyond the episode's end (B, H) counted as 0, as released."""
    return (losses * ~is_pad[..., None]).mean()


def _between(noise: Tensor, actions: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    # x_t = t noise + (1 - t) action is a straight line with dx/dt = noise - action, whatever t. Regression on that
    # gives the mean velocity E[noise - action | x_t], the field whose flow carries noise to the actions' distribution
    # (conditional flow matching: Lipman et al. 2023, theorem 2).
    share = time[:, None, None]
    return share * noise + (1.0 - share) * actions, noise - actions


def system2_flow_losses(
    system2: System2, observation: Observation, actions: Tensor, noise: Tensor, time: Tensor
) -> Tensor:
    """Squared velocity errors of System 2, float32 (B, H, A).

    Args:
        system2: the model.
        observation: B observations. Absent cameras are left out.
        actions: demonstrated, normalised and padded (B, H, A).
        noise: standard normal (B, H, A).
        time: flow times (B,).
    """
    network = system2.network
    x, target = _between(noise, actions, time)
    prefix = system2.embed_prefix(observation)
    cache = network.encode(prefix, system2.prepare_state(observation)[:, -1])
    features = network.projections.time_features(time, network.compute_dtype)
    horizon = actions.shape[1]
    rotary, bias = network.action_rotary(prefix, horizon), network.suffix_bias(prefix, 1 + horizon)
    return (target - network.velocity(x, features, cache, rotary, bias)).square()


def system1_flow_losses(
    system1: System1,
    images: Tensor,
    state: Tensor,
    progress: Tensor,
    actions: Tensor,
    noise: Tensor,
    time: Tensor,
) -> Tensor:
    """Squared velocity errors of System 1, float32 (B, h, A).

    Args:
        system1: the model.
        images: present cameras (cameras, B, 3, height, width) in [-1, 1].
        state: normalised, padded history (B, T, S) in the order the model is trained with.
        progress: share of the chunk that has passed (B,).
        actions: demonstrated segment, normalised and padded (B, h, A).
        noise: segment of System 2's chunk, the noise end of the flow (B, h, A).
        time: flow times (B,), already scaled by ``theta1``.
    """
    return system1_flow(system1, images, state, progress, actions, noise, time)[0]


def system1_flow(
    system1: System1, images: Tensor, state: Tensor, progress: Tensor, actions: Tensor, noise: Tensor, time: Tensor
) -> tuple[Tensor, Tensor]:
    """The losses of `system1_flow_losses`, and the features they were read off (B, h, width)."""
    network = system1.network
    x, target = _between(noise, actions, time)
    image_tokens = network.embed_images(images)
    cache = network.encode(image_tokens, state, progress)
    features = network.projections.time_features(time, network.compute_dtype)
    rotary = network.rotary(cache[0][0].shape[2], actions.shape[1], actions.device)
    found = network.action_features(x, features, cache, rotary)
    return (target - network.projections.action_out_proj(found)).square(), found


def segment_rows(chunk: Tensor, progress: Tensor, length: int, hold_end: bool = False) -> Tensor:
    """Rows trunc(progress * H) .. + length of chunks (B, H, A).

    Rows past the chunk's end: the segment starts earlier, as released. With `hold_end` the last row is repeated, as in
    `System1.segment`.
    """
    horizon = chunk.shape[1]
    start = (progress * horizon).long().clamp(0, horizon - 1 if hold_end else horizon - length)
    return rows_from(chunk, start, length)


def noise_segment(
    chunk: Tensor,
    progress: Tensor,
    length: int,
    *,
    shift: float = 0.0,
    spread: float = 0.0,
    uniform: Tensor | None = None,
    normal: Tensor | None = None,
    hold_end: bool = False,
) -> Tensor:
    """Segment of System 2's chunk where System 1's flow starts (B, h, A), optionally jittered.

    Args:
        chunk: System 2's chunk (B, H, A).
        progress: share of the chunk that has passed (B,).
        length: h.
        shift: ``noise_slides_alp``, the largest shift as a share of the chunk, either way.
        spread: ``noise_slides_eps``, standard deviation of the added noise.
        uniform: draws in [0, 1) (B,), needed where shift is not 0.
        normal: standard normal draws (B, h, A), needed where spread is not 0.
        hold_end: see `segment_rows`.
    """
    if shift and uniform is not None:
        progress = progress + shift * (2.0 * uniform - 1.0)
    segment = segment_rows(chunk, progress, length, hold_end)
    return segment + spread * normal if spread and normal is not None else segment
