"""Intervals of differences against published figures, and how many episodes a difference needs."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hume_training.evaluation.intervals import episodes_needed, newcombe, newcombe_paired, wilson

PAGE = Path(__file__).parents[3] / "docs" / "judge.md"


def test_newcombes_example() -> None:
    """56 of 70 against 48 of 80 (Newcombe 1998, table II, method 10)."""
    assert newcombe((56, 70), (48, 80)) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize(
    ("first", "second"), [((0, 10), (0, 10)), ((10, 10), (0, 20)), ((3, 7), (5, 5)), ((1, 1), (1, 1))]
)
def test_intervals_hold_the_difference_and_turn_with_it(first: tuple[int, int], second: tuple[int, int]) -> None:
    low, high = newcombe(first, second)
    difference = first[0] / first[1] - second[0] / second[1]
    assert -1.0 <= low <= difference <= high <= 1.0
    assert low < high
    assert newcombe(second, first) == pytest.approx((-high, -low))


def pairs(both: int, only_first: int, only_second: int, neither: int) -> list[tuple[bool, bool]]:
    return (
        [(True, True)] * both
        + [(True, False)] * only_first
        + [(False, True)] * only_second
        + [(False, False)] * neither
    )


def test_pairs_that_agree_give_a_narrower_interval() -> None:
    alike = newcombe_paired(pairs(30, 8, 2, 20))
    apart = newcombe((38, 60), (32, 60))
    assert alike[1] - alike[0] < apart[1] - apart[0]
    assert newcombe_paired(pairs(10, 10, 10, 10)) == pytest.approx(newcombe((20, 40), (20, 40)))


@pytest.mark.parametrize("table", [(5, 0, 0, 0), (0, 0, 0, 5), (0, 5, 0, 0), (3, 1, 0, 2), (0, 1, 0, 0)])
def test_paired_intervals_hold_the_difference(table: tuple[int, int, int, int]) -> None:
    found = pairs(*table)
    low, high = newcombe_paired(found)
    difference = (table[1] - table[2]) / len(found)
    assert low <= difference <= high
    assert newcombe_paired([(b, a) for a, b in found]) == pytest.approx((-high, -low))


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.5), (0.8, 0.6), (0.5, 0.2)])
def test_so_many_episodes_tell_rates_apart_four_times_in_five(first: float, second: float) -> None:
    rng, count, told = random.Random(3), episodes_needed(first, second), 0
    for _ in range(600):
        wins = [sum(rng.random() < rate for _ in range(count)) for rate in (first, second)]
        low, high = newcombe((wins[0], count), (wins[1], count))
        told += not low <= 0.0 <= high
    assert told / 600 == pytest.approx(0.8, abs=0.06)


def test_the_page_has_the_figures_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for successes, episodes in ((8, 10), (16, 20), (40, 50), (80, 100)):
        low, high = (round(100 * bound) for bound in wilson(successes, episodes))
        assert f"| {successes} of {episodes} | {low} to {high} % |" in text
    for first, second in ((90, 50), (80, 50), (80, 60), (90, 80), (80, 70)):
        assert f"| {first} % and {second} % | {episodes_needed(first / 100, second / 100)} |" in text
