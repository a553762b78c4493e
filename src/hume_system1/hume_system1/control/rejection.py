"""Why something is not let in, and the checks of numbers that chunks and segments share."""

from __future__ import annotations

import enum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SHORTEST_DT = 1e-3
LONGEST_DT = 1.0
"""Time between two rows of a chunk or segment, s."""


class Rejection(enum.Enum):
    """Why something was not let in."""

    SHAPE = "shape"
    NAMES = "names"
    TWICE = "a joint named twice"
    ANCHOR = "anchor"
    NOT_FINITE = "not finite"
    DT = "dt"
    RANGE = "range"
    STEP = "step size"
    EPOCH = "epoch"
    SEQUENCE = "sequence"
    AGE = "age"
    FUTURE = "from the future"
    ACTION_SPACE = "action space"
    CHUNK = "chunk not admitted"
    OBSERVATION = "observation age"
    OUTLIER = "further than an arm can move"
    MALFORMED = "malformed"


def check_rows(rows: Array, lowest: Array | float, highest: Array | float, step: Array | float) -> Rejection | None:
    """Whether rows (k, m) are finite, within bounds, and no two neighbours further apart than `step`."""
    # What is not a number is not within bounds either: one look suffices for rows that are fine. Counting takes a third
    # of the time of `all` and `any`.
    within = (rows >= lowest) & (rows <= highest)
    if np.count_nonzero(within) != within.size:
        return Rejection.RANGE if np.isfinite(rows).all() else Rejection.NOT_FINITE
    return Rejection.STEP if np.count_nonzero(np.abs(rows[1:] - rows[:-1]) > step) else None
