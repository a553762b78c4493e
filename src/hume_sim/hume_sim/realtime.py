"""A world in real time: physics on its own thread, on absolute deadlines of the steady clock."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import HumeError
from hume_core.realtime import enter_realtime
from hume_sim.arm_drive import ArmDrive
from hume_sim.disturbances import PERIOD, Disturbances
from hume_sim.joint_state import JointState
from hume_sim.suites import Suite
from hume_sim.tasks import TabletopTask
from hume_sim.trajectory import JointTrajectory
from hume_sim.world import TabletopWorld

_MAX_LAG = 0.1  # s. A physics thread that is later gives up the lost time instead of racing to catch up

_EPISODE_STEPS = 10
_LOG = logging.getLogger(__name__)
_STOP_TIMEOUT = 2.0


@dataclass(frozen=True)
class Episode:
    """The running episode. Elapsed in simulated s. `failure` says which rule of the scene was broken. Empty: none."""

    seed: int
    task: str
    instruction: str
    success: bool
    elapsed: float
    failure: str = ""


@dataclass(frozen=True)
class Sample:
    """The world at one moment.

    Attributes:
        time: simulated time, s.
        wall_time: system clock when this state became the present one, ns.
        qpos: MuJoCo positions of the whole scene.
        joints: measured joints.
        episode: refreshed every 20 ms.
    """

    time: float
    wall_time: int
    qpos: NDArray[np.float64]
    joints: JointState
    episode: Episode


@dataclass(frozen=True)
class StepTiming:
    """How well physics kept real time: factor, lateness of its steps in us, time given up in s."""

    realtime_factor: float
    lateness_p50: float
    lateness_p99: float
    lateness_max: float
    time_lost: float


class SimTimer:
    """Says when something periodic is due on the simulated clock. Missed periods are skipped.

    Args:
        rate: Hz.
    """

    def __init__(self, rate: float) -> None:
        self._period, self._next = 1.0 / rate, 0.0

    def due(self, time: float) -> bool:
        """Whether a period has begun since the last call that said so. Time in s."""
        if time < self._next - 1e-9:
            return False
        self._next += self._period * (1 + int((time - self._next) / self._period))
        return True


class RealtimeWorld:
    """Steps a world at the pace of the steady clock. Commands are latest-wins and may come from any thread.

    Args:
        world: the world. Only the physics thread touches it between `start` and `stop`.
        on_step: called with the new sample after every physics step, on the physics thread. Must be quick.
        priority: SCHED_FIFO priority of the physics thread, 1 to 99. 0 leaves the scheduler alone.
        suite: what disturbs each episode from `begin_task` on. None: nothing.
        clock: ROS time, s, to which the stamps of trajectories belong. None: simulated time.
        interpolate_from_desired_state: of the arms' joint_trajectory_controllers.
    """

    def __init__(
        self,
        world: TabletopWorld,
        on_step: Callable[[Sample], None] | None = None,
        priority: int = 0,
        suite: Suite | None = None,
        clock: Callable[[], float] | None = None,
        interpolate_from_desired_state: bool = False,
    ) -> None:
        self._world, self._on_step, self._priority = world, on_step, priority
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._requests: SimpleQueue[tuple[Callable[[], None], Future[None]]] = SimpleQueue()
        settings = (world.timestep, interpolate_from_desired_state, clock or (lambda: world.time))
        self._drives = tuple(ArmDrive(arm, *settings) for arm in range(len(world.arms)))
        self._suite = suite
        self._disturbances: Disturbances | None = None
        self._disturbed_steps = 0
        self._lateness = np.zeros(1 << 13)
        self._steps = 0
        self._lost = 0.0
        self._started = (0.0, 0.0)
        self._episode = self._read_episode()
        self._sample = self._read_sample()

    @property
    def sample(self) -> Sample:
        """The newest state. Any thread."""
        return self._sample

    @property
    def running(self) -> bool:
        """Whether the physics thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the physics thread."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="physics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the physics thread and wait for it. A second call is harmless."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT)

    def command_arm(self, positions: NDArray[np.float64], arm: int = 0) -> None:
        """Replace an arm's command by joint positions (6,), rad, already checked. Any thread."""
        self._drives[arm].command(positions)

    def follow(self, trajectory: JointTrajectory, stamp: float | None = None, arm: int = 0) -> None:
        """Replace an arm's command by a trajectory that begins at ROS time `stamp`, s. None: now. Any thread."""
        self._drives[arm].follow(trajectory, stamp)

    def command_gripper(self, width: float, arm: int = 0) -> None:
        """Replace the command of an arm's gripper, m, already checked. Any thread."""
        self._drives[arm].grip(width)

    def reset(self, seed: int, task: str | None = None, timeout: float = 2.0) -> Episode:
        """Start a new episode between two physics steps and drop older commands. Any thread but physics.

        Raises:
            ConfigError: negative seed or unknown task. Nothing changes then.
            HumeError: the physics thread is not running or does not answer in time.
        """
        self._request(lambda: self._reset(seed, task), timeout)
        return self._episode

    def judge(self, task: TabletopTask, timeout: float = 2.0) -> None:
        """From now on it is this task that the episode is judged by. The scene stays. Any thread but physics.

        Raises:
            HumeError: the physics thread is not running or does not answer in time.
        """
        self._request(lambda: self._judge(task), timeout)

    def begin_task(self, timeout: float = 2.0) -> None:
        """The episode's task begins now: what disturbs it counts its times from here. Any thread but physics.

        Raises:
            HumeError: the physics thread is not running or does not answer in time.
        """
        self._request(self._begin_task, timeout)

    def _request(self, action: Callable[[], None], timeout: float) -> None:
        """Have something done between two physics steps."""
        done: Future[None] = Future()
        self._requests.put((action, done))
        try:
            done.result(timeout if self.running else 0.0)
        except FutureTimeoutError as error:
            done.cancel()
            raise HumeError("the physics thread does not answer. Start it, or look for its error in the log") from error

    def timing(self) -> StepTiming:
        """Timing since the start. Percentiles over the last 8192 steps."""
        wall, simulated = (now - then for now, then in zip(self._clocks(), self._started, strict=True))
        recent = 1e6 * self._lateness[: max(1, min(self._steps, len(self._lateness)))]
        p50, p99 = np.percentile(recent, [50, 99])
        return StepTiming(simulated / max(wall, 1e-9), float(p50), float(p99), float(recent.max()), self._lost)

    def _clocks(self) -> tuple[float, float]:
        return time.monotonic(), self._sample.time

    def _take_priority(self) -> None:
        warning = enter_realtime(self._priority, lock_memory=False, freeze_garbage=False).warning
        if warning:
            _LOG.warning("physics: %s", warning)

    def _run(self) -> None:
        self._take_priority()
        self._started, self._steps, self._lost = self._clocks(), 0, 0.0
        period = self._world.timestep
        deadline = time.monotonic()
        while not self._stop.is_set():
            deadline += period
            ahead = deadline - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
            elif ahead < -_MAX_LAG:
                self._lost -= ahead
                deadline -= ahead
            self._lateness[self._steps % len(self._lateness)] = time.monotonic() - deadline
            self._step()

    def _step(self) -> None:
        self._serve_requests()
        self._apply_commands()
        self._disturb()
        self._world.step()
        self._steps += 1
        if self._steps % _EPISODE_STEPS == 0:
            self._episode = self._read_episode()
        self._sample = self._read_sample()
        if self._on_step is not None:
            self._on_step(self._sample)

    def _serve_requests(self) -> None:
        try:
            request, done = self._requests.get_nowait()
        except Empty:
            return
        if not done.set_running_or_notify_cancel():
            return
        try:
            request()
        except HumeError as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    def _apply_commands(self) -> None:
        joints = self._world.joint_state()
        for drive in self._drives:
            drive.apply(self._world, joints)

    def _disturb(self) -> None:
        """As often as an evaluation without ROS does it, so that the same seed does the same."""
        if self._disturbances is None:
            return
        if self._disturbed_steps % round(PERIOD / self._world.timestep) == 0:
            self._disturbances.apply(self._world)
        self._disturbed_steps += 1

    def _judge(self, task: TabletopTask) -> None:
        self._world.task = task
        self._episode = self._read_episode()

    def _begin_task(self) -> None:
        self._disturbed_steps = 0
        if self._suite is not None:
            self._disturbances = Disturbances(self._suite, self._world.seed, self._world.elapsed)

    def _reset(self, seed: int, task: str | None) -> None:
        self._world.reset(seed, task)
        for drive in self._drives:
            drive.clear()
        self._disturbances = None
        self._episode = self._read_episode()
        self._sample = self._read_sample()

    def _read_episode(self) -> Episode:
        world = self._world
        return Episode(world.seed, str(world.task), world.instruction, world.success(), world.elapsed, world.failure)

    def _read_sample(self) -> Sample:
        world = self._world
        return Sample(world.time, time.time_ns(), world.data.qpos.copy(), world.joint_state(), self._episode)
