"""How well values tell which of several chunks of one state is right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hume_training.data.branches import Kind
from hume_training.evaluation.ranks import rank_correlation

_LONGEST = 12.0
"""What never succeeds counts like this many seconds."""

_DIFFERENT = 0.3
"""Outcomes that are nearer to each other say nothing about the order of two chunks, s."""

_NAMES = {
    Kind.OTHER_CUBE: "wrong_cube_ranked",
    Kind.GRIPPER: "wrong_gripper_ranked",
    Kind.OTHER_SCENE: "other_scene_ranked",
}


def choice_quality(
    values: NDArray[np.floating], seconds: NDArray[np.floating], kinds: NDArray[np.integer]
) -> dict[str, float]:
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
    outcome = -np.minimum(seconds, _LONGEST)
    mine = kinds == Kind.CANDIDATE
    candidates = [(values[i, mine[i]], outcome[i, mine[i]]) for i in range(len(values))]
    within = [rank_correlation(*pair) for pair in candidates if np.ptp(pair[1]) > _DIFFERENT]
    means = np.array([[pair[0].mean(), pair[1].mean()] for pair in candidates])
    regret = [(found.max() - found[value.argmax()], found.max() - found.mean()) for value, found in candidates]
    figures = {
        "within": _mean(within),
        "between": rank_correlation(means[:, 0], means[:, 1]),
        "regret_s": _mean([one for one, _ in regret]),
        "regret_random_s": _mean([other for _, other in regret]),
    }
    for kind, name in _NAMES.items():
        figures[name] = _ranked(values, outcome, mine, kinds == kind)
    return figures


def _ranked(
    values: NDArray[np.floating],
    outcome: NDArray[np.floating],
    candidates: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
) -> float:
    """Share of the pairs of a candidate and a worse chunk in which the candidate has the higher value."""
    pairs = candidates[:, :, None] & wrong[:, None, :]
    pairs &= outcome[:, :, None] > outcome[:, None, :] + _DIFFERENT
    right = values[:, :, None] > values[:, None, :]
    return float(right[pairs].mean()) if pairs.any() else float("nan")


def _mean(numbers: list[float]) -> float:
    known = [number for number in numbers if number == number]
    return float(np.mean(known)) if known else float("nan")
