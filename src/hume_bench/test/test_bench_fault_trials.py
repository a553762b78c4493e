"""What is judged of a recorded stream: its unbroken parts, and the velocity over a gap."""

from __future__ import annotations

import numpy as np
import pytest

from hume_bench.fault_trials import published_ratios
from hume_core.robot import RobotProfile
from hume_system1.black_box import CommandLog
from hume_system1.control.states import Mode

LIMITS = RobotProfile.load("wx250s_sim").motion_limits()
PERIOD = 0.005  # s


def recording(times: np.ndarray, positions: np.ndarray, published: np.ndarray | None = None) -> CommandLog:
    """One joint moves, the others rest."""
    joints = np.tile(LIMITS.upper * 0.0, (len(times), 1))
    joints[:, 0] = positions
    sent = np.ones(len(times), dtype=bool) if published is None else published
    return CommandLog(times, [Mode.RUNNING] * len(times), joints, np.zeros_like(joints), sent)


def steady(count: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Constant velocity, as a share of its limit."""
    times = PERIOD * np.arange(count)
    return times, share * LIMITS.velocity[0] * times


@pytest.mark.parametrize("share", [0.3, 0.9, 1.2])
def test_an_unbroken_stream_is_judged_whole(share: float) -> None:
    ratios = published_ratios(recording(*steady(40, share)), LIMITS)
    assert ratios.velocity == pytest.approx(share)
    assert ratios.jerk == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("missed", [3, 20])
def test_a_gap_in_which_nothing_moved_is_no_violation(missed: int) -> None:
    times, positions = steady(40, 0.5)
    times[20:] += missed * PERIOD
    ratios = published_ratios(recording(times, positions), LIMITS)
    assert ratios.velocity == pytest.approx(0.5)
    assert ratios.worst < 1.0


def test_a_jump_over_a_gap_is_one() -> None:
    times, positions = steady(40, 0.5)
    times[20:] += 3 * PERIOD
    positions[20:] += 2.0 * LIMITS.velocity[0] * 4 * PERIOD
    assert published_ratios(recording(times, positions), LIMITS).velocity > 1.5


def test_a_jump_between_ticks_is_one() -> None:
    times, positions = steady(40, 0.1)
    positions[20:] += 0.01
    assert published_ratios(recording(times, positions), LIMITS).jerk > 1.0


def test_what_was_not_published_is_not_judged() -> None:
    times, positions = steady(40, 0.1)
    positions[15:25] += 0.01
    published = np.ones(40, dtype=bool)
    published[15:25] = False
    assert published_ratios(recording(times, positions, published), LIMITS).worst < 1.0
