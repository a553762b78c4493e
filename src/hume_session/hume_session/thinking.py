"""System 2 in a session: the node's thinking cycle on the session's time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from hume_core.chunk import Chunk
from hume_core.errors import ObservationError
from hume_core.robot import RobotProfile
from hume_ros.conversions import as_sent
from hume_ros.message_sync import MessageSource
from hume_ros.observation_buffer import JOINT_STATES, ObservationBuffer
from hume_session.engine import Engine, PolicyFacts
from hume_session.latency import Latencies
from hume_session.listener import Listener
from hume_session.schedule import NS, Rank, Schedule, Waits, done
from hume_system2.thinker import ThoughtResult
from hume_system2.thinking_cycle import RETRY_PERIOD, Assignment, PendingThought, ThinkingCycle


class ThinkingStage:
    """Thinks whenever the node would begin to, and hands the chunk on when the latency is over.

    Args:
        profile: robot.
        policy: what has to be known of it.
        engine: computes thoughts.
        latency: of a thought.
        schedule: time.
        listener: told what happens.
        publish: takes each chunk.
        first_seq: chunks are numbered from here on.
    """

    def __init__(
        self,
        profile: RobotProfile,
        policy: PolicyFacts,
        engine: Engine,
        latency: Latencies,
        schedule: Schedule,
        listener: Listener,
        publish: Callable[[Chunk], None],
        first_seq: int = 0,
    ) -> None:
        self._engine, self._latency = engine, latency
        self._schedule, self._listener, self._publish = schedule, listener, publish
        self._sources = {key: MessageSource() for key in (*policy.cameras, JOINT_STATES)}
        self._observer = ObservationBuffer(
            profile, self._sources, clock=lambda: schedule.steady,
            on_problem=lambda problem: listener.event(schedule.elapsed, "thinking", problem),
        )  # fmt: skip
        self._cycle = ThinkingCycle(self._observer, profile, 0.0, first_seq, policy.model_id)
        self._busy = False
        self._wake = -1
        self._not_before = 0

    def assign(self, instruction: str, epoch: int) -> None:
        """Think about this from now on."""
        self._cycle.assignment = Assignment(instruction, epoch)
        self._consider()

    def rest(self) -> None:
        """Think of nothing."""
        self._cycle.assignment = None

    def begin_epoch(self, epoch: int) -> None:
        """Somebody else began an epoch: think on in it."""
        if self._cycle.assignment is not None:
            self.assign(self._cycle.assignment.instruction, epoch)

    def receive(self, source: str, message: Any) -> None:
        """A sensor message."""
        self._sources[source].deliver(message)
        self._consider()

    def why_idle(self) -> str:
        """Why no thought could begin. Empty if one could."""
        if self._cycle.assignment is None:
            return "no instruction"
        try:
            self._observer.take(self._schedule.ros)
        except ObservationError as error:
            return str(error)
        return ""

    def _consider(self) -> None:
        """Begin a thought if one is due, or come back when it is."""
        cycle, schedule = self._cycle, self._schedule
        if self._busy or cycle.assignment is None or self._observer.newest_stamp() <= cycle.last_stamp:
            return
        due = max(schedule.time_of(cycle.next_start), self._not_before)
        if schedule.now < due:
            self._come_back(due)
            return
        try:
            task = cycle.begin(schedule.steady, schedule.ros)
        except ObservationError as error:
            self._failed(error)
            return
        if task is not None:
            self._begin(task)

    def _come_back(self, due: int) -> None:
        if self._wake != due:
            self._wake = due
            self._schedule.at(due, Rank.START, self._consider)

    def _failed(self, error: ObservationError) -> None:
        self._listener.event(self._schedule.elapsed, "thinking", str(error))
        self._not_before = self._schedule.now + round(RETRY_PERIOD * NS)
        self._come_back(self._not_before)

    def _begin(self, task: PendingThought) -> None:
        self._busy = True
        start = self._schedule.now
        latency = self._latency.at(start)
        future = self._engine.think(task.observation, task.in_progress)
        self._schedule.at(start + latency, Rank.FINISH, lambda: self._finish(task, latency, future))

    def _finish(self, task: PendingThought, latency: int, future: Future[ThoughtResult]) -> Waits:
        yield from done(future)
        self._busy = False
        try:
            result = replace(future.result(), duration=latency / NS)
        except ObservationError as error:
            self._failed(error)
            return
        chunk = self._cycle.finish(task, result, self._schedule.ros)
        end = self._schedule.elapsed
        self._listener.thought(end - latency, end, task, result, chunk)
        if chunk is not None:
            self._publish(replace(chunk, stamp=as_sent(chunk.stamp)))
        self._consider()
