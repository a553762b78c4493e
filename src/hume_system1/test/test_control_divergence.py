"""Who moved: every growth of |command - measured| is split between the command and the arm."""

from __future__ import annotations

import numpy as np
import pytest

from hume_system1.control.divergence import JointDivergence

BOUND = 0.3


def split(command: float, arm: float, both: float = 0.0) -> tuple[float, float, bool]:
    """Counts after command and arm moved so far (rad), and `both` together on top. And whether it was a push."""
    joint = JointDivergence(BOUND)
    p = m = 0.0
    for part in np.linspace(0.0, 1.0, 41):
        p, m = part * (command + both), part * (arm + both)
        joint.update(p, m, p - m)
    return joint.by_arm, joint.by_command, joint.pushed(p, m, p - m)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("both", [0.0, 5.0])
def test_what_both_do_together_parts_nothing(sign: float, both: float) -> None:
    by_arm, by_command, pushed = split(0.0, sign * 0.3, sign * both)
    assert by_arm > by_command
    assert pushed
    assert by_arm + by_command == pytest.approx(0.3, abs=0.1)


def test_a_command_that_leaves_a_standing_arm_is_no_push() -> None:
    by_arm, by_command, pushed = split(0.3, 0.0)
    assert by_arm == 0.0
    assert by_command > 0.2
    assert not pushed


def test_an_arm_pushed_against_the_motion_shares_the_growth() -> None:
    by_arm, by_command, pushed = split(0.1, -0.2)
    assert by_arm == pytest.approx(2.0 * by_command, rel=0.1)
    assert pushed


def test_both_counts_shrink_as_they_come_closer_and_end_when_close() -> None:
    joint = JointDivergence(BOUND)
    for p in (0.0, 0.1, 0.2, 0.3):
        joint.update(p, 0.0, p)
    before = joint.by_command
    joint.update(0.3, 0.15, 0.15)
    assert joint.by_command == pytest.approx(0.5 * before)
    joint.update(0.3, 0.27, 0.03)
    assert joint.by_arm == joint.by_command == 0.0
