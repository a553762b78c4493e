"""Admission of chunks, segments and joint states."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from hume_core.action_spaces import ACTION_SPACES
from hume_core.chunk import Chunk
from hume_system1.control.admission import ChunkAdmission, Rejection
from hume_system1.control.control_settings import ControlSettings, GripperSettings
from hume_system1.control.joint_states import JointStates
from hume_system1.control.report import core_status


def rejected(rig: Any) -> dict[str, int]:
    """Counters by kind and reason."""
    return core_status(rig.core, rig.now()).rejected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"stamp": math.nan}, Rejection.NOT_FINITE),
        ({"stamp": 0.0}, Rejection.AGE),
        ({"stamp": 1e9}, Rejection.FUTURE),
        ({"epoch": -1}, Rejection.EPOCH),
        ({"epoch": 10**9}, Rejection.EPOCH),
        ({"seq": -1}, Rejection.SEQUENCE),
        ({"dt": 0.0}, Rejection.DT),
        ({"dt": math.nan}, Rejection.DT),
        ({"dt": 5.0}, Rejection.DT),
        ({"rows": np.zeros((0, 4))}, Rejection.SHAPE),
        ({"rows": np.zeros((10**6, 4))}, Rejection.SHAPE),
        ({"rows": np.zeros((10, 7))}, Rejection.SHAPE),
        ({"rows": np.zeros((11, 4))}, Rejection.SHAPE),
        ({"rows": np.zeros(39)}, Rejection.SHAPE),
        ({"names": ("a",) * 2}, Rejection.NAMES),
        ({"names": tuple("abcdefgh")}, Rejection.NAMES),
        ({"names": ()}, Rejection.NAMES),
        ({"names": ("joint_1", "joint_0", "joint_2")}, Rejection.NAMES),
        ({"anchor": np.zeros(2)}, Rejection.ANCHOR),
        ({"anchor": np.array([0.0, math.nan, 0.0])}, Rejection.ANCHOR),
        ({"rows": np.full((10, 4), np.nan)}, Rejection.NOT_FINITE),
        ({"rows": np.full((10, 4), 1e4)}, Rejection.RANGE),
        ({"rows": np.arange(40.0).reshape(10, 4)}, Rejection.STEP),
        ({"action_space": "ee_pose"}, Rejection.ACTION_SPACE),
    ],
)
def test_chunk_is_rejected_with_its_reason(make_rig: Any, changes: dict[str, Any], reason: Rejection) -> None:
    rig = make_rig(action_spaces=("joint_position",), max_chunk_step=3.0, chunk_rows=10, chunk_dim=4)
    rig.tick(0.005, rig.chunk(**changes))
    assert rejected(rig) == {f"chunk: {reason.value}": 1}
    assert rig.core.intake.chunks.seq == -1
    rig.tick(0.005, rig.chunk())
    assert core_status(rig.core, rig.now()).chunks_accepted == 1


def test_chunk_sequence_must_grow_within_an_epoch_and_begins_anew_in_the_next(make_rig: Any) -> None:
    rig = make_rig()
    rig.tick(0.005, rig.chunk(seq=5), rig.chunk(seq=5), rig.chunk(seq=4))
    assert rejected(rig) == {"chunk: sequence": 2}
    rig.tick(0.005, rig.chunk(seq=1, epoch=1))
    assert rig.core.intake.epoch == 1
    rig.tick(0.005, rig.chunk(seq=9, epoch=0))
    assert rejected(rig) == {"chunk: sequence": 2, "chunk: epoch": 1}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"stamp": math.nan}, Rejection.NOT_FINITE),
        ({"stamp": 1e9}, Rejection.FUTURE),
        ({"stamp": 4000.0}, Rejection.AGE),
        ({"observation_stamp": 4000.0}, Rejection.OBSERVATION),
        ({"observation_stamp": 1e9}, Rejection.FUTURE),
        ({"epoch": 1}, Rejection.EPOCH),
        ({"epoch": -1}, Rejection.EPOCH),
        ({"chunk_seq": 99}, Rejection.CHUNK),
        ({"dt": math.inf}, Rejection.DT),
        ({"names": ("joint_0", "joint_1")}, Rejection.NAMES),
        ({"names": ("joint_0", "joint_1", "wrist")}, Rejection.NAMES),
        ({"positions": np.zeros((20, 4))}, Rejection.SHAPE),
        ({"positions": np.zeros((0, 3))}, Rejection.SHAPE),
        ({"positions": np.full((20, 3), math.inf)}, Rejection.NOT_FINITE),
        ({"positions": np.full((20, 3), 2.0)}, Rejection.RANGE),
        ({"positions": np.tile([[-1.4], [1.1]], (10, 3))}, Rejection.STEP),
        ({"grippers": np.zeros((3, 1))}, Rejection.SHAPE),
        ({"grippers": np.zeros(20)}, Rejection.SHAPE),
        ({"grippers": np.zeros((20, 1))}, Rejection.SHAPE),
        ({"grippers": np.full((20, 1), math.nan)}, Rejection.NOT_FINITE),
    ],
)
def test_segment_is_rejected_with_its_reason(make_rig: Any, changes: dict[str, Any], reason: Rejection) -> None:
    rig = make_rig()
    rig.activate()
    rig.tick(0.005, rig.chunk(), rig.segment(**changes))
    assert rejected(rig) == {f"segment: {reason.value}": 1}
    assert rig.modes[-1] == "idle"


def test_segment_sequence_and_chunk_must_not_go_back(running: Any) -> None:
    before = core_status(running.core, running.now()).segments_accepted
    old = running.segment()
    running.tick(0.005, running.chunk(), running.segment())
    running.tick(0.005, old)
    last = running.core.intake.segments
    running.tick(0.005, running.segment(seq=last.seq + 9, chunk_seq=last.chunk_seq - 1))
    assert rejected(running) == {"segment: sequence": 2}
    assert core_status(running.core, running.now()).segments_accepted == before + 1


def test_segment_columns_are_put_into_joint_order(make_rig: Any) -> None:
    rig = make_rig()
    rig.activate()
    rows = np.tile([0.3, 0.1, 0.2], (20, 1))
    rig.tick(0.005, rig.chunk(), rig.segment(names=("joint_2", "joint_0", "joint_1"), positions=rows))
    assert rig.core.intake.segments.positions[0].tolist() == [0.1, 0.2, 0.3]


def test_malformed_events_are_counted_and_harmless(make_rig: Any) -> None:
    rig = make_rig()
    rig.activate()
    rig.tick(
        0.005,
        rig.chunk(rows=None),
        rig.chunk(rows="words", stamp=None),
        rig.chunk(stamp="now"),
        rig.chunk(),
        rig.segment(positions=None),
        rig.joint_state(position=None),
    )
    counts = rejected(rig)
    assert sum(counts.values()) == 5
    assert rig.modes[-1] == "idle"


NAMES = ("a", "b")


def state(rig: Any, **changes: Any) -> Any:
    """A joint state of joints a and b."""
    base = {"names": ("b", "a", "finger"), "position": (2.0, 1.0, 0.03), "velocity": (), "stamp": 5.0}
    return rig.joint_state(**{**base, **changes})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"names": ("x", "y", "z")}, Rejection.NAMES),
        ({"names": ("a", "b", "a")}, Rejection.TWICE),
        ({"names": ("finger", "a", "finger")}, Rejection.TWICE),
        ({"position": (1.0, 2.0)}, Rejection.SHAPE),
        ({"velocity": (1.0,)}, Rejection.SHAPE),
        ({"position": (math.nan, 0.0, 0.0)}, Rejection.NOT_FINITE),
        ({"velocity": (math.inf, 0.0, 0.0)}, Rejection.NOT_FINITE),
        ({"stamp": math.nan}, Rejection.NOT_FINITE),
        ({"stamp": 4.0}, Rejection.SEQUENCE),
        ({"stamp": 5.0}, Rejection.SEQUENCE),
        ({"stamp": 6.2}, Rejection.FUTURE),
    ],
)
def test_joint_state_is_rejected_with_its_reason(make_rig: Any, changes: dict[str, Any], reason: Rejection) -> None:
    rig = make_rig()
    joints = JointStates(NAMES, ("finger",), future=0.1)
    assert joints.take(state(rig), 1.0, 5.0) is None
    assert joints.take(state(rig, **{"stamp": 6.0, **changes}), 2.0, 6.0) is reason
    assert (joints.position, joints.grippers, joints.received) == ([1.0, 2.0], [0.03], 1.0)


def test_missing_velocity_is_taken_from_positions(make_rig: Any) -> None:
    rig = make_rig()
    joints = JointStates(NAMES)
    joints.take(state(rig), 1.0, 5.0)
    joints.take(state(rig, stamp=5.1, position=(2.0, 1.5, 0.0)), 1.1, 5.1)
    assert joints.velocity == pytest.approx([5.0, 0.0])
    assert not joints.slower_than(4.9)
    assert joints.slower_than(5.1)


def test_unstamped_joint_states_are_accepted(make_rig: Any) -> None:
    rig = make_rig()
    joints = JointStates(NAMES)
    assert [joints.take(state(rig, stamp=0.0), t, 5.0) for t in (1.0, 2.0)] == [None, None]
    assert joints.received == 2.0


def test_gripper_may_come_in_a_message_of_its_own(make_rig: Any) -> None:
    rig = make_rig()
    joints = JointStates(NAMES, ("finger",))
    joints.take(state(rig), 1.0, 5.0)
    alone = state(rig, names=("finger",), position=(0.02,), stamp=5.1)
    assert joints.take(alone, 1.1, 5.1) is None
    assert (joints.grippers, joints.received) == ([0.02], 1.0)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"epoch": 3}, "chunk 7 rejected: epoch: it is of epoch 3, the present one is 5"),
        ({"stamp": 40.0}, "chunk 7 rejected: age: its observation is 60.00 s old, valid: at most 2 s"),
        (
            {"names": ("a", "c")},
            "chunk 7 rejected: names: it is for joints a, c, the robot's are a, b",
        ),
        (
            {"action_space": "ee_pose"},
            "chunk 7 rejected: action space: it is 'ee_pose', the robot takes: joint_delta",
        ),
        (
            {"action_space": "torque"},
            f"chunk 7 rejected: action space: action space 'torque' is unknown. Valid: {', '.join(ACTION_SPACES)}",
        ),
        ({"rows": np.zeros((9, 4))}, "chunk 7 rejected: shape: rows are (9, 4), valid: (10, any)"),
        ({"rows": np.full((10, 4), math.nan)}, "chunk 7 rejected: not finite"),
    ],
)
def test_a_rejection_fits_in_a_line(changes: dict[str, Any], line: str) -> None:
    admission = ChunkAdmission(ControlSettings(action_spaces=("joint_delta",), chunk_rows=10), NAMES)
    good = Chunk(99.0, 5, 7, 0.05, np.zeros((10, 4), np.float32), np.zeros(2), NAMES, "joint_delta")
    chunk = dataclasses.replace(good, **changes)
    rejection = admission.check(chunk, 5, 100.0)
    assert rejection is not None
    assert admission.explain(rejection, chunk, 5, 100.0) == line
    assert admission.check(good, 5, 100.0) is None
    assert admission.check(good, 5, 100.0) is Rejection.SEQUENCE


def test_every_reason_has_a_line() -> None:
    admission = ChunkAdmission(ControlSettings())
    chunk = Chunk(99.0, 5, 7, 0.05, np.zeros((10, 4), np.float32), np.zeros(2), NAMES, "joint_delta")
    for rejection in Rejection:
        line = admission.explain(rejection, chunk, 5, 100.0)
        assert line.startswith(f"chunk 7 rejected: {rejection.value}")
        assert "\n" not in line


def test_grippers_of_a_segment_must_be_as_many_as_the_robot_has(make_rig: Any) -> None:
    rig = make_rig(gripper=(GripperSettings(), GripperSettings()))
    rig.activate()
    rig.tick(0.005, rig.chunk(), rig.segment(grippers=np.zeros((20, 1))))
    assert rejected(rig) == {"segment: shape": 1}
    rig.tick(0.005, rig.chunk(), rig.segment(grippers=np.zeros((20, 2))))
    assert core_status(rig.core, rig.now()).segments_accepted == 1
