"""What computes thoughts and segments for a session: at once, elsewhere, or many sessions at a time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hume_core.observation import Observation
from hume_system1.segment_planner import Refiner, SegmentRequest
from hume_system2.motion_in_progress import MotionInProgress
from hume_system2.thinker import ThoughtResult


class Engine(Protocol):
    """Takes requests at once and answers later. The session asks for the answer when its latency is over.

    A future may hold an `ObservationError`: the observation cannot be used.
    """

    def think(self, observation: Observation, in_progress: MotionInProgress | None = None) -> Future[ThoughtResult]:
        """A thought about one observation, while something is being carried out."""

    def refine(self, request: SegmentRequest) -> Future[NDArray[np.float64]]:
        """The actions (k, a) of a segment, real units."""


@dataclass(frozen=True)
class PolicyFacts:
    """What a session has to know of a policy besides its answers.

    Attributes:
        cameras: keys, in the policy's order.
        history: number of past states that System 1 wants.
        refiner: gives the sizes of chunk and segment, and un-normalises.
        model_id: identity of the checkpoint.
    """

    cameras: Sequence[str]
    history: int
    refiner: Refiner
    model_id: str = ""


def answered(value: Any) -> Future[Any]:
    """A future that has its answer already."""
    future: Future[Any] = Future()
    future.set_result(value)
    return future
