"""How well values tell which of several chunks of one state is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hume_training.data.branches import Kind
from hume_training.evaluation.ranks import rank_correlation

_LONGEST = 12.0
"""What never succeeds counts like this many seconds."""

_DIFFERENT = 0.3
"""Outcomes that are nearer to each other say nothing about the order of two chunks, s."""

_RESAMPLES = 1000

_NAMES = {
    Kind.OTHER_CUBE: "wrong_cube_ranked",
    Kind.GRIPPER: "wrong_gripper_ranked",
    Kind.OTHER_SCENE: "other_scene_ranked",
}

Numbers = NDArray[np.floating]


@dataclass(frozen=True)
class _States:
    """What each of S states contributes.

    Attributes:
        within: rank correlation among its candidates. NaN where their outcomes do not differ.
        means: value and outcome of its candidates, on average (S, 2).
        regret: time lost by the candidate of the highest value, and by one at random, s (S, 2).
        pairs: by name of a figure, how many pairs there are, and in how many the candidate has the higher value (S, 2).
    """

    within: NDArray[np.float64]
    means: NDArray[np.float64]
    regret: NDArray[np.float64]
    pairs: dict[str, NDArray[np.int64]]

    @classmethod
    def of(cls, values: Numbers, seconds: Numbers, kinds: NDArray[np.integer]) -> _States:
        """See `choice_quality`."""
        outcome = -np.minimum(seconds, _LONGEST)
        mine = kinds == Kind.CANDIDATE
        states = [(value[own], found[own]) for value, found, own in zip(values, outcome, mine, strict=True)]
        return cls(
            np.array([rank_correlation(*state) if np.ptp(state[1]) > _DIFFERENT else np.nan for state in states]),
            np.array([[value.mean(), found.mean()] for value, found in states]),
            np.array([[found.max() - found[value.argmax()], found.max() - found.mean()] for value, found in states]),
            {name: _pairs(values, outcome, mine, kinds == kind) for kind, name in _NAMES.items()},
        )

    def figures(self, picked: NDArray[np.integer]) -> dict[str, float]:
        """Over some of the states, each as often as it is picked."""
        means, regret = self.means[picked], self.regret[picked]
        figures = {
            "within": _mean(self.within[picked]),
            "between": rank_correlation(means[:, 0], means[:, 1]),
            "regret_s": _mean(regret[:, 0]),
            "regret_random_s": _mean(regret[:, 1]),
        }
        for name, counts in self.pairs.items():
            total, right = counts[picked].sum(axis=0)
            figures[name] = float(right / total) if total else float("nan")
        return figures


def choice_quality(values: Numbers, seconds: Numbers, kinds: NDArray[np.integer]) -> dict[str, float]:
    """Figures of values (S, K) of chunks whose outcomes are known.

    Args:
        values: (S, K).
        seconds: (S, K) to success, s. Infinite where it never came.
        kinds: (S, K) of `Kind`.

    Returns:
        `within`: mean rank correlation of value and outcome among the candidates of a state. `between`: that of the
        states' means. `wrong_cube_ranked`, `wrong_gripper_ranked` and `other_scene_ranked`: of all pairs of a candidate
        and a worse chunk of that kind, the share in which the candidate has the higher value. `regret_s`: how much
        later success comes after the candidate of the highest value than after the best one, `regret_random_s`: than
        after one at random, s. NaN where nothing can be said.
    """
    return _States.of(values, seconds, kinds).figures(np.arange(len(values)))


def choice_intervals(
    values: Numbers, seconds: Numbers, kinds: NDArray[np.integer], episodes: NDArray[np.integer], seed: int = 0
) -> dict[str, tuple[float, float]]:
    """95 % intervals of the same figures: percentile bootstrap over the episodes, whose states are alike.

    Args:
        values, seconds, kinds: as in `choice_quality`.
        episodes: (S,) of the states.
        seed: of the draws.
    """
    states = _States.of(values, seconds, kinds)
    members = [np.flatnonzero(episodes == episode) for episode in np.unique(episodes)]
    rng = np.random.default_rng([seed, 10])
    drawn = [
        states.figures(np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))]))
        for _ in range(_RESAMPLES)
    ]
    return {name: _interval(np.array([figures[name] for figures in drawn])) for name in drawn[0]}


def _pairs(
    values: Numbers, outcome: Numbers, candidates: NDArray[np.bool_], wrong: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Of each state: pairs of a candidate and a worse chunk, and those in which the candidate has the higher value."""
    pairs = candidates[:, :, None] & wrong[:, None, :]
    pairs &= outcome[:, :, None] > outcome[:, None, :] + _DIFFERENT
    right = pairs & (values[:, :, None] > values[:, None, :])
    return np.stack([pairs.sum(axis=(1, 2)), right.sum(axis=(1, 2))], axis=1)


def _mean(numbers: NDArray[np.float64]) -> float:
    known = numbers[~np.isnan(numbers)]
    return float(known.mean()) if len(known) else float("nan")


def _interval(numbers: NDArray[np.float64]) -> tuple[float, float]:
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
