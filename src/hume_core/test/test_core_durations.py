"""Durations in words, and estimates from the first units of a run."""

from __future__ import annotations

import pytest

from hume_core.durations import FirstUnits, Units, duration, estimate


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 second"), (1.4, "1 second"), (40.3, "40 seconds"), (89.0, "89 seconds"), (95.0, "2 minutes"),
        (24 * 60.0, "24 minutes"), (89.4 * 60.0, "89 minutes"), (2 * 3600.0, "2 hours"), (3.5 * 3600.0, "3.5 hours"),
        (47.0 * 3600.0, "47 hours"), (50.0 * 3600.0, "2.1 days"),
    ],
)  # fmt: skip
def test_a_duration_is_as_exact_as_an_estimate_deserves(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("units", "at_once", "basis", "text"),
    [
        ([Units(40, "episodes", 36.0)], 1, "", "about 24 minutes: 40 episodes of 36 s"),
        ([Units(40, "episodes", 36.0)], 2, "", "about 12 minutes: 40 episodes of 36 s, 2 at a time"),
        ([Units(3, "runs", 60.0), Units(5, "faults", 12.0)], 1, "as on my desk",
         "about 4 minutes: 3 runs of 60 s, 5 faults of 12 s (as on my desk)"),
        ([Units(2, "weeks", 604800.0)], 1, "", "about 14 days: 2 weeks of 7 days"),
    ],
)  # fmt: skip
def test_an_estimate_names_what_it_is_made_of(units: list[Units], at_once: int, basis: str, text: str) -> None:
    assert estimate(*units, basis=basis, at_once=at_once) == text


class Told:
    """A clock that is set by hand, and what was said."""

    def __init__(self) -> None:
        self.now = 5.0
        self.lines: list[str] = []

    def units(self, total: int, after: int = 1) -> FirstUnits:
        return FirstUnits(total, "episodes", after, self.lines.append, lambda: self.now)


@pytest.mark.parametrize("after", [1, 4])
def test_the_rest_is_told_once_after_the_first_units(after: int) -> None:
    told = Told()
    units = told.units(40, after)
    for _ in range(20):
        told.now += 30.0
        units.done()
    left = 40 - after
    assert told.lines == [f"about {duration(left * 30.0)}: {left} more episodes of 30 s"]


def test_units_that_come_in_parts_count_as_what_they_are() -> None:
    told = Told()
    units = told.units(100, after=20)
    told.now += 100.0
    units.done(50)
    assert told.lines == ["about 2 minutes: 50 more episodes of 2 s"]


@pytest.mark.parametrize(("total", "each"), [(2, 5.0), (1, 1e4), (0, 1e4), (30, 0.1)])
def test_what_is_over_soon_is_not_told(total: int, each: float) -> None:
    told = Told()
    units = told.units(total)
    for _ in range(max(total, 1)):
        told.now += each
        units.done()
    assert told.lines == []
