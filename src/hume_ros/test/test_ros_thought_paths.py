"""A thought is drawn with the chunk that came of it, and commands are read whatever the controller."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import pytest
from hume_msgs.msg import ActionChunk, Thought
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from hume_core.errors import ChunkError
from hume_core.robot import RobotProfile
from hume_core.tool_paths import load_tool_paths
from hume_ros.conversions import commanded_positions, thought_candidates
from hume_ros.thought_paths import ThoughtPaths

PROFILE = RobotProfile.load("ur5e")
HOME = np.array(PROFILE.home)
TOOLS = load_tool_paths(PROFILE)
COUNT, HORIZON = 5, 8


def chunk(seq: int, **changes: Any) -> ActionChunk:
    fields = {"names": list(PROFILE.joint_names), "dt": 0.05, "anchor": array("d", HOME), "value": 0.6} | changes
    return ActionChunk(seq=seq, **fields)


def thought(seq: int, **changes: Any) -> Thought:
    rows = np.random.default_rng(seq).normal(scale=0.05, size=(COUNT, HORIZON, 7)) + np.append(HOME, 0.0)
    fields = {
        "action_space": "joint_position", "num_candidates": COUNT, "horizon": HORIZON, "dim": 7, "index": 3,
        "candidates": array("f", rows.astype(np.float32).tobytes()), "values": array("f", np.arange(COUNT) / COUNT),
    } | changes  # fmt: skip
    return Thought(seq=seq, **fields)


@pytest.mark.parametrize("chunk_first", [True, False])
def test_the_two_messages_may_come_in_either_order(chunk_first: bool) -> None:
    paths = ThoughtPaths(TOOLS)
    calls = [lambda: paths.take_chunk(chunk(4)), lambda: paths.take_thought(thought(4))]
    first, second = calls if chunk_first else calls[::-1]
    assert first() is None
    found = second()
    assert found is not None
    assert found.paths.shape == (COUNT, HORIZON + 1, 3)
    assert found.value == pytest.approx(0.6)
    rows = thought_candidates(thought(4))
    assert found.paths[2, -1] == pytest.approx(TOOLS.at(rows[2, -1, :6].astype(np.float64)), abs=1e-6)


@pytest.mark.parametrize(("value", "weights"), [(0.6, [0, 0, 0, 1, 0]), (0.4, [0.2] * 5), (9.0, [0, 0, 0, 1, 0])])
def test_the_chunk_that_was_sent_is_drawn(value: float, weights: list[float]) -> None:
    paths, message = ThoughtPaths(TOOLS), thought(1)
    message.values = array("f", np.array([0.0, 0.21, 0.41, 0.6, 0.78]) if weights[0] else np.arange(COUNT) / COUNT)
    paths.take_chunk(chunk(1, value=value))
    found = paths.take_thought(message)
    assert found is not None
    rows = np.tensordot(weights, thought_candidates(message), axes=1)
    assert found.chosen[-1] == pytest.approx(TOOLS.at(rows[-1, :6]), abs=1e-6)


def test_messages_of_different_thoughts_are_not_put_together() -> None:
    paths = ThoughtPaths(TOOLS)
    assert paths.take_chunk(chunk(4)) is None
    assert paths.take_thought(thought(5)) is None
    assert paths.take_chunk(chunk(5)) is not None
    assert paths.take_chunk(chunk(5)) is None


@pytest.mark.parametrize(
    ("of_chunk", "of_thought", "expected"),
    [
        ({"names": ["a", "b"], "anchor": array("d", [0.0, 0.0])}, {}, "the robot profile has shoulder_pan_joint"),
        ({"anchor": array("d", [0.0])}, {}, "the robot profile has"),
        ({}, {"action_space": "ee_delta"}, "robot profile and checkpoint say 'joint_position'"),
        ({}, {"num_candidates": 6}, "6 candidates x horizon 8"),
        ({}, {"horizon": 0}, "horizon 0"),
        ({}, {"values": array("f", [0.1])}, "and 1 values"),
        ({}, {"index": 5}, "candidate 5 as the best of 5"),
    ],
)
def test_what_does_not_fit_is_refused(of_chunk: dict[str, Any], of_thought: dict[str, Any], expected: str) -> None:
    paths = ThoughtPaths(TOOLS)
    paths.take_chunk(chunk(1, **of_chunk))
    with pytest.raises(ChunkError, match=expected):
        paths.take_thought(thought(1, **of_thought))


def point(seconds: float, *positions: float) -> JointTrajectoryPoint:
    message = JointTrajectoryPoint(positions=array("d", positions))
    message.time_from_start.sec, message.time_from_start.nanosec = int(seconds), round(seconds % 1.0 * 1e9)
    return message


@pytest.mark.parametrize(("now", "share"), [(9.0, 0.0), (10.0, 0.0), (10.5, 0.5), (11.25, 1.25), (99.0, 2.0)])
def test_a_trajectory_is_read_at_its_own_times(now: float, share: float) -> None:
    message = JointTrajectory(joint_names=["b", "a"], points=[point(0, 0, 1), point(1, 1, 1), point(2, 2, 1)])
    message.header.stamp.sec = 10
    assert commanded_positions(message, ("a", "b"), now) == pytest.approx({"b": share, "a": 1.0})


def test_an_array_is_read_in_the_order_of_the_joints() -> None:
    assert commanded_positions(Float64MultiArray(data=[1.0, 2.0]), ("a", "b"), 0.0) == {"a": 1.0, "b": 2.0}
    assert commanded_positions(Float64MultiArray(data=[1.0]), ("a", "b"), 0.0) == {}
    assert commanded_positions(JointTrajectory(joint_names=["a"]), ("a",), 0.0) == {}
    assert commanded_positions(JointTrajectory(joint_names=["a"], points=[point(0)]), ("a",), 0.0) == {}
