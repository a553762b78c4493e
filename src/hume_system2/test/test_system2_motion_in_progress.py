"""What the robot is carrying out counts where System 2 chooses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from hume_core.action_spaces import ActionLayout
from hume_core.chunk import Chunk
from hume_core.robot import RobotProfile
from hume_system2.motion_in_progress import MotionInProgress, disagreement, motion_in_progress
from hume_system2.thinking_cycle import Assignment, ThinkingCycle

DT = 0.05
ANCHOR = np.array([0.1, -0.2, 0.3, 0.0, 0.0, 0.5])


def layout(space: str = "joint_delta") -> ActionLayout:
    return RobotProfile.load("wx250s_sim").with_action(space).action_layout()


def chunk(rows: Any, stamp: float = 10.0) -> Chunk:
    rows = np.asarray(rows, dtype=np.float32)
    return Chunk(stamp, 1, 1, DT, rows, ANCHOR, tuple("abcdef"), "joint_delta")


def ramp(count: int = 16) -> np.ndarray[Any, Any]:
    return np.arange(count, dtype=np.float32)[:, None] * np.ones(8, dtype=np.float32)


def in_progress(stamp: float, joints: Any = ANCHOR, space: str = "joint_delta") -> MotionInProgress | None:
    return motion_in_progress(layout(space), np.zeros(6, bool), chunk(ramp()), stamp, np.asarray(joints))


def test_rows_are_those_of_the_new_observation_s_times() -> None:
    found = in_progress(10.0 + 3.25 * DT)
    assert found is not None
    np.testing.assert_allclose(found.rows[:, 0], np.arange(12) + 3.25, atol=1e-5)


def test_the_last_row_alone_is_left_at_its_time_and_nothing_afterwards() -> None:
    found = in_progress(10.0 + 15 * DT - 1e-9)
    assert found is not None
    assert len(found.rows) == 1
    assert in_progress(10.0 + 15.5 * DT) is None
    assert in_progress(9.9) is None  # time went back


def test_offsets_are_counted_from_where_the_joints_are_now() -> None:
    joints = ANCHOR + np.array([0.5, 0.0, -0.25, 0.0, 0.0, 0.0])
    found = in_progress(10.0, joints)
    assert found is not None
    np.testing.assert_allclose(found.moved, [0.5, 0.0, -0.25, 0.0, 0.0, 0.0, 0.0], atol=1e-12)


def test_absolute_rows_need_no_shift() -> None:
    found = in_progress(10.0, ANCHOR + 1.0, "joint_position")
    assert found is not None
    assert not found.moved.any()


def test_a_continuous_joint_moves_the_short_way() -> None:
    turning = np.array([True, False, False, False, False, False])
    found = motion_in_progress(
        layout(), turning, chunk(ramp()), 10.0, ANCHOR + np.array([2 * np.pi - 0.1, 0, 0, 0, 0, 0])
    )
    assert found is not None
    assert found.moved[0] == pytest.approx(-0.1)


class Normalizer:
    """Standard deviations of 2."""

    def action_difference(self, difference: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.pad(difference / 2.0, (0, 8 - difference.shape[-1]))


def test_disagreement_is_the_root_mean_square_over_what_both_cover() -> None:
    rows = np.zeros((4, 8), np.float32)
    candidates = torch.zeros(2, 3, 16, 8)
    candidates[0, 1, :, :7] = 3.0
    candidates[0, 2, 4:] = 9.0  # beyond what is being carried out
    candidates[:, :, :, 7] = 100.0  # padding
    moved = np.zeros(7)
    found = disagreement(candidates, [MotionInProgress(rows, moved), None], Normalizer(), 7)  # type: ignore[arg-type]
    torch.testing.assert_close(found, torch.tensor([[0.0, 3.0, 0.0], [0.0, 0.0, 0.0]]))


def test_a_candidate_that_goes_on_from_the_moved_arm_agrees() -> None:
    # The arm has moved by 1 of the 4 that each row asks for: 3 are left, 1.5 standard deviations.
    candidates = torch.full((1, 1, 6, 8), 1.5)
    rows = np.full((6, 8), 2.0, np.float32)
    found = disagreement(candidates, [MotionInProgress(rows, np.full(7, 1.0))], Normalizer(), 7)  # type: ignore[arg-type]
    torch.testing.assert_close(found, torch.zeros(1, 1))


class Observer:
    """Observations one after the other."""

    def __init__(self) -> None:
        self.beginnings = 0
        self.stamp = 10.0

    def take(self, now: float) -> Any:
        return SimpleNamespace(stamp=self.stamp, beginnings=self.beginnings, joint_positions=ANCHOR)


def result() -> Any:
    return SimpleNamespace(chunk=ramp(), value=0.0, noise_level=0.0, duration=0.1)


def test_a_cycle_knows_what_it_has_published_for_the_same_assignment_only() -> None:
    observer = Observer()
    cycle = ThinkingCycle(observer, RobotProfile.load("wx250s_sim"), 0.0)  # type: ignore[arg-type]
    cycle.assignment = Assignment("lift", 1)
    first = cycle.begin(0.0, 10.0)
    assert first is not None
    assert first.in_progress is None
    cycle.finish(first, result(), 10.05)
    observer.stamp = 10.1
    second = cycle.begin(0.3, 10.3)
    assert second is not None
    assert second.in_progress is not None
    # It began when it was there, one row after its observation.
    np.testing.assert_allclose(second.in_progress.rows[0], 1.0, atol=1e-5)
    cycle.assignment = Assignment("lift", 2)
    third = cycle.begin(0.6, 10.6)
    assert third is not None
    assert third.in_progress is None
