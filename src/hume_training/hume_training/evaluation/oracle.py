"""The best choice there is: follow every candidate in a copy of the simulator, then let the expert carry on."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_sim.expert import ScriptedExpert
from hume_sim.world import TabletopWorld, WorldState
from hume_system1.denoiser import Chunk, Denoiser, Segment, SegmentRequest
from hume_system1.model import System1
from hume_system1.refiners import PassThroughRefiner
from hume_training.evaluation.following import TICK, follow

_PATIENCE = 12.0
"""Longest time a candidate and the expert may take together, s."""


class Oracle:
    """Picks the chunk after which the expert succeeds soonest.

    It knows the simulator's state and what comes of each chunk, so no value head can be expected to choose better.
    Nothing disturbs the copy, and System 1 does not refine the chunks in it.

    Args:
        system1: un-normalises.
        profile: the robot.
        latency: from observation to chunk, s; until then the arm follows the segment it has.
    """

    def __init__(self, system1: System1, profile: RobotProfile, latency: float) -> None:
        self._world = TabletopWorld()
        self._expert = ScriptedExpert(self._world)
        self._refiner = PassThroughRefiner(system1)
        self._denoiser = Denoiser(self._refiner, profile)
        self._latency = latency

    def best(self, state: WorldState, segment: Segment | None, chunks: Sequence[Chunk]) -> int:
        """Index of the best of several chunks; the first where none leads to success.

        Args:
            state: of the world at the observation.
            segment: the one in use; None: the arm keeps its last command.
            chunks: made from that observation.
        """
        world = self._world
        world.set_state(state)
        begin = world.elapsed
        self._follow(segment, begin + self._latency)
        arrived = world.get_state()
        shortest, index = _PATIENCE, 0
        for i, chunk in enumerate(chunks):
            world.set_state(arrived)
            taken = self._success_time(chunk, begin + shortest) - begin
            if taken < shortest:
                shortest, index = taken, i
        return index

    def _success_time(self, chunk: Chunk, limit: float) -> float:
        """The world's time when the task is fulfilled, or one from `limit` on, s."""
        world = self._world
        self._follow(self._whole(chunk), chunk.stamp + chunk.dt * len(chunk.rows))
        self._expert.resume()
        while not world.success() and world.elapsed < limit:
            self._expert.step()
        return world.elapsed

    def _follow(self, segment: Segment | None, end: float) -> None:
        """Follow a segment until the world's time is `end` or the task is fulfilled."""
        world = self._world
        steps = round(TICK / world.timestep)
        while world.elapsed < end - 1e-9 and not world.success():
            if segment is not None:
                follow(world, segment)
            world.step(steps)

    def _whole(self, chunk: Chunk) -> Segment:
        """All of a chunk as one segment."""
        observation = Observation({}, chunk.anchor.astype(np.float32)[None, None], [""])
        request = SegmentRequest(chunk, observation, np.zeros_like(chunk.anchor), 0, 0.0, time.monotonic())
        return self._denoiser.finish(request, self._refiner.unnormalise(chunk.rows))
