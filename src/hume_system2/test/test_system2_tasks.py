"""How a task begins and ends."""

from __future__ import annotations

import math
from typing import Any

import pytest

from hume_system2.tasks import ClientWatch, Task, TaskEnding, TaskOutcome, TaskStatistics, begins_at_start

WELL: dict[str, Any] = {"error": "", "stopped": "", "client_gone": False, "done_thoughts": 3}


def task(max_duration: float = 0.0, values: tuple[float, ...] = (), ready: bool = True) -> Task:
    statistics = TaskStatistics(started=100.0)
    for value in values:
        statistics.add(value, done_value=0.8)
    return Task("lift", max_duration, statistics, ready)


def outcome(ending: TaskEnding | None) -> TaskOutcome | None:
    return None if ending is None else ending.outcome


@pytest.mark.parametrize(
    ("given", "now", "facts", "expected"),
    [
        (task(), 1e9, {}, None),
        (task(5.0), 105.0, {}, None),
        (task(5.0), 105.1, {}, TaskOutcome.TIMEOUT),
        (task(math.inf), 1e9, {}, None),
        (task(values=(0.9, 0.9, 0.7, 0.9, 0.9)), 101.0, {}, None),
        (task(values=(0.1, 0.8, 0.9, 0.9)), 101.0, {}, TaskOutcome.DONE),
        (task(values=(0.1, 0.8, 0.9, 0.9)), 101.0, {"done_thoughts": 4}, None),
        (task(), 101.0, {"stopped": "FAULT: joint states lost"}, TaskOutcome.STOPPED),
        (task(ready=False), 101.0, {"stopped": "ESTOP: emergency stop"}, None),
        (task(), 101.0, {"client_gone": True}, TaskOutcome.STOPPED),
        (task(ready=False), 101.0, {"error": "thinking failed", "stopped": "FAULT"}, TaskOutcome.FAILED),
    ],
)
def test_what_ends_a_task(given: Task, now: float, facts: dict[str, Any], expected: TaskOutcome | None) -> None:
    assert outcome(given.ending(now, **{**WELL, **facts})) is expected


def test_the_reason_tells_what_happened() -> None:
    ending = task().ending(101.0, **{**WELL, "stopped": "FAULT: joint states lost"})
    assert ending is not None
    assert ending.reason == "System 1 is in FAULT: joint states lost"


@pytest.mark.parametrize(
    ("counts", "gone"),
    [
        ([0, 0, 0, 0], False),
        ([1, 1, 2, 1], False),
        ([1, 0, 0], False),
        ([1, 0, 0, 0], True),
        ([2, 1, 1, 1, 1], False),
        ([1, 0, 0, 1, 0, 0], False),
        ([0, 0, 1, 0, 0, 0], True),
    ],
)
def test_a_client_is_gone_once_it_stays_away(counts: list[int], gone: bool) -> None:
    """Looked at every 0.25 s. A moment without clients may be one of discovery, and some middleware tells none."""
    watch = ClientWatch()
    assert [watch.gone(count, 10.0 + 0.25 * k) for k, count in enumerate(counts)][-1] is gone


@pytest.mark.parametrize(
    ("epoch", "chunk_age", "stopped", "clients", "begins"),
    [
        (0, math.inf, False, 0, True),
        (0, math.inf, False, 2, True),
        # Asked to wait for the reset, as a goal would.
        (0, math.inf, True, 0, True),
        # At rest after a cancelled goal.
        (3, math.inf, False, 0, False),
        # The crash of System 2 interrupted something.
        (1, 4.5, False, 0, True),
        (1, 4.5, False, 1, False),
        (1, 4.5, True, 0, False),
    ],
)
def test_whether_the_standing_task_begins_by_itself(
    epoch: int, chunk_age: float, stopped: bool, clients: int, begins: bool
) -> None:
    assert begins_at_start(epoch, chunk_age, stopped, clients) is begins
