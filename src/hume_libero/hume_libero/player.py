"""One episode of a policy in LIBERO: blocking through OSC_POSE, or through the stack with its latencies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hume_core.errors import ConfigError
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_kinematics
from hume_core.state_composer import StateComposer
from hume_libero.arm import LiberoArm, libero_cameras
from hume_libero.robot import check_osc
from hume_libero.suites import LiberoSuite
from hume_libero.world import ROW_PERIOD, LiberoWorld, robosuite_row
from hume_serve.episode import Episode
from hume_serve.infer_settings import InferSettings
from hume_serve.inputs import PolicyInputs
from hume_serve.policy import CascadedPolicy
from hume_session import Latencies, LatencyModel, PolicyFacts, Session, SessionOptions
from hume_session.schedule import Waits
from hume_system1.chunk_switch import ChunkSwitch
from hume_training.evaluation.engine import BatchEngine, EpisodeEngine, refiner_of
from hume_training.evaluation.outcome import ModeWatch
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.variants import Variant

OSC, JOINTS = "osc", "joints"
CONTROLS = (OSC, JOINTS)


@dataclass(frozen=True)
class LiberoOutcome:
    """How an episode ended.

    Attributes:
        task: its place in the suite.
        state: number of the initial state.
        success: LIBERO said that the task is done, within the suite's number of steps.
        duration: simulated time after things had settled, s.
        values: value of what each thought chose.
        fault: why the control core stopped for good. Empty: it did not, or there is none.
        held: time in HOLD, s.
    """

    task: int
    state: int
    success: bool
    duration: float
    values: tuple[float, ...] = ()
    fault: str = ""
    held: float = 0.0


@dataclass(frozen=True)
class Timing:
    """Rates and latencies of the stack in mode `joints`.

    Attributes:
        system2_rate, system1_rate: thoughts and segments per second, Hz.
        system2_latency, system1_latency: from observation to chunk and to segment, s.
    """

    system2_rate: float = 4.0
    system2_latency: float = 0.1
    system1_rate: float = 60.0
    system1_latency: float = 0.01


def check_variant(variant: Variant, control: str) -> None:
    """Refuse what cannot be played.

    Raises:
        ConfigError: says which variants can.
    """
    if variant.choice == "oracle" or variant.control == "swapped":
        raise ConfigError(f"variant '{variant.name}' needs a simulator that it can copy. LIBERO's cannot be copied")
    authors = variant.choice == "value" and variant.noise_scale == 1.0 and variant.agreement_weight is None
    if control == OSC and (variant.control or not authors):
        raise ConfigError(
            f"variant '{variant.name}' is none of the authors' way to think. With --control osc there are: full, n1, "
            "one_of_n, fixed_noise, no_system1, n1_no_system1, and n8 and so on"
        )


class Player:
    """Plays episodes of one variant in the task that is open.

    Args:
        world: its owner is the caller.
        policy: acts.
        profile: the robot as the checkpoint wants it.
        suite: how long an episode may take.
        variant: how to think and act.
        control: one of `CONTROLS`.
        timing: of mode `joints`.
        seed: moves the noise.
    """

    def __init__(
        self,
        world: LiberoWorld,
        policy: Policy,
        profile: RobotProfile,
        suite: LiberoSuite,
        variant: Variant,
        control: str,
        timing: Timing,
        seed: int = 0,
    ) -> None:
        check_variant(variant, control)
        if control == OSC:
            check_osc(profile)
        rates = profile.rates.model_copy(update={"system1": timing.system1_rate, "system2": timing.system2_rate})
        self._profile = profile.model_copy(update={"rates": rates})
        self._world, self._policy, self._suite, self._variant = world, policy, suite, variant
        self._control, self._timing, self._seed = control, timing, seed
        self._composer = StateComposer.of(self._profile)
        self._kinematics = load_kinematics(self._profile) if profile.action_space.needs_kinematics else None
        self._batch = BatchEngine(policy, variant)

    def play(self, state: int) -> LiberoOutcome:
        """One episode from an initial state of the task that is open."""
        self._world.reset(state)
        return self._through_osc(state) if self._control == OSC else self._through_the_stack(state)

    def _noise_seed(self, state: int) -> int:
        """As small as the settings of a node take it."""
        known = [state, self._world.task.number, self._seed]
        return int(np.random.SeedSequence(known).generate_state(1)[0] >> 1)

    def _through_osc(self, state: int) -> LiberoOutcome:
        """The authors' way: the world waits while the policy thinks, and one row is one step."""
        variant, world = self._variant, self._world
        low, high = variant.time_temp
        settings = InferSettings(
            s2_candidates_num=variant.candidates,
            time_temp_lower_bound=low,
            time_temp_upper_bound=high,
            seed=self._noise_seed(state),
        )
        policy = CascadedPolicy(self._policy.system2, self._policy.system1 if variant.refine else None)
        episode, values, thoughts = Episode(policy, settings), [], 0
        for _ in range(self._suite.steps):
            row = episode.act(PolicyInputs(self._seen(see=not episode.planned)))[0]
            if episode.thoughts > thoughts and episode.thought is not None:
                thoughts = episode.thoughts
                values.append(float((episode.thought.weights * episode.thought.values).sum()))
            if world.row(robosuite_row(row)).success:
                break
        return LiberoOutcome(world.task.number, state, world.reading.success, world.elapsed, tuple(values))

    def _seen(self, see: bool) -> Observation:
        """What the policy is shown now. Without `see` the pictures are black: it does not look."""
        world, reading = self._world, self._world.reading
        images = {}
        for key, camera in libero_cameras(self._profile).items():
            size = (world.picture_size, world.picture_size, 3)
            picture = world.picture(camera, reading.positions) if see else np.zeros(size, np.uint8)
            images[key] = self._profile.cameras[key].prepare(picture)[None]
        state = self._composer.compose(reading.joints, reading.velocities, float(reading.fingers[0]))
        return Observation(images, state[None, None], [world.task.instruction])

    def _through_the_stack(self, state: int) -> LiberoOutcome:
        """Both systems think while the world goes on, and the control core commands joints."""
        world, timing, watch = self._world, self._timing, ModeWatch()
        refiner = refiner_of(self._policy, self._variant)
        history = int(getattr(self._policy.system1.config, "s1_his_state_size", 1))
        engine = EpisodeEngine(self._batch, refiner, self._variant, self._noise_seed(state))
        latency = LatencyModel(Latencies.constant(timing.system2_latency), Latencies.constant(timing.system1_latency))
        session = Session(
            self._profile, PolicyFacts(tuple(self._profile.cameras), history, refiner), engine, latency,
            SessionOptions(ChunkSwitch.AT_ONCE, kinematics=self._kinematics), watch,
        )  # fmt: skip
        arm = LiberoArm(world, session, self._profile)
        arm.begin()
        session.assign(world.task.instruction)
        limit = self._suite.steps * ROW_PERIOD
        while world.elapsed < limit - 1e-9 and not (world.reading.success or watch.fault):
            self._wait(arm.step())
        held = watch.held / self._profile.rates.stream
        return LiberoOutcome(
            world.task.number, state, world.reading.success, world.elapsed, tuple(engine.values), watch.fault, held
        )

    def _wait(self, waits: Waits) -> None:
        for future in waits:
            if not future.done():
                self._batch.compute()
