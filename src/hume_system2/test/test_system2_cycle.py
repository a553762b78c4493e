"""When System 2 begins a thought, about what, and whether its result is still wanted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hume_core.errors import ObservationError
from hume_core.robot import RobotProfile
from hume_ros.observation_buffer import SensorFrame
from hume_system2.thinker import ThoughtResult
from hume_system2.thinking_cycle import Assignment, ThinkingCycle

LIFT = Assignment("lift", 1)
PROFILE = RobotProfile.load("wx250s_sim")
JOINTS = np.linspace(0.1, 0.6, 6)
CANDIDATES = np.arange(2 * 16 * 8, dtype=np.float32).reshape(2, 16, 8)
NOW = 7.5  # when thoughts are over, s on the ROS clock
RESULT = ThoughtResult(
    CANDIDATES[1],
    CANDIDATES,
    values=np.array([0.25, 0.75], np.float32),
    noise_levels=np.array([0.0, 0.5], np.float32),
    weights=np.array([0.0, 1.0], np.float32),
    duration=0.125,
)


class Observer:
    """Gives frames of one stamp, or refuses."""

    def __init__(self) -> None:
        self.stamp = 5.0
        self.problem = ""
        self.beginnings = 0

    def take(self, now: float) -> SensorFrame:
        if self.problem:
            raise ObservationError(self.problem)
        return SensorFrame(self.stamp, {}, JOINTS, np.zeros((1, 7), np.float32), self.beginnings)


def make_cycle(rate: float = 4.0, start: float = 100.0, **numbering: Any) -> tuple[ThinkingCycle, Any]:
    observer: Any = Observer()
    profile = PROFILE.model_copy(update={"rates": PROFILE.rates.model_copy(update={"system2": rate})})
    return ThinkingCycle(observer, profile, start, **numbering), observer


def test_nothing_is_thought_about_at_rest() -> None:
    cycle, _ = make_cycle()
    assert cycle.begin(100.0, 7.0) is None
    assert cycle.next_start == 100.0


def test_thoughts_keep_the_rate_without_catching_up() -> None:
    cycle, _ = make_cycle(rate=4.0, start=100.0)
    cycle.assignment = LIFT
    cycle.begin(100.1, 7.0)
    assert cycle.next_start == 100.25
    cycle.begin(100.9, 7.8)
    assert cycle.next_start == 100.9


def test_a_finished_thought_marks_its_observation_as_used() -> None:
    cycle, observer = make_cycle()
    cycle.assignment = LIFT
    task = cycle.begin(100.0, 7.0)
    assert task is not None
    assert cycle.last_stamp == float("-inf")
    observer.stamp = 6.0
    assert cycle.finish(task, RESULT, NOW) is not None
    assert cycle.last_stamp == 5.0


def test_a_thought_for_an_older_assignment_is_not_wanted() -> None:
    cycle, _ = make_cycle()
    cycle.assignment = LIFT
    task = cycle.begin(100.0, 7.0)
    assert task is not None
    cycle.assignment = Assignment("lift", 2)
    assert cycle.finish(task, RESULT, NOW) is None
    assert cycle.last_stamp == 5.0


def test_a_thought_becomes_a_numbered_chunk() -> None:
    cycle, observer = make_cycle(first_seq=40, model_id="org/name")
    cycle.assignment = Assignment("lift", 3)
    for seq in (41, 42):
        task = cycle.begin(100.0, 7.0)
        assert task is not None
        assert task.observation.task == ["lift"]
        chunk = cycle.finish(task, RESULT, NOW)
        assert chunk is not None
        assert (chunk.seq, chunk.epoch, chunk.stamp) == (seq, 3, observer.stamp)
        assert (chunk.model_id, chunk.instruction) == ("org/name", "lift")
        assert (chunk.dt, chunk.names) == (PROFILE.action.dt, PROFILE.joint_names)
        assert chunk.action_space == PROFILE.action_space.name
        assert (chunk.value, chunk.noise_level, chunk.think_duration) == (0.75, 0.5, 0.125)
        np.testing.assert_array_equal(chunk.rows, CANDIDATES[1])
        np.testing.assert_array_equal(chunk.anchor, JOINTS)


def test_a_thought_that_is_not_wanted_uses_up_no_number() -> None:
    cycle, _ = make_cycle()
    cycle.assignment = LIFT
    old = cycle.begin(100.0, 7.0)
    assert old is not None
    cycle.assignment = Assignment("lift", 2)
    cycle.finish(old, RESULT, NOW)
    new = cycle.begin(101.0, 8.0)
    assert new is not None
    chunk = cycle.finish(new, RESULT, NOW)
    assert chunk is not None
    assert chunk.seq == 1


def test_an_unusable_observation_is_passed_on_and_not_marked() -> None:
    cycle, observer = make_cycle()
    cycle.assignment = LIFT
    observer.problem = "too old"
    with pytest.raises(ObservationError, match="too old"):
        cycle.begin(100.0, 7.0)
    assert cycle.last_stamp == float("-inf")
    assert cycle.next_start == 100.25


@pytest.mark.parametrize("when", ["while thinking", "after it"])
def test_where_time_goes_back_the_next_observation_is_new_and_old_thoughts_are_dropped(when: str) -> None:
    cycle, observer = make_cycle()
    cycle.assignment = LIFT
    task = cycle.begin(100.0, 5.1)
    assert task is not None
    if when == "while thinking":
        observer.beginnings += 1
        assert cycle.finish(task, RESULT, NOW) is None
    else:
        assert cycle.finish(task, RESULT, NOW) is not None
        assert cycle.last_stamp == 5.0
        observer.beginnings += 1
    assert cycle.last_stamp == float("-inf")
    observer.stamp = 1.0
    task = cycle.begin(101.0, 1.1)
    assert task is not None
    chunk = cycle.finish(task, RESULT, NOW)
    assert chunk is not None
    assert (chunk.stamp, cycle.last_stamp) == (1.0, 1.0)
