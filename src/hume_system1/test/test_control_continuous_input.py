"""What the control core lets in for continuous joints, and what it makes of a push over pi."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hume_core.errors import ConfigError
from hume_core.limits import MotionLimits, scaled
from hume_system1.control.events import ActivateEvent

ALL = (0, 1, 2)
TURN = 2.0 * math.pi


def test_joints_with_limits_go_the_long_way(make_rig: Any) -> None:
    rig = make_rig(start=[-1.4, 0.0, 0.0], continuous=(2,))
    rig.activate()
    for k in range(1600):
        rows = np.tile([1.1, 6.0, 6.0], (20, 1))
        rows[:, 1] = 1.0
        rig.tick(0.005, *([rig.chunk(), rig.segment(positions=rows)] if k % 4 == 0 else []))
    np.testing.assert_allclose(rig.measured, [1.1, 1.0, 6.0 - TURN], atol=1e-3)
    rig.tick(0.005, rig.chunk(), rig.segment(positions=np.tile([1.1, 6.0, 6.0], (20, 1))))
    assert rig.core.intake.rejected == {"segment: range": 1}


@pytest.mark.parametrize("wraps", [False, True])
@pytest.mark.parametrize("velocities", [False, True])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_push_over_pi_is_a_push(make_arm: Any, wraps: bool, velocities: bool, side: float) -> None:
    arm = make_arm(lag=0.03, start=[side * 3.0] * 3, continuous=ALL, wraps=wraps, velocities=velocities)
    rows = np.full((20, 3), side * 3.0)
    arm.tick()
    arm.tick(ActivateEvent())
    arm.run(0.5, positions=rows)
    assert arm.running()
    arm.push[1] = side * 0.36
    arm.run(0.4, positions=rows)
    assert "hold: pushed away: following the arm" in arm.reasons
    assert side * arm.position[1] > math.pi
    arm.push[1] = 0.0
    arm.run(2.5, positions=rows)
    assert arm.running(), arm.reasons
    np.testing.assert_allclose(arm.position, side * 3.0, atol=0.02)
    assert not any(text.startswith("fault") for text in arm.reasons)
    arm.rig.assert_within_limits()


@pytest.mark.parametrize("wrong", [1e9, -1e300, float("nan"), float("inf")])
def test_numbers_that_are_no_angles_are_refused(make_rig: Any, wrong: float) -> None:
    rig = make_rig(continuous=ALL)
    rig.activate()
    for row in (0, 7):
        rows = np.zeros((20, 3))
        rows[row, 1] = wrong
        rig.tick(0.005, rig.chunk(), rig.segment(positions=rows))
    assert sum(rig.core.intake.rejected.values()) == 2
    rows = np.zeros((20, 3))
    rows[10:] = 2.5
    rig.tick(0.005, rig.chunk(), rig.segment(positions=rows))
    assert rig.core.intake.rejected["segment: step size"] == 1


def test_limits_may_be_tightened_but_joints_stay_what_they_are(limits: MotionLimits, make_rig: Any) -> None:
    rig = make_rig(continuous=(1,))
    own = rig.core.limits
    rig.core.tighten(scaled(own, {"velocity": 0.5}))
    with pytest.raises(ConfigError, match="'joint_1' cannot become or cease to be continuous"):
        rig.core.tighten(limits)


def test_a_jump_of_half_a_turn_that_stays_is_accepted_after_one_state(make_rig: Any) -> None:
    """Twice half a turn, a little more and a little less: both are the same place."""
    rig = make_rig(continuous=ALL)
    for place in (0.0, 0.0, math.pi - 0.01, -math.pi + 0.01):
        rig.measured = [place, 0.0, 0.0]
        rig.tick()
    assert rig.core.intake.rejected == {"joint state: further than an arm can move": 1}
    assert rig.core.intake.joint_states.position[0] % TURN == pytest.approx(math.pi + 0.01)
