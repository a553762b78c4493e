"""What acts in an evaluation: both systems of a checkpoint, asked for many episodes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from hume_core.observation import Observation
from hume_core.policy_contract import PolicyContract
from hume_system1.model import System1
from hume_system1.segment_planner import SegmentRequest
from hume_system2.model import System2
from hume_system2.model.thought import Thought
from hume_system2.motion_in_progress import MotionInProgress
from hume_training.evaluation.variants import Variant


@dataclass(frozen=True)
class ThoughtRequest:
    """Wanted: candidates and values.

    Attributes:
        observation: one.
        noise: of the candidates (N, 1, H, A).
        in_progress: what is being carried out meanwhile.
    """

    observation: Observation
    noise: torch.Tensor
    in_progress: MotionInProgress | None = None


class Policy:
    """Both systems of a checkpoint.

    Args:
        system2: proposes.
        system1: refines.
    """

    def __init__(self, system2: System2, system1: System1) -> None:
        self.system2, self.system1 = system2, system1

    @property
    def contract(self) -> PolicyContract | None:
        """What its rows mean. None: the checkpoint does not say."""
        return self.system2.contract

    @classmethod
    def load(cls, checkpoint: str) -> Policy:
        """Read a checkpoint folder or hub name."""
        return cls(System2.from_pretrained(checkpoint), System1.from_pretrained(checkpoint))

    def think(self, requests: Sequence[ThoughtRequest], variant: Variant) -> list[Thought]:
        """A thought about each observation, as a variant thinks. All have the same number of candidates."""
        noise = torch.cat([request.noise for request in requests], dim=1)
        observation = stacked([request.observation for request in requests])
        thought = self.system2.think(
            observation,
            len(noise),
            variant.time_temp,
            noise=noise,
            in_progress=[request.in_progress for request in requests],
            agreement_weight=variant.agreement_weight,
        )
        return [one_of(thought, i) for i in range(len(requests))]

    def refine(self, requests: Sequence[SegmentRequest]) -> list[NDArray[np.float64]]:
        """Actions (h, a) of each segment, real units."""
        observation = stacked([request.observation for request in requests])
        rows = np.stack([request.chunk.rows for request in requests])
        progress = torch.tensor([request.progress for request in requests], dtype=torch.float32)
        moved = np.stack([request.moved for request in requests])
        refined = self.system1.refine(observation, rows, progress, moved=moved)
        return list(np.asarray(refined.float().cpu().numpy(), dtype=np.float64))


def stacked(observations: Sequence[Observation]) -> Observation:
    """Observations of one robot each as one batch."""
    images = {
        key: np.concatenate([observation.images[key] for observation in observations]) for key in observations[0].images
    }
    state = np.concatenate([np.asarray(observation.state) for observation in observations])
    return Observation(images, state, [observation.task[0] for observation in observations])


def one_of(thought: Thought, i: int) -> Thought:
    """The thought about the i-th observation."""
    part = slice(i, i + 1)
    return Thought(
        thought.candidates[part], thought.values[part], thought.weights[part], thought.chunk[part],
        thought.noise_levels, thought.euler_steps,
    )  # fmt: skip
