"""When System 2 begins a thought, about what, and whether its result is still wanted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hume_core.errors import ObservationError
from hume_ros.observation_buffer import Frame
from hume_system2.cycle import Assignment, ThinkingCycle

LIFT = Assignment("lift", 1)


class Observer:
    """Gives frames of one stamp, or refuses."""

    def __init__(self) -> None:
        self.stamp = 5.0
        self.problem = ""

    def take(self, now: float) -> Frame:
        if self.problem:
            raise ObservationError(self.problem)
        return Frame(self.stamp, {}, np.zeros(2), np.zeros((1, 2), np.float32))


def make_cycle(rate: float = 4.0, start: float = 100.0) -> tuple[ThinkingCycle, Any]:
    observer = Observer()
    return ThinkingCycle(observer, rate, start), observer  # type: ignore[arg-type]


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
    assert cycle.finish(task)
    assert cycle.last_stamp == 5.0


def test_a_thought_for_an_older_assignment_is_not_wanted() -> None:
    cycle, _ = make_cycle()
    cycle.assignment = LIFT
    task = cycle.begin(100.0, 7.0)
    assert task is not None
    cycle.assignment = Assignment("lift", 2)
    assert not cycle.finish(task)
    assert cycle.last_stamp == 5.0


def test_an_unusable_observation_is_passed_on_and_not_marked() -> None:
    cycle, observer = make_cycle()
    cycle.assignment = LIFT
    observer.problem = "too old"
    with pytest.raises(ObservationError, match="too old"):
        cycle.begin(100.0, 7.0)
    assert cycle.last_stamp == float("-inf")
    assert cycle.next_start == 100.25
