"""Where in a chunk System 1 may start, and in which units it is told how far the joints moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from hume_core.chunk import Chunk, Segment
from hume_core.errors import RobotProfileError
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_system1.segment_planner import SegmentPlanner
from hume_system1.segment_starts import allowed_starts

OBSERVATION = Observation(images={}, state=np.zeros((1, 1, 3), np.float32), task=["lift"])
JOINTS = np.ones(2)
DT, HORIZON, SEGMENT = 0.1, 10, 4


class Rows:
    """Stands for System 1: gives back the chunk's own rows and remembers where it was asked to start."""

    chunk_size, segment_size, origin = HORIZON, SEGMENT, "anchor"

    def __init__(self) -> None:
        self.stamps: list[float] = []

    def segment(
        self, observation: Observation, rows: NDArray[np.float32], stamp: float, moved: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        self.stamps.append(stamp)
        start = int(stamp * HORIZON + 1e-9)
        return self.unnormalise(rows[start : start + SEGMENT])

    def unnormalise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        return rows[:, :3].astype(np.float64)


def make_profile(folder: Path, space: str = "joint_position", **action: Any) -> RobotProfile:
    joint = {"position": [-3.0, 3.0], "velocity": 1.0, "acceleration": 1.0, "jerk": 1.0}
    data = {
        "name": "two",
        "joints": [{"name": name, **joint} for name in "ab"],
        "gripper": {"joint": "g", "closed": 0.0, "open": 0.04, "speed": 0.1},
        "cameras": {"image": {"topic": "camera/image_raw"}},
        "action": {"space": space, "dt": DT, **{name: value for name, value in action.items() if value is not None}},
        "controllers": {"arm": {"type": "forward_command", "topic": "x"}},
    }
    path = folder / "robot.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return RobotProfile.load(path)


def chunk(profile: RobotProfile, seq: int, stamp: float) -> Chunk:
    rows = np.arange(30, dtype=np.float32).reshape(10, 3)
    return Chunk(stamp, 1, seq, DT, rows, JOINTS, profile.joint_names, profile.action_layout().action_space)


def denoise(denoiser: SegmentPlanner, used: Chunk, joints: NDArray[np.float64], now: float) -> Segment:
    asked = denoiser.request(used, OBSERVATION, now - 0.05, joints, now)
    return denoiser.finish(asked, asked.refined_by(denoiser.refiner), 1, 0.02)


@pytest.mark.parametrize(
    ("stamps", "chunk", "segment", "starts"),
    [
        ("multiples_of_s1_chunk_size", 16, 8, [0, 8]),
        ("multiples_of_s1_chunk_size", 10, 4, [0, 4, 8]),
        ("multiples_of_s1_chunk_size", 50, 10, [0, 10, 20, 30, 40]),
        ("multiples_of_s1_chunk_size", 50, 29, [0, 29]),
        ((0.5, 0.0), 16, 8, [0, 8]),
        ((0.0, 0.3, 0.3), 10, 4, [0, 3]),
        (None, 16, 8, []),
    ],
)
def test_allowed_starts_are_rows_in_order(stamps: Any, chunk: int, segment: int, starts: list[int]) -> None:
    found = allowed_starts(stamps, chunk, segment)
    assert [row for row, _ in found] == starts
    assert [int(np.float32(stamp) * np.float32(chunk)) for _, stamp in found] == starts
    assert [int(stamp * chunk) for _, stamp in found] == starts


@pytest.mark.parametrize(("now", "stamp"), [(100.0, 0.0), (100.39, 0.0), (100.41, 0.4), (100.79, 0.4), (100.95, 0.8)])
def test_where_only_some_stamps_are_allowed_the_newest_that_is_not_ahead_is_taken(
    tmp_path: Path, now: float, stamp: float
) -> None:
    """Rows keep their times: the segment starts in the past, and System 2's rows follow it."""
    refiner, profile = Rows(), make_profile(tmp_path, system1_progress="multiples_of_s1_chunk_size")
    denoiser, used = (
        SegmentPlanner(refiner, profile),
        chunk(make_profile(tmp_path, system1_progress=None), 1, stamp=100.0),
    )
    segment = denoise(denoiser, used, JOINTS, now)
    row = round(10 * stamp)
    assert refiner.stamps == [stamp]
    assert segment.stamp == pytest.approx(100.0 + row * DT)
    np.testing.assert_array_equal(segment.positions, used.rows[row : row + 4 + 3, :2])
    assert len(segment.grippers) == len(segment.positions)


def test_system1_is_asked_once_for_a_stamp_of_a_chunk(tmp_path: Path) -> None:
    refiner, profile = Rows(), make_profile(tmp_path, system1_progress=[0.0, 0.5])
    denoiser = SegmentPlanner(refiner, profile)
    first, second = chunk(profile, 1, stamp=100.0), chunk(profile, 2, stamp=100.3)
    answers = []
    for used, now in ((first, 100.1), (first, 100.4), (first, 100.6), (first, 100.9), (second, 100.95)):
        asked = denoiser.request(used, OBSERVATION, now - 0.05, JOINTS, now)
        answers.append(asked.answer is not None)
        denoiser.finish(asked, asked.refined_by(refiner), 1, 0.02)
    assert answers == [False, True, False, True, False]
    assert refiner.stamps == [0.0, 0.5, 0.5]


def test_an_answer_given_again_keeps_the_age_of_its_observation(tmp_path: Path) -> None:
    refiner, profile = Rows(), make_profile(tmp_path, system1_progress=[0.0])
    denoiser, used = SegmentPlanner(refiner, profile), chunk(profile, 1, stamp=100.0)
    one = denoise(denoiser, used, JOINTS, 100.1)
    again = denoise(denoiser, used, JOINTS, 100.4)
    assert one.observation_stamp == again.observation_stamp == pytest.approx(100.05)
    np.testing.assert_array_equal(one.positions, again.positions)


@pytest.mark.parametrize("stamps", [[1.0], [-0.1], [], "sometimes"])
def test_stamps_outside_a_chunk_are_refused(tmp_path: Path, stamps: Any) -> None:
    with pytest.raises(RobotProfileError, match="system1_progress"):
        make_profile(tmp_path, system1_progress=stamps)


def test_where_rows_are_in_degrees_so_is_how_far_the_joints_moved(tmp_path: Path) -> None:
    profile = make_profile(tmp_path, space="joint_delta", unit="deg", sign=[1, -1])
    asked = SegmentPlanner(Rows(), profile).request(
        chunk(profile, 1, stamp=100.0), OBSERVATION, 100.0, JOINTS + 0.1, 100.1
    )
    np.testing.assert_allclose(asked.moved, [*np.degrees([0.1, -0.1]), 0.0])
