"""Flow matching: time embedding and Euler schedules whose lengths are known before the loop.

Flow time runs from 1 (noise) to 0 (clean action).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hume_core.config_fields import NOISE_LEVELS, START_TIMES

MIN_PERIOD = 4e-3
MAX_PERIOD = 4.0


def time_embedding(time: Tensor, width: int) -> Tensor:
    """Sine and cosine features of flow times or stamps.

    Args:
        time: any shape, values in [0, 1].
        width: number of features, even.

    Returns:
        float64 (*time.shape, width): sines of width/2 geometric periods, then their cosines.
    """
    # A single number says little to a network. Sines of periods from MIN_PERIOD to MAX_PERIOD tell times apart that are
    # very near (short periods) and order those that are far (long ones). Periods are geometric, p_i = p_0 (p_n / p_0)^
    # (i / n), as positions have it in Vaswani et al., Attention is all you need, 2017, section 3.5.
    fraction = torch.linspace(0.0, 1.0, width // 2, dtype=torch.float64, device=time.device)
    period = MIN_PERIOD * (MAX_PERIOD / MIN_PERIOD) ** fraction
    angle = time.to(torch.float64)[..., None] * (2.0 * math.pi / period)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def euler_times(start: float, step: float, stop: float = 0.0) -> list[float]:
    """Flow times at which the velocity is evaluated, accumulated in float32 as the released code does.

    Args:
        start: first flow time.
        step: length of one Euler step, above 0.
        stop: flow time to end at. Integration goes on while time >= step/2 + stop.

    Returns:
        The times, descending. Empty where start is below the threshold.
    """
    # Flow matching learns the velocity v(x, t) = dx/dt along the straight lines x_t = t noise + (1 - t) action, whose
    # expectation is E[noise - action | x_t]. Sampling integrates it backwards in time by Euler's rule (Lipman et al.,
    # Flow matching for generative modeling, 2023; Liu et al., Flow straight and fast, 2023):
    #
    #     x(t - step) = x(t) - step v(x(t), t)
    #
    # The velocity is evaluated at `start`, `start` - step, ... . Where rounding leaves a little more or less than the
    # time to end at, the half step in the threshold decides: a step is taken if at least half of it is wanted.
    delta = np.float32(-step)
    threshold = np.float32(-delta / np.float32(2.0)) + np.float32(stop)
    time = np.float32(start)
    times = []
    while time >= threshold:
        times.append(float(time))
        time = np.float32(time + delta)
    return times


@dataclass(frozen=True)
class CandidateSchedule:
    """Euler schedules of N candidates that are integrated as one batch.

    Candidates are ordered by their number of steps, so those still active at a step are the tail of the batch.

    Attributes:
        times: flow times per candidate (in the caller's order).
        noise_scales: factor on the velocity per candidate (in the caller's order).
        step: length of one Euler step.
        noise_levels: share of the starting noise that is left in each candidate after its last step.
    """

    times: tuple[tuple[float, ...], ...]
    noise_scales: tuple[float, ...]
    step: float
    noise_levels: tuple[float, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of Euler steps of each candidate."""
        return tuple(len(times) for times in self.times)

    @property
    def order(self) -> list[int]:
        """Candidate indices sorted by their number of steps, fewest first."""
        return sorted(range(len(self.times)), key=lambda i: len(self.times[i]))

    def active_from(self, step: int) -> int:
        """Position in ``order`` of the first candidate that still takes this step."""
        return sum(count <= step for count in self.counts)

    def time_table(self) -> Tensor:
        """Flow times (steps, N), float32, in ``order``. 0 where a candidate has already ended."""
        table = torch.zeros(max(self.counts, default=0), len(self.times))
        for column, i in enumerate(self.order):
            table[: len(self.times[i]), column] = torch.tensor(self.times[i])
        return table


def candidate_schedule(
    num_candidates: int,
    num_steps: int,
    time_temp: Sequence[float],
    noise_temp: Sequence[float],
    stop: float = 0.0,
    spread_over: str = START_TIMES,
) -> CandidateSchedule:
    """Schedules of best-of-N sampling: candidate i has lo + (i/N)(hi - lo) of both ranges.

    Args:
        num_candidates: N, at least 1.
        num_steps: Euler steps of a whole run from 1 to 0.
        time_temp: lowest and highest start time. The highest is never reached.
        noise_temp: lowest and highest factor on the velocity.
        stop: flow time to end at, ``1 - theta2``.
        spread_over: one of `hume_core.config_fields.NOISE_SCHEDULES`, what `time_temp` is spread over.
    """
    # Why the candidates differ: each has noise of its own, so each may end on another way to do the task. A start time
    # below 1 (`time_temp`) means fewer steps, so some noise stays for System 1 to remove on newer images. A factor
    # below 1 on the velocity (`noise_temp`) makes each step shorter. Hume paper, arXiv 2505.21432, on value-guided
    # thinking.
    step = 1.0 / num_steps
    scales = tuple(_spread(noise_temp, i / num_candidates) for i in range(num_candidates))
    if spread_over == NOISE_LEVELS:
        return _by_noise_level(num_candidates, step, time_temp, scales, stop)
    times = tuple(tuple(euler_times(_spread(time_temp, i / num_candidates), step, stop)) for i in range(num_candidates))
    # All candidates begin at full noise, x = noise, whatever time they are told. K steps along the straight line
    # x_t = t noise + (1 - t) action then lead to t = 1 - K step, and t is the share of the noise that is left.
    return CandidateSchedule(times, scales, step, tuple(max(0.0, 1.0 - len(mine) * step) for mine in times))


def _by_noise_level(
    count: int, step: float, time_temp: Sequence[float], scales: tuple[float, ...], stop: float
) -> CandidateSchedule:
    """Candidate i ends at a noise level of its own, the last one at the lowest.

    Whole steps know few levels: start times from 0.9 up to 1 with 10 steps leave 0.1 or 0. So every candidate is told
    its true flow time, which begins at 1, and its steps are shorter, as many as a whole run has.
    """
    shares = [1.0 if count == 1 else i / (count - 1) for i in range(count)]
    levels = tuple(max(stop, 1.0 - _spread(time_temp, share)) for share in shares)
    # A shorter step is the same as a slower velocity: x -= step (1 - level) v.
    lengths = [1.0 - level for level in levels]
    whole = euler_times(1.0, step)
    times = tuple(tuple(1.0 - length * (1.0 - time) for time in whole) for length in lengths)
    factors = tuple(scale * length for scale, length in zip(scales, lengths, strict=True))
    return CandidateSchedule(times, factors, step, levels)


def _spread(bounds: Sequence[float], share: float) -> float:
    return bounds[0] + share * (bounds[1] - bounds[0])
