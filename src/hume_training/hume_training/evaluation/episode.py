"""One closed-loop episode: a session in the simulator, on the simulator's clock, with the suite's rates and latencies.

Episodes are generators that give the futures they wait for, so that many of them can share one model and be answered as
one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from hume_core.kinematics import Kinematics
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_core.state_composer import StateComposer
from hume_session import Latencies, LatencyModel, Listener, PolicyFacts, Session, SessionOptions
from hume_session.commanding import CommandStage
from hume_session.engine import Engine
from hume_sim.disturbances import PERIOD, Disturbances
from hume_sim.robots import camera_names
from hume_sim.scene import CUBES
from hume_sim.sensors import PictureMaker
from hume_sim.suites import Suite
from hume_sim.world import TabletopWorld
from hume_system1.chunk_switch import ChunkSwitch
from hume_system2.model.thought import Thought
from hume_training.evaluation.arm import SimulatedArm, suite_profile
from hume_training.evaluation.engine import BatchEngine, Choice, EpisodeEngine, ExactEngine, refiner_of
from hume_training.evaluation.oracle import MakeDecider, Oracle
from hume_training.evaluation.outcome import EpisodeOutcome, ModeWatch, RecordedEpisode
from hume_training.evaluation.policy import ThoughtRequest
from hume_training.evaluation.snapshot import Snapshot
from hume_training.evaluation.variants import Variant

_DIGITS = 6
"""Of latencies in s: what a recorded segment can tell exactly."""


Episode: TypeAlias = "Generator[Future[Any], None, EpisodeOutcome]"
Watch: TypeAlias = "Callable[[Runner], None] | None"
"""Called after each command, before the physics."""


class Runner:
    """Plays episodes of one variant in one world.

    Args:
        world: owned by the caller.
        batch: computes thoughts and segments.
        profile: the robot. Its action space must be the policy's.
        suite: timing and disturbances.
        variant: how to think and act.
        seed: moves the noise.
        maker: draws the camera images.
        kinematics: of the arm, for action spaces of the end effector.
        decide: makes what chooses in place of the variant. None: the variant does.

    Attributes:
        suite: as given.
        profile: the robot with the suite's rates.
        cameras: policy key -> camera of the scene.
        session: of the episode at hand. None before the first.
    """

    def __init__(
        self,
        world: TabletopWorld,
        batch: BatchEngine,
        profile: RobotProfile,
        suite: Suite,
        variant: Variant,
        seed: int,
        maker: PictureMaker,
        kinematics: Kinematics | None = None,
        decide: MakeDecider | None = None,
    ) -> None:
        self.world = world
        self._batch, self.suite, self._variant, self._seed = batch, suite, variant, seed
        self.profile, self._maker = suite_profile(profile, suite), maker
        self._composer = StateComposer.of(self.profile)
        self.cameras = camera_names(self.profile)
        self._options = SessionOptions(ChunkSwitch(suite.chunk_switch), kinematics=kinematics)
        self._latency = LatencyModel(
            *(Latencies.constant(round(latency, _DIGITS)) for latency in (suite.system2_latency, suite.system1_latency))
        )
        self._refiner = refiner_of(batch.policy, variant)
        self._facts = PolicyFacts(tuple(profile.cameras), _history(batch.policy.system1), self._refiner)
        if decide is None and variant.choice == "oracle":
            decide = Oracle.decider
        self._decide = None if decide is None else decide(self.oracle())
        self._moment: Snapshot | None = None
        self._moment_due = False
        self.session: Session | None = None

    def oracle(self) -> Oracle:
        """What tells what comes of a chunk in this suite."""
        suite = self.suite
        return Oracle(self._batch.policy.system1, self.profile, self._options, suite.system2_latency, suite.scene)

    def run(self, seed: int, task: str, watch: Watch = None) -> Episode:
        """One episode of a scene."""
        self.world.reset(seed, task)
        engine = self.engine(seed)
        return self.play(engine, ModeWatch(), watch, lambda: engine.values)

    def play(self, engine: Engine, listener: ModeWatch, watch: Watch, values: Callable[[], list[float]]) -> Episode:
        """The world's present scene from its start, with an engine and a listener that are given."""
        world = self.world
        self.session = session = self._session(engine, listener)
        arm = SimulatedArm(world, session, self.cameras, self._maker)
        arm.begin()
        session.assign(self._said())
        return self._continue(arm, Disturbances(self.suite, world.seed), listener, watch, values)

    def branch(self, snapshot: Snapshot, rows: np.ndarray[Any, np.dtype[np.float32]], draw: int = 0) -> Episode:
        """Go on from a snapshot with a given first chunk (H, A), undisturbed.

        Args:
            snapshot: of an episode.
            rows: normalised, padded.
            draw: moves the noise of the later thoughts.
        """
        world, listener = self.world, ModeWatch()
        world.set_state(snapshot.world)
        engine = self.engine(world.seed + 7919 * (draw + 1))
        engine.force(rows)
        self.session = session = self._session(engine, listener, snapshot.commands.fork(listener))
        arm = SimulatedArm(world, session, self.cameras, self._maker)
        arm.begin()
        session.resume(self._said())
        calm = Disturbances(replace(self.suite, disturbances=0, drift=0.0), world.seed)
        return self._continue(arm, calm, listener, None, lambda: engine.values)

    def snapshot(self) -> Snapshot:
        """The present moment of the episode."""
        assert self.session is not None
        return Snapshot(self.world.get_state(), self.session.commands.fork(Listener()))

    def thought_at(self, snapshot: Snapshot) -> ThoughtRequest:
        """What has to be thought about at a snapshot."""
        self.world.set_state(snapshot.world)
        prepare = {key: camera.prepare for key, camera in self.profile.cameras.items()}
        images = {key: prepare[key](self.world.render(camera))[None] for key, camera in self.cameras.items()}
        measured, n = self.world.joint_state(), len(self.profile.joint_names)
        state = self._composer.compose(measured.position[:n], measured.velocity[:n], float(measured.position[n]))
        return self.engine(self.world.seed).request(Observation(images, state[None, None], [self._said()]))

    def engine(self, seed: int) -> EpisodeEngine:
        """What computes the thoughts and segments of an episode with this seed."""
        judge = None if self._decide is None else self._judge
        return EpisodeEngine(self._batch, self._refiner, self._variant, self.noise_seed(seed), judge)

    @property
    def of_nodes(self) -> bool:
        """Whether the nodes have settings for this way to think and act. Then a recorded episode can be repeated."""
        return self._variant.of_nodes

    def thinking(self) -> dict[str, Any]:
        """How System 2 searches, as parameters of its node."""
        variant = self._variant
        return {"candidates": variant.candidates, "time_temp": list(variant.time_temp), "chooser": variant.choice}

    def recorded(self, seed: int, task: str, record: Callable[[], RecordedEpisode]) -> Episode:
        """One episode that is recorded, computed as the nodes do it, where they have settings for the variant.

        Args:
            seed: of the scene.
            task: short form.
            record: makes the recorder once the scene is set up. Told the outcome.
        """
        self.world.reset(seed, task)
        engine: ExactEngine | EpisodeEngine = self.engine(seed)
        if self.of_nodes:
            engine = ExactEngine(self._batch.policy, self._refiner, self._variant, self.noise_seed(seed))
        recorder = record()
        outcome = yield from self.play(engine, recorder, None, lambda: engine.values)
        recorder.close(outcome)
        return outcome

    def noise_seed(self, seed: int) -> int:
        """Seed of System 2's noise in the scene of a seed. As small as a node's parameter takes it."""
        return int(np.random.SeedSequence([seed, self._seed]).generate_state(1)[0] >> 1)

    def _session(self, engine: Engine, listener: Listener, commands: CommandStage | None = None) -> Session:
        return Session(self.profile, self._facts, engine, self._latency, self._options, listener, commands)

    def _continue(
        self,
        arm: SimulatedArm,
        disturbances: Disturbances,
        listener: ModeWatch,
        watch: Watch,
        values: Callable[[], list[float]],
    ) -> Episode:
        world, suite = self.world, self.suite
        every = round(PERIOD / world.timestep)

        def watched() -> None:
            if self._moment_due:
                self._moment, self._moment_due = self.snapshot(), False
            if watch is not None:
                watch(self)

        steps, success = 0, world.success()
        while world.elapsed < suite.time_limit - 1e-9 and not (success or listener.fault or world.failure):
            if steps % every == 0:
                disturbances.apply(world)
            yield from arm.step(watched)
            steps += 1
            if steps % every == 0:
                success = world.success()
        held = listener.held / self.profile.rates.stream
        wrong = not success and self._wrong()
        return EpisodeOutcome(
            world.seed, str(world.task), success, world.elapsed, wrong, tuple(values()), listener.fault, held,
            world.failure,
        )  # fmt: skip

    def _said(self) -> str:
        task = self.world.task
        if self._variant.control != "swapped":
            return task.instruction
        other = next(cube for cube in CUBES if cube not in task.cubes)
        return task.instruction.replace(task.cube, other, 1)

    def _judge(self, observation: Observation) -> Choice:
        """A choice that goes by the moment of the observation, kept as soon as the core has come to it."""
        self._moment_due = True

        def choose(thought: Thought) -> int:
            assert self._decide is not None
            assert self._moment is not None
            return self._decide(self._moment, observation, thought)

        return choose

    def _wrong(self) -> bool:
        heights = {cube: self.world.cube_pose(cube)[2] for cube in CUBES}
        return any(height > 0.05 for cube, height in heights.items() if cube != self.world.task.cube)


def _history(system1: Any) -> int:
    return int(getattr(system1.config, "s1_his_state_size", 1))


def thought_period(suite: Suite) -> float:
    """Time from thought to thought of an episode, about, s."""
    return max(1.0 / suite.system2_rate, suite.system2_latency)
