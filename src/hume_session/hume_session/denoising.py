"""The denoiser in a session: its cycle on the session's time."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.chunk import Chunk
from hume_core.errors import ChunkError, ObservationError
from hume_core.kinematics import ArmsKinematics
from hume_core.robot import RobotProfile
from hume_ros.conversions import as_sent
from hume_ros.message_sync import MessageSource
from hume_ros.observation_buffer import JOINT_STATES, ObservationBuffer
from hume_session.commanding import CommandStage
from hume_session.engine import Engine, PolicyFacts, answered
from hume_session.latency import Latencies
from hume_session.listener import Listener
from hume_session.schedule import NS, Rank, Schedule
from hume_system1.chunk_switch import ChunkSwitch
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.events import SegmentEvent
from hume_system1.denoising_cycle import HEARTBEAT_PERIOD, DenoisingCycle
from hume_system1.segment_planner import SegmentPlanner, SegmentRequest


class DenoisingStage:
    """Refines whenever the denoiser's loop would, and hands the segment on when the latency is over.

    Args:
        profile: robot.
        policy: what has to be known of it.
        engine: computes segments.
        switch: when to change to a newer chunk.
        kinematics: of the arms, for action spaces of the end effector.
        latency: of a segment.
        schedule: time.
        listener: told what happens.
        commands: takes segments and heartbeats.
        control: of the control core, whose rules for chunks hold here too.
        first_seq: segments are numbered from here on.
    """

    def __init__(
        self,
        profile: RobotProfile,
        policy: PolicyFacts,
        engine: Engine,
        switch: ChunkSwitch,
        kinematics: ArmsKinematics | None,
        latency: Latencies,
        schedule: Schedule,
        listener: Listener,
        commands: CommandStage,
        control: ControlSettings,
        first_seq: int = 0,
    ) -> None:
        self._engine, self._latency, self._schedule, self._listener = engine, latency, schedule, listener
        self._commands = commands
        self._sources = {key: MessageSource() for key in (*policy.cameras, JOINT_STATES)}
        observer = ObservationBuffer(
            profile, self._sources, policy.history, lambda: schedule.steady, decode=policy.refiner.sees_images,
            on_problem=self._note,
        )  # fmt: skip
        denoiser = SegmentPlanner(policy.refiner, profile, switch, kinematics, control)
        self._cycle = DenoisingCycle(denoiser, observer, profile, first_seq, self._note)
        self._next_beat = 0

    def begin_epoch(self, epoch: int) -> None:
        """Forget chunks of older epochs."""
        self._cycle.begin_epoch(epoch)

    def offer(self, chunk: Chunk) -> None:
        """A chunk."""
        try:
            self._cycle.offer(chunk, self._schedule.ros)
        except ChunkError as error:
            self._listener.event(self._schedule.elapsed, "chunk dropped", str(error))

    def receive(self, source: str, message: Any) -> None:
        """A sensor message."""
        self._sources[source].deliver(message)

    def round(self) -> None:
        """One round of the denoiser's loop."""
        schedule = self._schedule
        start = schedule.now
        if start >= self._next_beat:
            self._next_beat = start + round(HEARTBEAT_PERIOD * NS)
            self._commands.beat()
        try:
            request = self._cycle.begin(schedule.ros)
        except ObservationError as error:
            self._listener.event(schedule.elapsed, "denoising", str(error))
            request = None
        if request is None:
            self._go_on(schedule.steady, worked=False)
            return
        self._begin(request)

    def _note(self, problem: str) -> None:
        self._listener.event(self._schedule.elapsed, "denoising", problem)

    def _begin(self, request: SegmentRequest) -> None:
        schedule = self._schedule
        started, latency = schedule.steady, self._latency.at(schedule.now)
        future = self._engine.refine(request) if request.answer is None else answered(request.answer)

        def finish() -> None:
            received, end = schedule.steady, schedule.elapsed
            self._commands.later(future, lambda: self._segment(request, future, latency, received, end))
            self._go_on(started, worked=True)

        schedule.at(schedule.now + latency, Rank.FINISH, finish)

    def _segment(
        self,
        request: SegmentRequest,
        future: Future[NDArray[np.float64]],
        latency: int,
        received: float,
        end: int,
    ) -> SegmentEvent | None:
        """The core comes to a segment."""
        try:
            segment = self._cycle.finish(request, future.result(), latency / NS)
        except ObservationError as error:
            self._listener.event(end, "denoising", str(error))
            return None
        if segment.unreachable:
            self._listener.event(end, "unreachable", segment.unreachable)
        self._listener.segment(end - latency, end, segment)
        observed = as_sent(segment.observation_stamp)
        return SegmentEvent(replace(segment, stamp=as_sent(segment.stamp), observation_stamp=observed), received)

    def _go_on(self, started: float, *, worked: bool) -> None:
        schedule = self._schedule
        again = self._cycle.next_start(started, schedule.steady, worked)
        schedule.at(schedule.time_of(again), Rank.START, self.round)
