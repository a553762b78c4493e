"""One closed-loop episode with the timing of the real nodes, on the simulator's clock.

Episodes are generators that ask for thoughts and segments, so that many of them can share one model and be answered as
one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_sim.arm import ARM_JOINTS
from hume_sim.scene import CUBES
from hume_sim.world import TabletopWorld, WorldState
from hume_system1.chunk_switch import ChunkSwitch
from hume_system1.denoiser import Chunk, Denoiser, Segment, SegmentRequest
from hume_system1.refiners import PassThroughRefiner, System1Refiner
from hume_system2.model.thought import Thought
from hume_training.collect.recorder import CAMERAS
from hume_training.evaluation.following import TICK, follow
from hume_training.evaluation.oracle import Oracle
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.suites import Disturbances, Suite
from hume_training.evaluation.variants import Variant, choose

_EPOCH = 1


@dataclass(frozen=True)
class Outcome:
    """How an episode ended.

    Attributes:
        seed: of the scene.
        task: short form.
        success: the task was fulfilled within the time limit.
        duration: simulated time, s.
        wrong_cube: another cube than the named one ended up lifted.
        values: value of what each thought chose.
    """

    seed: int
    task: str
    success: bool
    duration: float
    wrong_cube: bool
    values: tuple[float, ...]


@dataclass(frozen=True)
class ThoughtRequest:
    """Wanted: candidates and values; answered with a `Thought` about one observation.

    Attributes:
        observation: one.
        noise: of the candidates (N, 1, H, A).
    """

    observation: Observation
    noise: Tensor


Request: TypeAlias = "ThoughtRequest | SegmentRequest"
"""The answer to the latter is a refined segment (h, a) in real units."""

Episode: TypeAlias = "Generator[Request, Thought | NDArray[np.float64], Outcome]"
Watch: TypeAlias = "Callable[[TabletopWorld], None] | None"


class Runner:
    """Plays episodes of one variant in one world.

    Args:
        world: owned by the caller.
        policy: what acts.
        profile: the robot; its action space must be the policy's.
        suite: timing and disturbances.
        variant: how to think and act.
        seed: moves the noise.
    """

    def __init__(
        self, world: TabletopWorld, policy: Policy, profile: RobotProfile, suite: Suite, variant: Variant, seed: int
    ) -> None:
        self.world = world
        self._config = policy.system2.config
        self._profile, self._suite, self._variant, self._seed = profile, suite, variant, seed
        self._substeps = round(TICK / world.timestep)
        self._refiner = (System1Refiner if variant.refine else PassThroughRefiner)(policy.system1)
        self._oracle = Oracle(policy.system1, profile, suite.system2_latency) if variant.choice == "oracle" else None
        self._forced: NDArray[np.float32] | None = None

    def run(self, seed: int, task: str, watch: Watch = None) -> Episode:
        """One episode of a scene; `watch` is called after each command, before the physics."""
        self.world.reset(seed, task)
        self.world.push_arm(np.zeros(len(ARM_JOINTS)))
        self._begin(seed)
        return self._continue(seed, Disturbances(self._suite, seed), watch)

    def branch(self, state: WorldState, rows: NDArray[np.float32], draw: int = 0) -> Episode:
        """Go on from a snapshot with a given first chunk (H, A), undisturbed.

        Args:
            state: of the world.
            rows: normalised, padded.
            draw: moves the noise of the later thoughts.
        """
        self.world.set_state(state)
        self._begin(state.seed + 7919 * (draw + 1))
        self._next_thought = self._next_segment = self.world.elapsed
        self._forced = rows
        calm = Disturbances(replace(self._suite, disturbances=0, drift=0.0), state.seed)
        return self._continue(state.seed, calm, None)

    def thought_at(self, state: WorldState) -> ThoughtRequest:
        """What has to be thought about at a snapshot."""
        self.world.set_state(state)
        self._begin(state.seed)
        return self._request()

    def _continue(self, seed: int, disturbances: Disturbances, watch: Watch) -> Episode:
        world, suite = self.world, self._suite
        while world.elapsed < suite.time_limit and not world.success():
            yield from self._think()
            yield from self._denoise()
            if self._segment is not None:
                follow(world, self._segment)
            disturbances.apply(world)
            if watch is not None:
                watch(world)
            world.step(self._substeps)
        success = world.success()
        return Outcome(seed, str(world.task), success, world.elapsed, self._wrong(success), tuple(self._values))

    def _begin(self, seed: int) -> None:
        self._denoiser = Denoiser(self._refiner, self._profile, ChunkSwitch(self._suite.chunk_switch))
        self._denoiser.begin_epoch(_EPOCH)
        self._generator = torch.Generator().manual_seed(seed * 1_000_003 + self._seed)
        self._next_thought = self._next_segment = 0.0
        self._chunks: list[tuple[float, Chunk]] = []
        self._segments: list[tuple[float, Segment]] = []
        self._segment: Segment | None = None
        self._forced = None
        self._count = 0
        self._values: list[float] = []
        self._first_images: dict[str, NDArray[np.uint8]] | None = None
        self._instruction = self._said()

    def _said(self) -> str:
        task = self.world.task
        if self._variant.control != "swapped":
            return task.instruction
        other = next(cube for cube in CUBES if cube not in task.cubes)
        return task.instruction.replace(task.cube, other, 1)

    def _observation(self, instruction: str) -> Observation:
        images = {key: self.world.render(camera)[None] for key, camera in CAMERAS.items()}
        if self._variant.control == "blank":
            images = {key: np.zeros_like(image) for key, image in images.items()}
        if self._variant.control == "stale":
            self._first_images = images = self._first_images or images
        return Observation(images, self._state(), [instruction])

    def _state(self) -> NDArray[np.float32]:
        return self.world.joint_state().position.astype(np.float32)[None, None]

    def _joints(self) -> NDArray[np.float64]:
        return self.world.joint_state().position[: len(ARM_JOINTS)].copy()

    def _think(self) -> Generator[Request, Thought | NDArray[np.float64], None]:
        """Start a thought when one is due; its chunk arrives after the latency."""
        now, suite = self.world.elapsed, self._suite
        if now + 1e-9 >= self._next_thought:
            self._next_thought = now + _thought_pause(suite)
            chunk = yield from self._thought(now)
            self._chunks.append((now + suite.system2_latency, chunk))
        while self._chunks and self._chunks[0][0] <= now + 1e-9:
            self._denoiser.offer(self._chunks.pop(0)[1])

    def _request(self) -> ThoughtRequest:
        variant, config = self._variant, self._config
        count = variant.candidates or config.num_candidates
        shape = (count, 1, config.s2_chunk_size, config.max_action_dim)
        noise = torch.randn(shape, generator=self._generator) * variant.noise_scale
        return ThoughtRequest(self._observation(self._instruction), noise)

    def _thought(self, now: float) -> Generator[Request, Thought | NDArray[np.float64], Chunk]:
        anchor = self._joints()
        self._count += 1
        rows, self._forced = self._forced, None
        if rows is not None:
            return self._chunk(now, rows, anchor)
        thought = yield self._request()
        assert isinstance(thought, Thought)
        if self._oracle is None:
            chosen, value = choose(self._variant, thought, self._generator)
            self._values.append(value)
            return self._chunk(now, chosen.numpy(), anchor)
        chunks = [self._chunk(now, rows, anchor) for rows in thought.candidates[0].numpy()]
        index = self._oracle.best(self.world.get_state(), self._segment, chunks)
        self._values.append(float(thought.values[0, index]))
        return chunks[index]

    def _chunk(self, now: float, rows: NDArray[np.float32], anchor: NDArray[np.float64]) -> Chunk:
        return Chunk(now, _EPOCH, self._count, self._profile.action.dt, rows, anchor)

    def _denoise(self) -> Generator[Request, Thought | NDArray[np.float64], None]:
        """Start a segment when one is due; it arrives after the latency."""
        now, suite = self.world.elapsed, self._suite
        if now + 1e-9 >= self._next_segment:
            chunk = self._denoiser.chunk_at(now)
            if chunk is not None:
                self._next_segment = now + max(1.0 / suite.system1_rate, suite.system1_latency)
                segment = yield from self._segment_at(chunk, now)
                self._segments.append((now + suite.system1_latency, segment))
        while self._segments and self._segments[0][0] <= now + 1e-9:
            self._segment = self._segments.pop(0)[1]

    def _segment_at(self, chunk: Chunk, now: float) -> Generator[Request, Thought | NDArray[np.float64], Segment]:
        if not self._variant.refine:
            return self._denoiser.denoise(chunk, Observation({}, self._state(), [""]), self._joints(), now)
        request = self._denoiser.request(chunk, self._observation(""), self._joints(), now)
        actions = yield request
        assert isinstance(actions, np.ndarray)
        return self._denoiser.finish(request, actions)

    def _wrong(self, success: bool) -> bool:
        if success:
            return False
        heights = {cube: self.world.cube_pose(cube)[2] for cube in CUBES}
        return any(height > 0.05 for cube, height in heights.items() if cube != self.world.task.cube)


def thought_period(suite: Suite) -> float:
    """Time from thought to thought of an episode, whole commands, s."""
    return TICK * float(np.ceil(_thought_pause(suite) / TICK - 1e-6))


def _thought_pause(suite: Suite) -> float:
    return max(1.0 / suite.system2_rate, suite.system2_latency)
