"""Figures of one variant's episodes, and the file that holds a report."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hume_core.json_report import write_json
from hume_training.evaluation.intervals import wilson
from hume_training.evaluation.outcome import EpisodeOutcome


def figures(outcomes: Sequence[EpisodeOutcome]) -> dict[str, Any]:
    """Figures of one variant.

    Args:
        outcomes: at least one.

    Returns:
        `success` with its 95 % interval `ci95`, `episodes`, the share `wrong_cube`, and success `by_task`. `faults`
        holds the `share` of the episodes that ended in a fault, and how many for each of the `reasons`. `failures`
        holds the same of those that a rule of the scene ended. `held_s` is the mean time in HOLD of an episode, s.
        `median_duration_s` is that of the successes, None where there is none.
    """
    successes = [outcome for outcome in outcomes if outcome.success]
    return {
        "success": len(successes) / len(outcomes),
        "ci95": list(wilson(len(successes), len(outcomes))),
        "episodes": len(outcomes),
        "wrong_cube": sum(outcome.wrong_cube for outcome in outcomes) / len(outcomes),
        "faults": _endings([outcome.fault for outcome in outcomes]),
        "failures": _endings([outcome.failure for outcome in outcomes]),
        "held_s": statistics.fmean(outcome.held for outcome in outcomes),
        "median_duration_s": statistics.median(outcome.duration for outcome in successes) if successes else None,
        "by_task": _by_task(outcomes),
    }


def _endings(reasons: Sequence[str]) -> dict[str, Any]:
    """Share of the episodes that have a reason, and how many have which."""
    counts = Counter(reason for reason in reasons if reason)
    return {"share": counts.total() / len(reasons), "reasons": dict(counts.most_common())}


def _by_task(outcomes: Sequence[EpisodeOutcome]) -> dict[str, float]:
    kinds = sorted({outcome.task.split()[0] for outcome in outcomes})
    rates = {}
    for kind in kinds:
        mine = [outcome.success for outcome in outcomes if outcome.task.startswith(kind)]
        rates[kind] = sum(mine) / len(mine)
    return rates


def write_report(path: Path, content: Mapping[str, Any]) -> None:
    """Write figures as JSON. Numbers that are not finite, which JSON does not have, become null."""
    write_json(path, content, indent=1)
