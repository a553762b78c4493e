"""What computes the thoughts and segments of evaluated episodes: many episodes as one batch, or one as the nodes do."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hume_core.observation import Observation
from hume_session.engine import answered
from hume_system1.refiners import PassThroughRefiner, System1Refiner
from hume_system1.segment_planner import Refiner, SegmentRequest
from hume_system2.choosers import CHOOSERS, one_hot
from hume_system2.model.thought import Thought, combine
from hume_system2.motion_in_progress import MotionInProgress
from hume_system2.thinker import Thinker, ThinkingOptions, ThoughtResult
from hume_training.evaluation.policy import Policy, ThoughtRequest
from hume_training.evaluation.variants import Variant

Choice = Callable[[Thought], int]
"""Picks a candidate of a thought."""
Judge = Callable[[Observation], Choice]
"""Called when a thought begins. What it gives is asked when the thought is over."""


class BatchEngine:
    """Collects requests of many episodes and answers them together.

    Args:
        policy: answers.
        variant: how to think.
    """

    def __init__(self, policy: Policy, variant: Variant) -> None:
        self.policy = policy
        self._variant = variant
        self._thoughts: list[tuple[ThoughtRequest, Future[Thought]]] = []
        self._segments: list[tuple[SegmentRequest, Future[NDArray[np.float64]]]] = []

    def think(self, request: ThoughtRequest) -> Future[Thought]:
        """A thought. All of a batch have the same number of candidates."""
        self._thoughts.append((request, Future()))
        return self._thoughts[-1][1]

    def refine(self, request: SegmentRequest) -> Future[NDArray[np.float64]]:
        """The actions of a segment."""
        self._segments.append((request, Future()))
        return self._segments[-1][1]

    def compute(self) -> None:
        """Answer everything that was asked for."""
        thoughts, self._thoughts = self._thoughts, []
        segments, self._segments = self._segments, []
        if thoughts:
            found = self.policy.think([request for request, _ in thoughts], self._variant)
            for (_, future), thought in zip(thoughts, found, strict=True):
                future.set_result(thought)
        if segments:
            answers = self.policy.refine([request for request, _ in segments])
            for (_, wanted), actions in zip(segments, answers, strict=True):
                wanted.set_result(actions)


def refiner_of(policy: Policy, variant: Variant) -> Refiner:
    """System 1, or the pass-through, as the variant says."""
    return (System1Refiner if variant.refine else PassThroughRefiner)(policy.system1)


class EpisodeEngine:
    """The engine of one episode of a variant. See `hume_session.Engine`.

    Args:
        batch: computes.
        refiner: of the variant.
        variant: how to think and choose.
        seed: of the noise.
        judge: chooses in place of the variant. None: the variant does.

    Attributes:
        values: of what each thought chose.
    """

    def __init__(
        self,
        batch: BatchEngine,
        refiner: Refiner,
        variant: Variant,
        seed: int,
        judge: Judge | None = None,
    ) -> None:
        self._batch, self._refiner, self._variant, self._judge = batch, refiner, variant, judge
        self._noise = torch.Generator().manual_seed(seed)
        # A generator of its own: what is drawn for the choice must not move the noise.
        self._choices = torch.Generator().manual_seed(seed + 1)
        self._first_images: dict[str, Any] | None = None
        self._forced: NDArray[np.float32] | None = None
        self.values: list[float] = []

    def force(self, rows: NDArray[np.float32]) -> None:
        """Let the next thought come to this chunk (H, A), normalised and padded."""
        self._forced = rows

    def request(self, observation: Observation, in_progress: MotionInProgress | None = None) -> ThoughtRequest:
        """What the policy is asked about an observation."""
        variant, config = self._variant, self._batch.policy.system2.config
        count = variant.candidates or config.num_candidates
        shape = (count, 1, config.s2_chunk_size, config.max_action_dim)
        noise = torch.randn(shape, generator=self._noise) * variant.noise_scale
        return ThoughtRequest(self._seen(observation), noise, in_progress)

    def think(self, observation: Observation, in_progress: MotionInProgress | None = None) -> Future[ThoughtResult]:
        """See `Engine`."""
        if self._forced is not None:
            rows, self._forced = self._forced, None
            return answered(_forced_result(rows))
        result: Future[ThoughtResult] = Future()
        choice = None if self._judge is None else self._judge(observation)
        self._batch.think(self.request(observation, in_progress)).add_done_callback(
            lambda thought: _settle(result, lambda: self._chosen(thought.result(), choice))
        )
        return result

    def refine(self, request: SegmentRequest) -> Future[NDArray[np.float64]]:
        """See `Engine`."""
        if not self._variant.refine:
            return answered(request.refined_by(self._refiner))
        return self._batch.refine(replace(request, observation=self._seen(request.observation)))

    def _chosen(self, thought: Thought, choice: Choice | None) -> ThoughtResult:
        weights = self._weights(thought, choice)
        chosen = replace(thought, weights=weights, chunk=combine(thought.candidates, weights))
        result = ThoughtResult.of(self._batch.policy.system2, chosen, 0.0)
        self.values.append(result.value)
        return result

    def _weights(self, thought: Thought, choice: Choice | None) -> torch.Tensor:
        if choice is not None:
            return one_hot(torch.tensor([choice(thought)]), thought.values)
        if self._variant.choice == "value":
            return thought.weights
        return CHOOSERS[self._variant.choice](thought.candidates, thought.values, 0.0, self._choices)

    def _seen(self, observation: Observation) -> Observation:
        """The observation under the variant's control: blank images, or those of the start."""
        images = dict(observation.images)
        if self._variant.control == "blank":
            images = {key: np.zeros_like(image) for key, image in images.items()}
        elif self._variant.control == "stale":
            self._first_images = images = self._first_images or images
        else:
            return observation
        return replace(observation, images=images)


class ExactEngine:
    """Computes one thought and one segment at a time, just as the nodes and `hume regress` do.

    Batches of other sizes give other last bits. A recording that is to be repeated byte by byte needs this one.

    Args:
        policy: answers.
        refiner: of the variant.
        variant: how to think. It has to be one that the nodes have settings for.
        seed: of the noise.
    """

    def __init__(self, policy: Policy, refiner: Refiner, variant: Variant, seed: int) -> None:
        options = ThinkingOptions(variant.candidates, variant.time_temp, chooser=variant.choice, seed=seed)
        self._thinker, self._refiner = Thinker(policy.system2, options), refiner
        self.values: list[float] = []

    def think(self, observation: Observation, in_progress: MotionInProgress | None = None) -> Future[ThoughtResult]:
        """See `Engine`."""
        result: Future[ThoughtResult] = Future()
        _settle(result, lambda: self._thinker.think(observation, in_progress))
        if result.exception() is None:
            self.values.append(result.result().value)
        return result

    def refine(self, request: SegmentRequest) -> Future[NDArray[np.float64]]:
        """See `Engine`."""
        result: Future[NDArray[np.float64]] = Future()
        _settle(result, lambda: request.refined_by(self._refiner))
        return result


def _settle(future: Future[Any], make: Callable[[], Any]) -> None:
    try:
        future.set_result(make())
    except Exception as error:  # in a callback it would be lost, and the waiting thread would wait for ever
        future.set_exception(error)


def _forced_result(rows: NDArray[np.float32]) -> ThoughtResult:
    one = np.ones(1, dtype=np.float32)
    return ThoughtResult(rows, rows[None], 0 * one, 0 * one, one, 0.0)
