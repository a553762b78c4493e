"""Chunk messages in, segment messages out, and the pace of the denoiser."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import pytest
from hume_msgs.msg import ActionChunk
from numpy.typing import NDArray

from hume_core.errors import ChunkError
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_ros.conversions import set_stamp, stamp_seconds
from hume_ros.observation_buffer import SensorFrame
from hume_system1.denoising_cycle import DenoisingCycle
from hume_system1.inputs import chunk_of
from hume_system1.messages import segment_message
from hume_system1.segment_planner import SegmentPlanner

PROFILE = RobotProfile.load("wx250s_sim")
SPACE = PROFILE.action_space.name
HORIZON, DIM = 16, 8
DATA = 0.5 * np.arange(HORIZON * DIM, dtype=np.float32)


class Rows:
    """Stands for System 1: the chunk's own rows."""

    chunk_size, segment_size = HORIZON, 8
    origin = "anchor"

    def segment(
        self, observation: Observation, rows: NDArray[np.float32], stamp: float, moved: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return self.unnormalise(rows)[: self.segment_size]

    def unnormalise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        return rows[:, :7].astype(np.float64)


class Observer:
    """Gives one frame and remembers how it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, bool]] = []

    def take(self, now: float, *, newest_state: bool = False) -> SensorFrame:
        self.asked.append((now, newest_state))
        return SensorFrame(99.9, {}, np.zeros(6), np.zeros((1, 7), np.float32))


def make_cycle() -> tuple[DenoisingCycle, Observer]:
    observer: Any = Observer()
    return DenoisingCycle(SegmentPlanner(Rows(), PROFILE), observer, PROFILE, first_seq=40), observer


def chunk(**changes: Any) -> ActionChunk:
    message = ActionChunk(
        epoch=1, seq=3, action_space=SPACE, names=list(PROFILE.joint_names), dt=0.05, horizon=HORIZON,
        dim=DIM, data=array("f", DATA), anchor=array("d", [0.0] * 6),
    )  # fmt: skip
    set_stamp(message.header.stamp, 100.0)
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def test_a_chunk_becomes_a_numbered_segment() -> None:
    cycle, observer = make_cycle()
    assert cycle.begin(100.0) is None
    cycle.offer(chunk_of(chunk()), 100.005)
    task = cycle.begin(100.01)
    assert task is not None
    assert observer.asked == [(100.01, True)]
    message = segment_message(cycle.finish(task, cycle.refine(task), 0.004))
    assert (message.seq, message.chunk_seq, message.epoch, message.horizon) == (41, 3, 1, 8)
    assert list(message.names) == list(PROFILE.joint_names)
    np.testing.assert_array_equal(np.asarray(message.positions).reshape(8, 6)[1], DATA[8:14])
    np.testing.assert_array_equal(np.asarray(message.gripper)[:2], DATA[[6, 14]])
    # Nothing was in use, so the chunk begins when it is taken up.
    assert stamp_seconds(message.header.stamp) == pytest.approx(100.01)
    assert stamp_seconds(message.observation_stamp) == pytest.approx(99.9)
    assert message.denoise_duration == pytest.approx(0.004)


def test_a_new_epoch_leaves_nothing_to_do() -> None:
    cycle, _ = make_cycle()
    cycle.offer(chunk_of(chunk()), 100.005)
    cycle.begin_epoch(2)
    assert cycle.begin(100.01) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"action_space": "ee_delta"}, f"it is 'ee_delta', the robot takes: {SPACE}"),
        ({"names": ["a"] * 6}, "it is for joints a, a, a, a, a, a, the robot's are waist, shoulder"),
        ({"anchor": array("d", [0.0])}, "one finite number per joint: 6, found 1"),
        ({"dt": 0.0}, "dt is 0 s, valid: 0.001 to 1 s"),
        ({"dim": 9}, r"rows are \(128,\), valid: \(16, any\)"),
    ],
)
def test_a_chunk_for_another_robot_is_refused(changes: dict[str, Any], expected: str) -> None:
    cycle, _ = make_cycle()
    with pytest.raises(ChunkError, match=expected):
        cycle.offer(chunk_of(chunk(**changes)), 100.005)


def test_rounds_keep_the_rate_and_rest_when_there_is_nothing_to_do() -> None:
    cycle, _ = make_cycle()
    period = 1.0 / PROFILE.rates.system1
    assert cycle.next_start(10.0, 10.001, worked=True) == pytest.approx(10.0 + period)
    assert cycle.next_start(10.0, 10.5, worked=True) == 10.5
    assert cycle.next_start(10.0, 10.5, worked=False) == pytest.approx(10.505)


@pytest.mark.parametrize("back", [0.2, 50.0])
def test_chunks_of_the_time_before_the_clock_went_back_are_forgotten(back: float) -> None:
    told: list[str] = []
    observer: Any = Observer()
    cycle = DenoisingCycle(SegmentPlanner(Rows(), PROFILE), observer, PROFILE, 40, told.append)
    cycle.offer(chunk_of(chunk()), 100.0)
    assert cycle.begin(100.0) is not None
    assert cycle.begin(99.95) is not None
    assert told == []
    assert cycle.begin(100.0 - back) is None
    assert told == ["the ROS clock went back. Chunks of the time before are forgotten"]
