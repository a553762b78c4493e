"""The denoiser in a replay: its cycle on the time of the recording."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import Any

from hume_core.errors import ChunkError, ObservationError
from hume_core.kinematics import Kinematics
from hume_core.robot import RobotProfile
from hume_ros.message_sync import MessageSource
from hume_ros.observation_buffer import JOINT_STATES, ObservationBuffer
from hume_system1 import inputs
from hume_system1.chunk_switch import ChunkSwitch
from hume_system1.control.events import HeartbeatEvent, SegmentEvent
from hume_system1.denoiser import Denoiser, Segment
from hume_system1.denoising import HEARTBEAT_PERIOD, DenoisingCycle, Task
from hume_tools.regress.core_steps import CoreSteps
from hume_tools.regress.journal import Journal
from hume_tools.regress.latency import Latencies
from hume_tools.regress.policy import Policy
from hume_tools.regress.schedule import NS, Rank, Schedule


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
        executor: computes segments.
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

        def finish() -> None:
            received, ros, end = schedule.steady, schedule.ros, schedule.elapsed
            self._core.later(lambda: self._segment(task, future, latency, received, ros, end))
            self._go_on(started, worked=True)

        schedule.at(schedule.now + latency, Rank.FINISH, finish)

    def _segment(
        self, task: Task, future: Future[Segment], latency: int, received: float, ros: float, end: int
    ) -> SegmentEvent | None:
        """The core comes to a segment: wait for it."""
        try:
            segment = replace(future.result(), duration=latency / NS)
        except ObservationError as error:
            self._journal.event(end, "denoising", str(error))
            return None
        if segment.unreachable:
            self._journal.event(end, "unreachable", segment.unreachable)
        since_start = self._schedule.since_start
        observed, first_row = since_start(task.frame.stamp), since_start(segment.stamp)
        self._journal.segment(end - latency, end, observed, first_row, segment.chunk.seq, segment.positions)
        return replace(inputs.segment_event(self._cycle.message(task, segment), ros), received=received)

    def _go_on(self, started: float, *, worked: bool) -> None:
        schedule = self._schedule
        again = self._cycle.next_start(started, schedule.steady, worked)
        schedule.at(schedule.time_of(again), Rank.START, self.round)
