"""Intervals, paired differences and rank correlations of an evaluation."""

from __future__ import annotations

import numpy as np
import pytest

from hume_training.evaluation.intervals import paired_difference, wilson
from hume_training.evaluation.value_quality import rank_correlation, summarise


def test_wilson_matches_published_values() -> None:
    low, high = wilson(81, 263)  # Newcombe 1998, table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == pytest.approx(1.0)


def test_paired_difference_uses_the_pairs() -> None:
    first = [True] * 60 + [False] * 40
    second = [True] * 50 + [False] * 50
    mean, (low, high) = paired_difference(first, second)
    assert mean == pytest.approx(0.1)
    assert 0.03 < low < 0.1 < high < 0.17
    assert paired_difference(first, first) == (0.0, (0.0, 0.0))


def test_rank_correlation_counts_ties() -> None:
    assert rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([0.0, 5.0, 9.0])) == pytest.approx(1.0)
    tied = rank_correlation(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 1.0, 0.0, 0.0]))
    assert tied == pytest.approx(-0.8944, abs=1e-4)
    assert np.isnan(rank_correlation(np.array([1.0, 2.0]), np.array([1.0, 1.0])))


def test_the_best_choice_bounds_the_others() -> None:
    report = summarise(np.array([[0.1, 0.9], [0.5, 0.2]]), np.array([[0.0, 1.0], [0.0, 1.0]]))
    assert report["success_of_first"] == 0.0
    assert report["success_of_highest_value"] == 0.5
    assert report["success_of_best"] == 1.0
