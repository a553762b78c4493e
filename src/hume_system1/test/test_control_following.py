"""The command stays near what is asked for, however impossible it is to follow."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hume_core.limits import MotionLimits
from hume_system1.control.limiter import Limiter

DT = 0.005
LIMITS = MotionLimits(
    names=("a", "b"),
    lower=np.full(2, -3.0),
    upper=np.full(2, 3.0),
    velocity=np.full(2, 3.0),
    acceleration=np.full(2, 12.0),
    jerk=np.full(2, 240.0),
    tracking=np.full(2, 0.5),
)


def follow(reference: np.ndarray) -> np.ndarray:
    """(k, n) commands of a reference (k, 4, n)."""
    limiter, commands = Limiter(LIMITS, 60.0), []
    limiter.start([0.0, 0.0])
    for point in reference:
        limiter.follow(DT, point.tolist(), [joint.p for joint in limiter.joints])
        commands.append([joint.p for joint in limiter.joints])
    return np.array(commands)


def oscillation(amplitude: float, frequency: float, seconds: float = 6.0) -> np.ndarray:
    """(k, 4, 2): a sine with its derivatives."""
    w, t = 2.0 * math.pi * frequency, np.arange(0.0, seconds, DT)
    rows = [
        amplitude * np.sin(w * t),
        amplitude * w * np.cos(w * t),
        -amplitude * w**2 * np.sin(w * t),
        -amplitude * w**3 * np.cos(w * t),
    ]
    return np.repeat(np.stack(rows, axis=1)[:, :, None], 2, axis=2)


def test_a_feasible_motion_is_followed_closely() -> None:
    reference = oscillation(0.3, 0.5)
    assert np.abs(follow(reference) - reference[:, 0])[200:].max() < 1e-3


@pytest.mark.parametrize("frequency", [2.0, 4.0, 8.0])
@pytest.mark.parametrize("amplitude", [0.1, 0.3, 1.0])
def test_an_impossible_oscillation_does_not_drag_the_command_away(amplitude: float, frequency: float) -> None:
    assert np.abs(follow(oscillation(amplitude, frequency))).max() < 1.6 * amplitude


def test_noise_does_not_drag_the_command_away() -> None:
    random = np.random.default_rng(0)
    reference = np.zeros((2000, 4, 2))
    reference[:, 0] = random.normal(0.0, 0.05, (2000, 2))
    reference[:, 1] = random.normal(0.0, 3.0, (2000, 2))
    reference[:, 2] = random.normal(0.0, 150.0, (2000, 2))
    assert np.abs(follow(reference)).max() < 0.3
