"""Which chunk is refined, from which row on, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hume_core.chunk import Chunk, Segment
from hume_core.errors import ActionSpaceError, ChunkError
from hume_core.observation import Observation
from hume_core.robot import Action, RobotProfile
from hume_core.robot_kinematics import load_kinematics
from hume_system1.chunk_switch import ChunkSwitch
from hume_system1.segment_planner import SegmentPlanner

OBSERVATION = Observation(images={}, state=np.zeros((1, 1, 3), np.float32), task=["lift"])
JOINTS = np.ones(2)
DT = 0.1


class Rows:
    """Stands for System 1: gives back the chunk's own rows and remembers what it was asked."""

    chunk_size = 10
    segment_size = 4
    origin = "anchor"

    def __init__(self, width: int = 3) -> None:
        self.width = width
        self.stamps: list[float] = []
        self.moved: list[NDArray[np.float64]] = []

    def segment(
        self, observation: Observation, rows: NDArray[np.float32], stamp: float, moved: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        self.stamps.append(stamp)
        self.moved.append(moved)
        start = int(stamp * self.chunk_size + 1e-9)
        return self.unnormalise(rows[start : start + self.segment_size])

    def unnormalise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        return rows[:, : self.width].astype(np.float64)


@pytest.fixture
def profile() -> RobotProfile:
    return make_profile("joint_position")


def make_profile(space: str) -> RobotProfile:
    joint = {"position": [-3.0, 3.0], "velocity": 1.0, "acceleration": 1.0, "jerk": 1.0}
    data: dict[str, Any] = {
        "name": "two",
        "joints": [{"name": name, **joint} for name in "ab"],
        "gripper": {"joint": "g", "closed": 0.0, "open": 0.04, "speed": 0.1},
        "cameras": {},
        "action": {"space": space, "dt": DT},
        "controllers": {"arm": {"type": "forward_command", "topic": "x"}},
    }
    # From a file it would need a camera.
    return RobotProfile.model_validate(data)


def chunk(
    profile: RobotProfile, seq: int, stamp: float, epoch: int = 1, rows: Any = None, anchor: Any = (1.0, 1.0)
) -> Chunk:
    rows = np.arange(30, dtype=np.float32).reshape(10, 3) if rows is None else rows
    space = profile.action_layout().action_space
    return Chunk(stamp, epoch, seq, DT, rows, np.asarray(anchor, np.float64), profile.joint_names, space)


def denoise(denoiser: SegmentPlanner, used: Chunk, joints: NDArray[np.float64], now: float, seq: int = 1) -> Segment:
    """What the denoiser's cycle does: ask, let System 1 answer, finish."""
    asked = denoiser.request(used, OBSERVATION, now - 0.05, joints, now)
    answer = denoiser.refiner.segment(asked.observation, asked.chunk.rows, asked.progress, asked.moved)
    return denoiser.finish(asked, answer, seq, 0.02)


def test_segment_starts_at_the_row_in_force_now(profile: RobotProfile) -> None:
    refiner = Rows()
    denoiser = SegmentPlanner(refiner, profile)
    denoiser.offer(chunk(profile, 1, stamp=100.0), 100.0)
    current = denoiser.chunk_at(100.0)
    assert current is not None
    denoise(denoiser, current, JOINTS, 100.0)
    segment = denoise(denoiser, current, JOINTS, 100.25)
    assert segment.stamp == pytest.approx(100.2)
    assert refiner.stamps == [0.0, pytest.approx(0.25)]
    np.testing.assert_array_equal(segment.positions[0], [6.0, 7.0])
    np.testing.assert_array_equal(segment.grippers[0], [8.0])
    assert segment.observation_stamp == pytest.approx(100.2)
    assert (segment.epoch, segment.chunk_seq, segment.seq) == (1, 1, 1)
    assert segment.names == profile.joint_names


def test_late_in_the_chunk_the_segment_still_starts_now(profile: RobotProfile) -> None:
    refiner = Rows()
    segment = denoise(SegmentPlanner(refiner, profile), chunk(profile, 1, stamp=100.0), JOINTS, 100.85)
    assert segment.stamp == pytest.approx(100.8)
    assert refiner.stamps == [pytest.approx(0.85)]
    np.testing.assert_array_equal(segment.positions, [[24.0, 25.0], [27.0, 28.0]])


def test_past_the_chunk_its_last_row_is_taken(profile: RobotProfile) -> None:
    segment = denoise(SegmentPlanner(Rows(), profile), chunk(profile, 1, stamp=100.0), JOINTS, 101.35)
    assert segment.stamp == pytest.approx(100.9)
    np.testing.assert_array_equal(segment.positions, [[27.0, 28.0]])


def test_asking_changes_nothing_and_may_be_answered_later() -> None:
    refiner, profile = Rows(), make_profile("joint_delta")
    denoiser = SegmentPlanner(refiner, profile)
    asked = denoiser.request(chunk(profile, 1, stamp=100.0), OBSERVATION, 100.2, JOINTS, 100.25)
    assert refiner.stamps == []
    assert (asked.row, asked.observation, asked.observation_stamp) == (2, OBSERVATION, 100.2)
    answer = refiner.segment(asked.observation, asked.chunk.rows, asked.progress, asked.moved)
    # Others may be asked for and finished in between.
    denoise(denoiser, chunk(profile, 2, stamp=100.1), JOINTS, 100.35)
    apart = denoiser.finish(asked, answer, 7, 0.01)
    whole = denoise(denoiser, asked.chunk, JOINTS, 100.25)
    assert refiner.stamps[0] == refiner.stamps[2]
    assert (apart.seq, apart.denoise_duration) == (7, 0.01)
    assert (apart.stamp, apart.chunk_seq) == (whole.stamp, whole.chunk_seq)
    np.testing.assert_array_equal(apart.positions, whole.positions)
    np.testing.assert_array_equal(apart.grippers, whole.grippers)


def test_deltas_count_from_the_anchor() -> None:
    profile = make_profile("joint_delta")
    denoiser = SegmentPlanner(Rows(), profile)
    segment = denoise(denoiser, chunk(profile, 1, 100.0, anchor=np.array([10.0, 20.0])), JOINTS, 100.0)
    np.testing.assert_array_equal(segment.positions[0], [10.0, 21.0])


@pytest.mark.parametrize(
    ("anchor", "joints", "moved"), [(3.1, -3.1, 0.0832), (-3.0, 3.0, -0.2832), (1.0, 8.0, 0.7168), (0.5, -0.5, -1.0)]
)
def test_a_continuous_joint_has_moved_the_short_way(anchor: float, joints: float, moved: float) -> None:
    refiner = Rows()
    data = make_profile("joint_delta").model_dump(mode="json")
    data["joints"][0] |= {"position": None, "continuous": True}
    profile = RobotProfile.model_validate(data)
    used = chunk(profile, 1, 100.0, anchor=np.array([anchor, anchor]))
    segment = denoise(SegmentPlanner(refiner, profile), used, np.array([joints, joints]), 100.0)
    np.testing.assert_allclose(refiner.moved, [[moved, joints - anchor, 0.0]], atol=1e-4)
    np.testing.assert_allclose(segment.positions[0], [anchor, anchor + 1.0])


def test_from_the_newest_state_a_segment_starts_now_and_knows_how_far_the_joints_moved() -> None:
    refiner = Rows()
    refiner.origin = "newest_state"
    profile = make_profile("joint_delta")
    denoiser = SegmentPlanner(refiner, profile)
    used = chunk(profile, 1, 100.0, anchor=np.array([10.0, 20.0]))
    segment = denoise(denoiser, used, np.array([11.0, 18.0]), 100.25)
    np.testing.assert_array_equal(refiner.moved, [[1.0, -2.0, 0.0]])
    assert segment.stamp == pytest.approx(100.25)


def test_refining_from_the_newest_state_needs_joint_deltas(profile: RobotProfile) -> None:
    refiner = Rows()
    refiner.origin = "newest_state"
    with pytest.raises(ActionSpaceError, match="'two' has action space 'joint_position', valid: joint_delta"):
        SegmentPlanner(refiner, profile)


def test_a_chunk_that_is_over_is_not_used(profile: RobotProfile) -> None:
    denoiser = SegmentPlanner(Rows(), profile)
    denoiser.offer(chunk(profile, 1, stamp=100.0), 100.0)
    assert denoiser.chunk_at(100.0) is not None
    assert denoiser.chunk_at(100.99) is not None
    assert denoiser.chunk_at(101.0) is None


def test_newer_chunk_waits_for_the_boundary(profile: RobotProfile) -> None:
    denoiser = SegmentPlanner(Rows(), profile, ChunkSwitch.BOUNDARY)
    denoiser.offer(chunk(profile, 1, stamp=100.0), 100.0)
    assert seq(denoiser, 100.1) == 1
    denoiser.offer(chunk(profile, 2, stamp=100.15), 100.15)
    assert seq(denoiser, 100.3) == 1
    assert seq(denoiser, 100.51) == 2


def test_newer_chunk_is_taken_when_a_whole_segment_no_longer_fits(profile: RobotProfile) -> None:
    denoiser = SegmentPlanner(Rows(), profile, ChunkSwitch.BOUNDARY)
    denoiser.offer(chunk(profile, 1, stamp=100.0), 100.0)
    assert seq(denoiser, 100.0) == 1
    denoiser.offer(chunk(profile, 2, stamp=100.1), 100.5)
    assert seq(denoiser, 100.5) == 2
    denoiser.offer(chunk(profile, 3, stamp=100.55), 100.6)
    assert seq(denoiser, 100.65) == 2
    assert seq(denoiser, 100.71) == 3


def test_newer_chunk_is_taken_at_once_where_asked(profile: RobotProfile) -> None:
    denoiser = SegmentPlanner(Rows(), profile, ChunkSwitch.AT_ONCE)
    denoiser.offer(chunk(profile, 1, stamp=100.0), 100.0)
    assert seq(denoiser, 100.1) == 1
    denoiser.offer(chunk(profile, 2, stamp=100.15), 100.15)
    assert seq(denoiser, 100.16) == 2


def test_a_new_epoch_forgets_the_old_chunk(profile: RobotProfile) -> None:
    denoiser = SegmentPlanner(Rows(), profile)
    denoiser.offer(chunk(profile, 1, stamp=100.0), 100.0)
    denoiser.begin_epoch(2)
    assert denoiser.chunk_at(100.1) is None
    with pytest.raises(ChunkError, match="epoch 1, the present one is 2"):
        denoiser.offer(chunk(profile, 2, stamp=100.1), 100.1)
    denoiser.offer(chunk(profile, 1, stamp=100.1, epoch=3), 100.1)
    assert seq(denoiser, 100.2) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"seq": 1}, "not newer than chunk 1"),
        ({"rows": np.zeros((4, 3), np.float32)}, r"rows are \(4, 3\), valid: \(10, any\)"),
        ({"rows": np.full((10, 3), np.nan, np.float32)}, "rejected: not finite"),
        ({"anchor": np.array([np.inf, 0.0])}, "anchor: it needs one finite number per joint"),
    ],
)
def test_bad_chunks_are_refused(profile: RobotProfile, changes: dict[str, Any], expected: str) -> None:
    denoiser = SegmentPlanner(Rows(), profile)
    denoiser.offer(chunk(profile, 1, stamp=100.0), 100.0)
    with pytest.raises(ChunkError, match=expected):
        denoiser.offer(chunk(profile, **{"seq": 2, "stamp": 100.1, **changes}), 100.1)
    assert seq(denoiser, 100.1) == 1


def seq(denoiser: SegmentPlanner, now: float) -> int | None:
    current = denoiser.chunk_at(now)
    return None if current is None else current.seq


UR5E = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots" / "ur5e.yaml"
AT = np.array([0.0, -1.571, 1.571, -1.571, -1.571, 0.0])


def ur5e(**action: Any) -> RobotProfile:
    profile = RobotProfile.load(UR5E)
    return profile.model_copy(update={"action": Action(dt=DT, **action)})


def displacements(x: float) -> NDArray[np.float32]:
    """Ten rows that each move the tool along x, and a gripper number."""
    rows = np.zeros((10, 7), np.float32)
    rows[:, 0], rows[:, 6] = x, 0.5
    return rows


def test_end_effector_rows_become_joints_from_the_pose_at_the_observation() -> None:
    profile = ur5e(space="ee_delta")
    kinematics = load_kinematics(profile)
    denoiser = SegmentPlanner(Rows(width=7), profile, kinematics=kinematics)
    segment = denoise(denoiser, chunk(profile, 1, 100.0, rows=displacements(0.01), anchor=AT), AT, 100.35)
    start = kinematics.forward(AT).position
    # The segment starts at row 3, four displacements away from the observation.
    for row, travelled in ((0, [0.04, 0.0, 0.0]), (3, [0.07, 0.0, 0.0])):
        moved = kinematics.forward(segment.positions[row]).position - start
        np.testing.assert_allclose(moved, travelled, atol=1e-4)
    np.testing.assert_array_equal(segment.grippers, np.full((4, 1), 0.5))
    assert segment.unreachable == ""


def test_later_segments_go_on_from_the_rows_that_were_refined() -> None:
    class Shrinking(Rows):
        def segment(
            self, observation: Observation, rows: NDArray[np.float32], stamp: float, moved: NDArray[np.float64]
        ) -> NDArray[np.float64]:
            return 0.5 * super().segment(observation, rows, stamp, moved)

    profile = ur5e(space="ee_delta")
    kinematics = load_kinematics(profile)
    denoiser = SegmentPlanner(Shrinking(width=7), profile, kinematics=kinematics)
    used = chunk(profile, 1, 100.0, rows=displacements(0.01), anchor=AT)
    denoise(denoiser, used, AT, 100.0)
    segment = denoise(denoiser, used, AT, 100.2)
    moved = kinematics.forward(segment.positions[0]).position - kinematics.forward(AT).position
    np.testing.assert_allclose(moved, [0.015, 0.0, 0.0], atol=1e-4)


def test_what_cannot_be_reached_is_said_and_the_arm_stays() -> None:
    profile = ur5e(space="ee_delta")
    denoiser = SegmentPlanner(Rows(width=7), profile, kinematics=load_kinematics(profile))
    segment = denoise(denoiser, chunk(profile, 1, 100.0, rows=displacements(2.0), anchor=AT), AT, 100.0)
    assert segment.unreachable.startswith("row 0 is unreachable: ")
    np.testing.assert_array_equal(segment.positions, np.tile(AT, (4, 1)))


def test_end_effector_spaces_without_kinematics_are_refused() -> None:
    with pytest.raises(ActionSpaceError, match="'ee_pose' of robot 'ur5e' needs kinematics"):
        SegmentPlanner(Rows(), ur5e(space="ee_pose"))
