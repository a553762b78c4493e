"""How many candidates System 2 takes, as its thoughts become slower and faster."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hume_system2.candidate_budget import CandidateBudget, levels

PERIOD = 0.25


class Thoughts:
    """Thoughts on a clock of its own: each begins a period after the one before, or when that is over."""

    def __init__(self, candidates: int, **options: bool) -> None:
        self.changes: list[str] = []
        self.budget = CandidateBudget(candidates, 1.0 / PERIOD, on_change=self.changes.append, **options)
        self.clock = 0.0

    def think(self, seconds: float, cost: Callable[[int], float]) -> None:
        """Think for so long. `cost` is what a thought with N candidates takes, s."""
        end = self.clock + seconds
        while self.clock < end:
            duration = cost(self.budget.count)
            self.budget.note(duration)
            self.clock += max(duration, PERIOD)


def busy(count: int) -> float:
    """Too slow even with one."""
    return 0.6 + 0.02 * count


def free(count: int) -> float:
    """In time with all."""
    return 0.02 + 0.005 * count


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [(1, (1,)), (2, (2, 1)), (3, (3, 2, 1)), (5, (5, 3, 1)), (16, (16, 8, 1)), (64, (64, 32, 1))],
)
def test_levels_go_from_all_to_one(candidates: int, expected: tuple[int, ...]) -> None:
    assert levels(candidates) == expected
    assert CandidateBudget(candidates, 1.0 / PERIOD).count == candidates


@pytest.mark.parametrize("candidates", [2, 5, 16])
def test_late_for_some_time_it_takes_fewer_and_says_why(candidates: int) -> None:
    thoughts = Thoughts(candidates)
    thoughts.think(1.0, busy)
    assert thoughts.budget.count == candidates
    thoughts.think(30.0, busy)
    assert thoughts.budget.count == 1
    assert "has 0.25 s" in thoughts.budget.reason
    assert thoughts.changes[0].startswith(f"{levels(candidates)[1]} of {candidates} candidates")


@pytest.mark.parametrize("candidates", [2, 5, 16])
def test_all_again_when_there_is_time(candidates: int) -> None:
    thoughts = Thoughts(candidates)
    thoughts.think(30.0, busy)
    thoughts.think(4.0, free)
    assert thoughts.budget.count == 1
    thoughts.think(30.0, free)
    assert thoughts.budget.count == candidates
    assert thoughts.budget.reason == ""
    assert thoughts.changes[-1] == f"{candidates} of {candidates} candidates from now on"


@pytest.mark.parametrize("slow", [0.3, 0.45])
@pytest.mark.parametrize("candidates", [3, 5, 16])
def test_choice_is_given_up_only_where_half_of_them_take_twice_the_period(candidates: int, slow: float) -> None:
    thoughts = Thoughts(candidates)
    thoughts.think(60.0, lambda count: slow)
    assert thoughts.budget.count == levels(candidates)[1] > 1
    thoughts.think(10.0, lambda count: 2.5 * PERIOD)
    assert thoughts.budget.count == 1


@pytest.mark.parametrize("every", [2, 3])
def test_single_late_thoughts_change_nothing(every: int) -> None:
    thoughts, number = Thoughts(8), iter(range(1000))
    thoughts.think(60.0, lambda count: 3.0 if next(number) % every == 0 else 0.1)
    assert thoughts.changes == []


@pytest.mark.parametrize("share", [0.85, 0.95])
def test_between_late_and_roomy_it_stays(share: float) -> None:
    thoughts = Thoughts(16)
    thoughts.think(3.0, lambda count: 0.3)
    assert thoughts.budget.count == 8
    thoughts.think(120.0, lambda count: share * PERIOD)
    assert thoughts.budget.count == 8


@pytest.mark.parametrize("candidates", [5, 16])
def test_where_more_never_hold_trials_become_rare(candidates: int) -> None:
    thoughts = Thoughts(candidates)

    def cost(count: int) -> float:
        return 0.5 if count == candidates else 0.1

    thoughts.think(200.0, cost)
    early = len(thoughts.changes)
    thoughts.think(200.0, cost)
    assert len(thoughts.changes) - early < early / 2
    assert thoughts.budget.count < candidates


def test_switched_off_it_always_takes_all() -> None:
    thoughts = Thoughts(16, adapts=False)
    thoughts.think(60.0, busy)
    assert (thoughts.budget.levels, thoughts.budget.count, thoughts.budget.reason) == ((16,), 16, "")


@given(candidates=st.integers(1, 64), durations=st.lists(st.floats(0.0, 5.0), max_size=200))
def test_there_is_always_one_and_a_reason_when_it_is_not_all(candidates: int, durations: list[float]) -> None:
    budget = CandidateBudget(candidates, 1.0 / PERIOD)
    for duration in durations:
        budget.note(duration)
        assert 1 <= budget.count <= candidates
        assert (budget.count < candidates) == bool(budget.reason)
