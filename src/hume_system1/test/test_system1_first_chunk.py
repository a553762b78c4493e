"""When a chunk begins: when it is there, where none was before it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hume_core.chunk import Chunk
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_system1.chunk_switch import ChunkSwitch
from hume_system1.segment_planner import SegmentPlanner

PROFILE = RobotProfile.load("wx250s_sim")
DT, ROWS = 0.1, 10
JOINTS = np.zeros(6)


def planner() -> SegmentPlanner:
    refiner: Any = SimpleNamespace(chunk_size=ROWS, segment_size=4, origin="anchor", sees_images=False)
    return SegmentPlanner(refiner, PROFILE, ChunkSwitch.AT_ONCE)


def chunk(seq: int, stamp: float, epoch: int = 1) -> Chunk:
    rows = np.zeros((ROWS, 7), np.float32)
    return Chunk(stamp, epoch, seq, DT, rows, JOINTS, PROFILE.joint_names, PROFILE.action_layout().action_space)


def row_at(made: SegmentPlanner, now: float, joints: NDArray[np.float64] = JOINTS) -> int:
    """Where the segment for `now` starts."""
    current = made.chunk_at(now)
    assert current is not None
    observation = Observation({}, np.zeros((1, 1, 7), np.float32), ["lift"])
    return made.request(current, observation, now - 0.05, joints, now).row


@pytest.mark.parametrize("late", [0.0, 0.1, 0.27, 0.9])
def test_where_none_is_in_use_a_chunk_begins_when_it_is_there(late: float) -> None:
    made, there = planner(), 100.0 + late
    made.offer(chunk(1, stamp=100.0), there)
    assert [row_at(made, there + passed) for passed in (0.0, 0.15, 0.95)] == [0, 1, 9]
    assert made.chunk_at(there + 1.0) is None


@pytest.mark.parametrize(("now", "epoch"), [(100.6, 2), (101.4, 1)], ids=["epoch", "gap"])
def test_after_a_new_epoch_and_after_a_gap_it_does_so_again(now: float, epoch: int) -> None:
    made = planner()
    made.offer(chunk(1, stamp=100.0), 100.2)
    assert row_at(made, 100.2) == 0
    made.offer(chunk(2, now - 0.3, epoch), now)
    assert row_at(made, now) == 0


def test_a_chunk_after_another_goes_on_from_its_observation() -> None:
    made = planner()
    made.offer(chunk(1, stamp=100.0), 100.2)
    assert row_at(made, 100.2) == 0
    made.offer(chunk(2, stamp=100.3), 100.55)
    assert row_at(made, 100.55) == 2


def test_where_the_arm_has_moved_meanwhile_its_rows_have_passed() -> None:
    made = planner()
    made.offer(chunk(1, stamp=100.0), 100.35)
    moved = JOINTS.copy()
    moved[2] = -0.05
    assert row_at(made, 100.35, moved) == 3
    assert row_at(made, 100.45, JOINTS) == 4, "it has begun"


def test_an_epoch_that_ends_meanwhile_leaves_nothing_in_use() -> None:
    made = planner()
    made.offer(chunk(1, stamp=100.0), 100.2)
    current = made.chunk_at(100.2)
    assert current is not None
    made.begin_epoch(2)
    made.request(current, Observation({}, np.zeros((1, 1, 7), np.float32), ["lift"]), 100.15, JOINTS, 100.2)
    assert made.chunk_at(100.25) is None
