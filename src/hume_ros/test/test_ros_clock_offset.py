"""The measured clock offset against links with delay, jitter and loss of known size."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hume_ros.clock_offset import LowestDelay, clock_offset


@pytest.mark.parametrize("offset", [-2.0, -0.08, 0.0, 0.3, 3600.0])
@pytest.mark.parametrize("seed", range(5))
def test_offset_is_found_through_jitter_and_loss(offset: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    there, back = LowestDelay(), LowestDelay()
    now = 0.0
    for _ in range(200):
        now += 0.1
        for way, sign in ((there, 1.0), (back, -1.0)):
            if rng.random() > 0.1:
                way.add(now, 0.02 + rng.exponential(0.03) + sign * offset)
    assert clock_offset(there.value(now), back.value(now)) == pytest.approx(offset, abs=0.01)


def test_an_uneven_link_errs_by_at_most_half_the_round_trip() -> None:
    there, back = 0.100 + 0.5, 0.010 - 0.5
    assert abs(clock_offset(there, back) - 0.5) <= 0.5 * (there + back)


def test_the_window_forgets() -> None:
    delay = LowestDelay(window=1.0)
    delay.add(0.0, 0.01)
    delay.add(0.5, 0.05)
    assert delay.value(0.9) == 0.01
    assert delay.value(1.2) == 0.05
    assert delay.value(3.0) == math.inf


def test_a_silent_way_gives_no_offset() -> None:
    assert math.isnan(clock_offset(math.inf, 0.01))
    assert math.isnan(clock_offset(0.01, math.inf))
