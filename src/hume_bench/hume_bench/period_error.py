"""Figures of the period error of a loop, with its distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_system1.control.periods import summarize_periods

_POINTS_PER_DECADE = 12


def period_figures(periods: NDArray[np.float64], nominal: float, scheduler: str) -> dict[str, Any]:
    """Figures of measured periods.

    Args:
        periods: (k,) s.
        nominal: period aimed at, s.
        scheduler: that the loop had.

    Returns:
        `period_error_us` {p50, p99, p999, max}, `gaps_over_two_periods`, `rate_hz`, `scheduler`, and `distribution`:
        `share_above` (m,), from all periods down to one of them, and `period_error_us` (m,), which so large a share of
        the periods reaches or exceeds.
    """
    figures = summarize_periods(periods, nominal).figures(scheduler)
    error = np.sort(np.abs(periods - nominal))[::-1] * 1e6
    decades = float(np.log10(max(error.size, 1)))
    ranks = np.logspace(0.0, decades, 1 + round(_POINTS_PER_DECADE * decades)).round().astype(int)
    ranks = np.unique(ranks)[::-1] if error.size else ranks[:0]
    return figures | {
        "distribution": {
            "share_above": (ranks / max(error.size, 1)).tolist(),
            "period_error_us": error[ranks - 1].tolist(),
        }
    }
