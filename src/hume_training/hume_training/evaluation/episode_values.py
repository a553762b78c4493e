"""The value of the chosen candidate along successful and failed episodes: figures and picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.plot_file import BLUE, RED, plot_file
from hume_sim.suites import Suite
from hume_training.evaluation.episode import thought_period
from hume_training.evaluation.outcome import EpisodeOutcome

_THIRDS = ("first", "middle", "last")

_KINDS = (("successes", True, BLUE), ("failures", False, RED))

_LEAST_SHARE = 0.25
"""Of the episodes of a kind that must still run where their mean is drawn."""


def summarise_values(outcomes: Sequence[EpisodeOutcome]) -> dict[str, Any]:
    """How the value develops, and how well it tells success from failure.

    Args:
        outcomes: of episodes that were played from their start.

    Returns:
        For successes and failures the number of episodes and the mean value of each third of their thoughts.
        `roc_auc`, the area under the ROC curve of the mean value of an episode (`episode`) and of each third. None
        where there is nothing to take a mean of or to tell apart.
    """
    outcomes = [outcome for outcome in outcomes if outcome.values]
    success = np.array([outcome.success for outcome in outcomes], dtype=bool)
    thirds = np.array([_thirds(outcome.values) for outcome in outcomes]).reshape(-1, len(_THIRDS))
    means = np.array([np.mean(outcome.values) for outcome in outcomes])
    report: dict[str, Any] = {
        name: {
            "episodes": int((success == kind).sum()),
            **{third: _mean(column[success == kind]) for third, column in zip(_THIRDS, thirds.T, strict=True)},
        }
        for name, kind, _ in _KINDS
    }
    scores = {"episode": means, **dict(zip(_THIRDS, thirds.T, strict=True))}
    return report | {"roc_auc": {name: roc_auc(score[success], score[~success]) for name, score in scores.items()}}


def roc_auc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float | None:
    """Share of the pairs in which the positive one has the higher score, ties count half. NaN scores are left out.

    None where there are no pairs.
    """
    positive, negative = positive[~np.isnan(positive)], negative[~np.isnan(negative)]
    if not (positive.size and negative.size):
        return None
    # The area under the ROC curve is the probability that a random positive scores above a random negative: the
    # Mann-Whitney statistic divided by the number of pairs (Hanley and McNeil 1982).
    difference = positive[:, None] - negative[None]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def value_at(outcome: EpisodeOutcome, period: float, moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Value of the newest thought at moments of an episode.

    Args:
        outcome: of an episode that was played from its start.
        period: from thought to thought, s.
        moments: s from the start (k,).

    Returns:
        (k,). NaN outside the episode.
    """
    # Moments that fall on a thought belong to it, whatever their rounding.
    number = np.floor(moments / period + 1e-6).astype(int)
    outside = (number < 0) | (moments > outcome.duration + 1e-6)
    values = np.asarray(outcome.values)[np.clip(number, 0, len(outcome.values) - 1)]
    return np.where(outside, np.nan, values)


def plot_values(outcomes: Sequence[EpisodeOutcome], suite: Suite, path: Path, about: str) -> None:
    """Values against time from the start and to the end.

    Thin lines are episodes, thick ones their mean, bands one standard deviation either way.

    Args:
        outcomes: of episodes of the suite.
        suite: their timing.
        path: .svg or .png file.
        about: what was evaluated, for the title.
    """
    with plot_file(path, 3.8) as figure:
        axes = figure.subplots(1, 2, sharey=True)
        for name, kind, colour in _KINDS:
            mine = [outcome for outcome in outcomes if outcome.values and outcome.success == kind]
            for panel, from_end in zip(axes, (False, True), strict=True):
                _draw(panel, mine, thought_period(suite), from_end, colour, f"{len(mine)} {name}")
        axes[0].set_xlabel("time from the start, s")
        axes[1].set_xlabel("time to the end, s")
        axes[0].set_ylabel("value of the chosen candidate")
        axes[0].legend()
        figure.suptitle(f"{about}\nsuite {suite.name}. Bands: mean and one standard deviation")


def _draw(
    axes: Any, outcomes: Sequence[EpisodeOutcome], period: float, from_end: bool, colour: str, label: str
) -> None:
    if not outcomes:
        return
    count = 1 + int(max(outcome.duration for outcome in outcomes) / period)
    times = period * np.arange(1 - count if from_end else 0, 1 if from_end else count, dtype=np.float64)
    shifts = [outcome.duration if from_end else 0.0 for outcome in outcomes]
    lines = np.array([value_at(one, period, times + shift) for one, shift in zip(outcomes, shifts, strict=True)])
    axes.plot(times, lines.T, color=colour, alpha=0.15, linewidth=0.6)
    enough = (~np.isnan(lines)).mean(axis=0) >= _LEAST_SHARE
    mean, spread = np.nanmean(lines[:, enough], axis=0), np.nanstd(lines[:, enough], axis=0)
    axes.fill_between(times[enough], mean - spread, mean + spread, color=colour, alpha=0.2, linewidth=0)
    axes.plot(times[enough], mean, color=colour, linewidth=2, label=label)


def _thirds(values: Sequence[float]) -> list[float]:
    third = np.arange(len(values)) * len(_THIRDS) // len(values)
    parts = [np.asarray(values)[third == i] for i in range(len(_THIRDS))]
    return [float(part.mean()) if part.size else float("nan") for part in parts]


def _mean(values: NDArray[np.float64]) -> float | None:
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else None
