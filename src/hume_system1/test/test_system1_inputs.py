"""Messages as chunks and segments, however malformed."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from hume_msgs.msg import ActionChunk, Segment
from sensor_msgs.msg import JointState

from hume_core.robot import Push, RobotProfile
from hume_ros.conversions import set_stamp
from hume_system1 import inputs
from hume_system1.control.control_settings import ControlSettings
from hume_system1.robot_settings import control_settings


def test_chunk_is_read_whole() -> None:
    message = ActionChunk(
        epoch=2, seq=7, dt=0.05, horizon=2, dim=3, data=array("f", range(6)), names=["a", "b"],
        anchor=array("d", [0.1, 0.2]), action_space="joint_delta", model_id="m", instruction="lift", value=0.5,
    )  # fmt: skip
    set_stamp(message.header.stamp, 3.25)
    chunk = inputs.chunk_of(message)
    assert (chunk.stamp, chunk.epoch, chunk.seq, chunk.dt) == (3.25, 2, 7, 0.05)
    assert chunk.rows.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert chunk.anchor.tolist() == [0.1, 0.2]
    assert (chunk.names, chunk.action_space) == (("a", "b"), "joint_delta")
    assert (chunk.model_id, chunk.instruction, chunk.value) == ("m", "lift", 0.5)
    assert inputs.chunk_event(message).chunk.seq == 7


@pytest.mark.parametrize(("numbers", "shape"), [(0, (2, 0)), (2, (2, 1)), (4, (2, 2)), (3, (3,))])
def test_grippers_are_columns_of_the_segment(numbers: int, shape: tuple[int, ...]) -> None:
    message = Segment(horizon=2, names=["a"], positions=array("d", [0.0, 1.0]), gripper=array("d", range(numbers)))
    segment = inputs.segment_of(message)
    assert segment.positions.shape == (2, 1)
    assert segment.grippers.shape == shape
    if numbers == 4:
        assert segment.grippers.tolist() == [[0.0, 1.0], [2.0, 3.0]]


@pytest.mark.parametrize("horizon", [0, 3])
def test_numbers_that_do_not_fit_stay_as_they_are(horizon: int) -> None:
    message = Segment(horizon=horizon, names=["a"], positions=array("d", [0.0, 1.0]), gripper=array("d", [0.5]))
    segment = inputs.segment_of(message)
    np.testing.assert_array_equal(segment.positions, [0.0, 1.0])
    assert segment.grippers.ndim == 1 or horizon == 0
    chunk = ActionChunk(horizon=horizon, dim=5, data=array("f", [1.0]))
    assert inputs.chunk_of(chunk).rows.shape == (1,)


def test_what_happens_to_a_pushed_arm_comes_from_the_profile() -> None:
    profile = RobotProfile.load("wx250s_sim")
    profile = profile.model_copy(update={"push": Push(settle=0.2, timeout=3.0, reach=0.5, jump_speed=8.0)})
    settings = control_settings(profile, ControlSettings())
    assert (settings.push_settle, settings.push_timeout) == (0.2, 3.0)
    assert (settings.push_reach, settings.jump_speed) == (0.5, 8.0)
    assert (settings.rate_hz, settings.action_spaces) == (profile.rates.stream, (profile.action_space.name,))


def test_messages_of_any_size_are_bounded_before_they_are_copied() -> None:
    huge = array("f", bytes(4 * 1_000_001))
    chunk = inputs.chunk_of(
        ActionChunk(
            horizon=2**32 - 1,
            dim=2**32 - 1,
            data=huge,
            names=["x" * 1_000_000] * 4,
            action_space="z" * 100_000,
            anchor=array("d", bytes(8 * 1_000_001)),
            instruction="i" * 100_000,
            model_id="m" * 100_000,
        )
    )
    assert chunk.rows.size == chunk.anchor.size == 0
    texts = (*chunk.names, chunk.action_space, chunk.instruction, chunk.model_id)
    assert len(texts) == 7
    assert max(map(len, texts)) < 300
    assert inputs.chunk_of(ActionChunk(names=["a"] * 1001)).names == ()
    segment = inputs.segment_of(Segment(horizon=2**32 - 1, names=["a"] * 5000, positions=array("d", [0.0] * 4)))
    assert segment.names == ()
    assert segment.positions.shape == (4,)


@pytest.mark.parametrize("count", [1001, 100_000])
def test_joint_states_of_too_many_joints_are_left_out(count: int) -> None:
    event = inputs.joint_state_event(JointState(name=["a"] * count, position=[0.0] * count, velocity=[0.0] * count))
    assert (event.names, event.position, event.velocity) == ((), (), ())


@pytest.mark.parametrize(("horizon", "dim"), [(2**32 - 1, 0), (0, 2**32 - 1), (0, 0), (2**16, 2**16)])
def test_sizes_that_are_claimed_are_not_allocated(horizon: int, dim: int) -> None:
    chunk = inputs.chunk_of(ActionChunk(horizon=horizon, dim=dim, data=array("f", [])))
    assert chunk.rows.size == 0
