"""The best choice there is: follow every candidate in a copy of the simulator, then let the expert carry on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hume_core.chunk import Chunk
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_session import Latencies, LatencyModel, Listener, PolicyFacts, Session, SessionOptions
from hume_session.commanding import CommandStage
from hume_session.engine import answered
from hume_session.schedule import NS
from hume_sim.arm import ARM_JOINTS
from hume_sim.expert import ScriptedExpert
from hume_sim.scene import PLAIN
from hume_sim.sensors import PictureMaker
from hume_sim.world import TabletopWorld, WorldState
from hume_system1.model import System1
from hume_system1.refiners import PassThroughRefiner
from hume_system1.segment_planner import SegmentRequest
from hume_system2.model.thought import Thought
from hume_system2.motion_in_progress import MotionInProgress
from hume_system2.thinker import ThoughtResult
from hume_training.evaluation.arm import SimulatedArm, ros_time
from hume_training.evaluation.snapshot import Snapshot

LONGEST = 12.0
"""Longest time a candidate and the expert may take together, s."""

_AT_ONCE = LatencyModel(Latencies.constant(0.0), Latencies.constant(0.0))


Decider: TypeAlias = "Callable[[Snapshot, Observation, Thought], int]"
"""Which candidate of a thought to take: given the moment of the observation, the observation and the thought."""
MakeDecider: TypeAlias = "Callable[[Oracle], Decider]"


class _ChunkAsItIs:
    """An engine that hands the chunk's own rows on, and thinks nothing."""

    def __init__(self, refiner: PassThroughRefiner) -> None:
        self._refiner = refiner

    def think(self, observation: Observation, in_progress: MotionInProgress | None = None) -> Future[ThoughtResult]:
        """Never asked for: the session has no assignment."""
        raise NotImplementedError

    def refine(self, request: SegmentRequest) -> Future[NDArray[np.float64]]:
        """See `Engine`."""
        return answered(request.refined_by(self._refiner))


class Oracle:
    """Picks the chunk after which the expert succeeds soonest.

    It knows the simulator's state and what comes of each chunk, so no value head can be expected to choose better. The
    copy is driven through the control core, from the state in which the core is. Nothing disturbs the copy. System 1
    does not refine the chunks in it.

    Args:
        system1: un-normalises.
        profile: the robot.
        options: of the session.
        latency: from observation to chunk, s. Until then the arm follows the segment it has.
        scene: kind of the scene.
    """

    def __init__(
        self, system1: System1, profile: RobotProfile, options: SessionOptions, latency: float, scene: str = PLAIN
    ) -> None:
        self._world = TabletopWorld(scene=scene)
        self._expert = ScriptedExpert(self._world)
        self._profile, self._options, self._latency = profile, options, latency
        refiner = PassThroughRefiner(system1)
        self._facts, self._engine = PolicyFacts((), 1, refiner), _ChunkAsItIs(refiner)

    def decider(self) -> Decider:
        """Takes the best candidate."""

        def decide(moment: Snapshot, observation: Observation, thought: Thought) -> int:
            return self.best(moment, rows_of(thought), joints_at(observation, self._profile))

        return decide

    def best(self, snapshot: Snapshot, candidates: Sequence[NDArray[np.float32]], anchor: NDArray[np.float64]) -> int:
        """Index of the best of several chunks. The first where none leads to success.

        Args:
            snapshot: of the episode at the observation.
            candidates: (H, A) each, normalised and padded.
            anchor: (n,) joint positions at the observation, rad.
        """
        follow = self._arrival(snapshot, anchor)
        shortest, index = LONGEST, 0
        for i, rows in enumerate(candidates):
            taken = follow(rows, shortest)
            if taken < shortest:
                shortest, index = taken, i
        return index

    def times(
        self, snapshot: Snapshot, chunks: Sequence[NDArray[np.float32]], anchor: NDArray[np.float64]
    ) -> list[float]:
        """How long after the observation the expert succeeds that goes on from each chunk, s. Infinite: it does not.

        Args:
            snapshot, chunks, anchor: as in `best`.
        """
        follow = self._arrival(snapshot, anchor)
        taken = [follow(rows, LONGEST) for rows in chunks]
        return [seconds if seconds < LONGEST else math.inf for seconds in taken]

    def _arrival(
        self, snapshot: Snapshot, anchor: NDArray[np.float64]
    ) -> Callable[[NDArray[np.float32], float], float]:
        """Go on until a chunk arrives. What follows from there is a function of the chunk and the time allowed, s."""
        world = self._world
        world.set_state(snapshot.world)
        world.push_arm(np.zeros(len(ARM_JOINTS)))
        begin, stamp = world.elapsed, ros_time(world) / NS
        commands = self._follow(snapshot.commands.fork(Listener()), None, begin + self._latency)
        arrived = world.get_state()

        def follow(rows: NDArray[np.float32], allowed: float) -> float:
            chunk = self._chunk(stamp, rows, anchor, commands)
            return self._success_time(arrived, commands, chunk, begin, begin + allowed) - begin

        return follow

    def _chunk(
        self, stamp: float, rows: NDArray[np.float32], anchor: NDArray[np.float64], commands: CommandStage
    ) -> Chunk:
        intake, action = commands.core.intake, self._profile.action
        seq = commands.newest_numbers()[0] + 1
        space = self._profile.action_layout().action_space
        return Chunk(stamp, intake.epoch, seq, action.dt, rows, anchor, self._profile.joint_names, space)

    def _success_time(
        self, state: WorldState, commands: CommandStage, chunk: Chunk, begin: float, limit: float
    ) -> float:
        """The world's time when the task is fulfilled, or one from `limit` on, s. Infinite: the scene has failed."""
        world = self._world
        world.set_state(state)
        self._follow(commands.fork(Listener()), chunk, begin + chunk.dt * len(chunk.rows))
        self._expert.resume()
        while not world.success() and not world.failure and world.elapsed < limit:
            self._expert.step()
        return math.inf if world.failure else world.elapsed

    def _follow(self, commands: CommandStage, chunk: Chunk | None, end: float) -> CommandStage:
        """Go on until the world's time is `end` or the task is fulfilled. With a chunk that arrives now, or without."""
        world = self._world
        session = Session(self._profile, self._facts, self._engine, _AT_ONCE, self._options, Listener(), commands)
        arm = SimulatedArm(world, session, {}, PictureMaker(16, 16))
        arm.begin()
        if chunk is not None:
            session.offer(chunk)
        while world.elapsed < end - 1e-9 and not world.success() and not world.failure:
            _finish(arm.step())
        return session.commands


def joints_at(observation: Observation, profile: RobotProfile) -> NDArray[np.float64]:
    """Joint positions (n,) at an observation, rad."""
    return np.asarray(observation.state[0, -1, : len(profile.joints)], dtype=np.float64)


def rows_of(thought: Thought) -> list[NDArray[np.float32]]:
    """The candidates of a thought about one observation, (H, A) each."""
    return [rows.numpy() for rows in thought.candidates[0]]


def _finish(waits: Any) -> None:
    """Nothing here waits for anything."""
    for _ in waits:
        raise AssertionError("an answer is missing")
