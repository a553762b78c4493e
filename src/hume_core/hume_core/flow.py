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
    """

    times: tuple[tuple[float, ...], ...]
    noise_scales: tuple[float, ...]
    step: float

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of Euler steps of each candidate."""
        return tuple(len(times) for times in self.times)

    @property
    def order(self) -> list[int]:
        """Candidate indices sorted by their number of steps, fewest first."""
        return sorted(range(len(self.times)), key=lambda i: len(self.times[i]))

    @property
    def noise_levels(self) -> tuple[float, ...]:
        """Share of the starting noise that is left in each candidate after its last step."""
        # All candidates begin at full noise, x = noise, whatever time they are told. K steps along the straight line
        # x_t = t noise + (1 - t) action then lead to t = 1 - K step, and t is the share of the noise that is left.
        return tuple(max(0.0, 1.0 - count * self.step) for count in self.counts)

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
) -> CandidateSchedule:
    """Schedules of best-of-N sampling: candidate i starts at lo + (i/N)(hi - lo) of both ranges.

    Args:
        num_candidates: N, at least 1.
        num_steps: Euler steps of a whole run from 1 to 0.
        time_temp: lowest and highest start time. The highest is never reached.
        noise_temp: lowest and highest factor on the velocity.
        stop: flow time to end at, ``1 - theta2``.
    """

    # Why the candidates differ: each has noise of its own, so each may end on another way to do the task. A start time
    # below 1 (`time_temp`) means fewer steps, so some noise stays for System 1 to remove on newer images. A factor
    # below 1 on the velocity (`noise_temp`) makes each step shorter. Hume paper, arXiv 2505.21432, on value-guided
    # thinking.
    def spread(bounds: Sequence[float], i: int) -> float:
        return bounds[0] + (i / num_candidates) * (bounds[1] - bounds[0])

    step = 1.0 / num_steps
    times = tuple(tuple(euler_times(spread(time_temp, i), step, stop)) for i in range(num_candidates))
    scales = tuple(spread(noise_temp, i) for i in range(num_candidates))
    return CandidateSchedule(times, scales, step)
