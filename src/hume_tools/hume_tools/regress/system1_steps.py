"""System 1 in a replay: the denoiser's cycle and the control core on the time of the recording."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import Any

import numpy as np

from hume_core.errors import ChunkError, ObservationError
from hume_core.kinematics import Kinematics
from hume_core.robot import RobotProfile
from hume_ros.message_sync import MessageSource
from hume_ros.observation_buffer import JOINT_STATES, ObservationBuffer
from hume_system1 import inputs
from hume_system1.control.command import ClockReading, Command
from hume_system1.control.core import ControlCore
from hume_system1.control.events import ActivateEvent, EpochEvent, HeartbeatEvent, ResetEvent
from hume_system1.control.settings import ControlSettings
from hume_system1.control.states import Mode
from hume_system1.denoiser import ChunkSwitch, Denoiser, Segment
from hume_system1.denoising import HEARTBEAT_PERIOD, DenoisingCycle, Task
from hume_system1.settings import gripper_settings
from hume_tools.regress.journal import Journal
from hume_tools.regress.latency import Latencies
from hume_tools.regress.policy import Policy
from hume_tools.regress.schedule import NS, Rank, Schedule

UNBOUNDED = 1e3
"""Bound on |command - measured| in a replay, rad: the recorded arm does not follow these commands."""

_RESET_AFTER = NS
_STOPPED = (Mode.FAULT, Mode.ESTOP)


class DenoiserSteps:
    """Refines whenever the denoiser's loop would, and hands the segment on when the latency is over.

    Args:
        profile: robot.
        policy: gives the refiner.
        switch: when to change to a newer chunk.
        kinematics: of the arm, for action spaces of the end effector.
        latency: of a segment.
        schedule: time.
        journal: notes.
        core: takes segments and heartbeats.
        executor: one thread, in which segments are computed.
    """

    def __init__(
        self,
        profile: RobotProfile,
        policy: Policy,
        switch: ChunkSwitch,
        kinematics: Kinematics | None,
        latency: Latencies,
        schedule: Schedule,
        journal: Journal,
        core: CoreSteps,
        executor: Executor,
    ) -> None:
        self._latency, self._schedule, self._journal = latency, schedule, journal
        self._core, self._executor = core, executor
        self._sources = {key: MessageSource() for key in (*policy.cameras, JOINT_STATES)}
        observer = ObservationBuffer(profile, self._sources, policy.history, lambda: schedule.steady)
        self._cycle = DenoisingCycle(Denoiser(policy.refiner, profile, switch, kinematics), observer, profile, 0)
        self._next_beat = 0

    def begin_epoch(self, epoch: int) -> None:
        """Forget chunks of older epochs."""
        self._cycle.begin_epoch(epoch)

    def offer(self, message: Any) -> None:
        """A chunk."""
        try:
            self._cycle.offer(message)
        except ChunkError as error:
            self._journal.event(self._schedule.elapsed, "chunk dropped", str(error))

    def receive(self, source: str, message: Any) -> None:
        """A sensor message."""
        self._sources[source].deliver(message)

    def round(self) -> None:
        """One round of the denoiser's loop."""
        schedule = self._schedule
        start = schedule.now
        if start >= self._next_beat:
            self._next_beat = start + round(HEARTBEAT_PERIOD * NS)
            self._core.append(HeartbeatEvent(received=schedule.steady))
        try:
            task = self._cycle.begin(schedule.ros)
        except ObservationError as error:
            self._journal.event(schedule.elapsed, "denoising", str(error))
            task = None
        if task is None:
            self._go_on(schedule.steady, worked=False)
            return
        self._begin(task)

    def _begin(self, task: Task) -> None:
        schedule = self._schedule
        started, latency = schedule.steady, self._latency.at(schedule.now)
        future = self._executor.submit(self._cycle.denoise, task)
        finish = lambda: self._finish(task, started, latency, future)  # noqa: E731
        schedule.at(schedule.now + latency, Rank.FINISH, finish)

    def _finish(self, task: Task, started: float, latency: int, future: Future[Segment]) -> None:
        schedule = self._schedule
        try:
            segment = replace(future.result(), duration=latency / NS)
        except ObservationError as error:
            self._journal.event(schedule.elapsed, "denoising", str(error))
            self._go_on(started, worked=False)
            return
        if segment.unreachable:
            self._journal.event(schedule.elapsed, "unreachable", segment.unreachable)
        message = self._cycle.message(task, segment)
        self._core.append(replace(inputs.segment_event(message, schedule.ros), received=schedule.steady))
        self._journal.segment(
            schedule.elapsed - latency,
            schedule.elapsed,
            schedule.since_start(task.frame.stamp),
            schedule.since_start(segment.stamp),
            segment.chunk.seq,
            segment.positions,
        )
        self._go_on(started, worked=True)

    def _go_on(self, started: float, *, worked: bool) -> None:
        schedule = self._schedule
        again = self._cycle.next_start(started, schedule.steady, worked)
        schedule.at(schedule.time_of(again), Rank.START, self.round)


class CoreSteps:
    """Ticks the control core at the rate of the stream.

    |command - measured| is not bounded here, only noted: the recorded arm does not follow these commands, so the
    bound would bend or stop a stream that is right. A fault or emergency stop is reset after a second, so that one
    does not hide the rest of the session.

    Args:
        profile: robot.
        settings: of the core; rate and action space come from the profile.
        schedule: time.
        journal: notes.
    """

    def __init__(self, profile: RobotProfile, settings: ControlSettings, schedule: Schedule, journal: Journal) -> None:
        limits = profile.motion_limits()
        unbounded = replace(limits, tracking=np.full(limits.size, UNBOUNDED))
        control = replace(settings, rate_hz=profile.rates.stream, action_spaces=(profile.action.space.value,))
        self._core = ControlCore(unbounded, control, gripper_settings(profile))
        self._bounds = limits.tracking
        self._period = round(NS / profile.rates.stream)
        self._schedule, self._journal = schedule, journal
        self._limited = list(self._core.limiter.limited)
        self._mode = Mode.UNCONFIGURED
        self._stopped_at: int | None = None

    def begin(self) -> None:
        """Activate and begin to tick."""
        self._core.inbox.append(ActivateEvent())
        self._schedule.at(self._schedule.now + self._period, Rank.TICK, self._tick)

    def append(self, event: Any) -> None:
        """Leave an event in the core's inbox."""
        self._core.inbox.append(event)

    def offer(self, message: Any) -> None:
        """A chunk."""
        self.append(replace(inputs.chunk_event(message), received=self._schedule.steady))

    def receive(self, message: Any) -> None:
        """A joint state."""
        self.append(replace(inputs.joint_state_event(message), received=self._schedule.steady))

    def begin_epoch(self, epoch: int) -> None:
        """Somebody else began an epoch."""
        self.append(EpochEvent(epoch))

    def estop(self) -> None:
        """Emergency stop."""
        self._core.estop()

    @property
    def epoch(self) -> int:
        """In force in the core."""
        return self._core.intake.epoch

    @property
    def state(self) -> str:
        """Mode and reason."""
        return str(self._core.state) + (f" ({self._core.error})" if self._core.error else "")

    def note_rejections(self) -> None:
        """Write down what the core did not let in."""
        for name, count in sorted(self._core.intake.rejected.items()):
            self._journal.event(self._schedule.elapsed, "rejected", f"{name} ({count})")

    def _tick(self) -> None:
        schedule = self._schedule
        self._reset_when_stopped()
        command = self._core.step(ClockReading(schedule.steady, schedule.ros))
        self._journal.command(schedule.elapsed, command, self._limited_joints(), self._tracking(command))
        if command.mode is not self._mode:
            self._mode = command.mode
            self._journal.event(schedule.elapsed, "mode", self.state)
        schedule.at(schedule.now + self._period, Rank.TICK, self._tick)

    def _reset_when_stopped(self) -> None:
        now = self._schedule.now
        if self._core.state.mode not in _STOPPED:
            self._stopped_at = None
        elif self._stopped_at is None:
            self._stopped_at = now
        elif now - self._stopped_at >= _RESET_AFTER:
            self._stopped_at = now
            self._journal.event(self._schedule.elapsed, "reset", f"asked for, out of {self._core.state}")
            self.append(ResetEvent())

    def _limited_joints(self) -> int:
        """One bit per joint whose reference could not be followed in the last tick."""
        counts = list(self._core.limiter.limited)
        bits = sum(1 << i for i, (new, old) in enumerate(zip(counts, self._limited, strict=True)) if new != old)
        self._limited = counts
        return bits

    def _tracking(self, command: Command) -> float:
        measured = self._journal.last_joints()
        if measured is None or not command.publish:
            return 0.0
        return float((np.abs(command.position - measured) / self._bounds).max())
