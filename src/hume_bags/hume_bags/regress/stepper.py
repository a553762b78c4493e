"""Steps a recorded session through `hume_session` on the time of the recording.

Inference runs beside the stepping. The stepping waits for it where its result is due. So the outcome does not depend
on how fast the machine is.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hume_bags.regress.journal import Journal
from hume_bags.regress.policy import RecordedPolicy
from hume_bags.regress.session import EPOCHS, ESTOP, Arrival
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_ros.observation_buffer import JOINT_STATES
from hume_session import LatencyModel, PolicyFacts, Session, SessionOptions
from hume_session.determinism import deterministic_algorithms
from hume_session.schedule import Waits
from hume_system1.segment_planner import SegmentRequest
from hume_system2.motion_in_progress import MotionInProgress
from hume_system2.thinker import ThoughtResult

_INSTRUCTION = "instruction: "
_MODEL_ID = "replay"


@dataclass(frozen=True)
class StepOptions:
    """How to step.

    Attributes:
        task: takes the place of recorded instructions. Empty: those.
        from_start: the session has no instructions. The task begins with it.
        until: how long the core goes on after the last message, ns. None: until that message.
        session: see `SessionOptions`.
    """

    task: str = ""
    from_start: bool = False
    until: int | None = None
    session: SessionOptions = field(default_factory=lambda: SessionOptions(follows=False))


class ThreadedEngine:
    """Computes thoughts in one thread and segments in others."""

    def __init__(self, policy: RecordedPolicy, thinking: Executor, denoising: Executor) -> None:
        self._policy, self._thinking, self._denoising = policy, thinking, denoising

    def think(self, observation: Observation, in_progress: MotionInProgress | None = None) -> Future[ThoughtResult]:
        """See `Engine`."""
        return self._thinking.submit(self._policy.thinker.think, observation, in_progress)

    def refine(self, request: SegmentRequest) -> Future[NDArray[np.float64]]:
        """See `Engine`."""
        return self._denoising.submit(request.refined_by, self._policy.refiner)


def step_session(
    arrivals: Iterable[Arrival],
    profile: RobotProfile,
    policy: RecordedPolicy,
    latency: LatencyModel,
    options: StepOptions,
) -> Journal:
    """Step from the first arrival to the last. Returns what happened."""
    journal = Journal(profile, [*policy.cameras, JOINT_STATES], policy.candidates)
    facts = PolicyFacts(policy.cameras, policy.history, policy.refiner, _MODEL_ID)
    with (
        deterministic_algorithms(),
        ThreadPoolExecutor(1, "thinking", policy.thinker.enter_thread) as thinking,
        ThreadPoolExecutor(policy.parallel_segments, "denoising", torch.set_num_threads, (1,)) as denoising,
    ):
        engine = ThreadedEngine(policy, thinking, denoising)
        session = Session(profile, facts, engine, latency, options.session, journal)
        for future in _Feed(session, journal, options).run(arrivals):
            # An exception comes again where the session asks for the result.
            future.exception()
    return journal


class _Feed:
    """Hands what was recorded to the session."""

    def __init__(self, session: Session, journal: Journal, options: StepOptions) -> None:
        self._session, self._journal, self._options = session, journal, options

    def run(self, arrivals: Iterable[Arrival]) -> Waits:
        """From the first arrival to the last."""
        session, waiting, begun = self._session, list[Arrival](), False
        for arrival in arrivals:
            if not begun:
                # The first joint state is time zero, so that a camera that moves in time moves nothing else.
                waiting.append(arrival)
                if arrival.source != JOINT_STATES:
                    continue
                begun = True
                session.begin(arrival.time)
                self._journal.start = arrival.time
                if self._options.from_start:
                    self._assign(self._options.task, "given")
            else:
                waiting = [arrival]
            for item in waiting:
                yield from session.advance(item.time)
                self._hand_over(item)
        yield from session.command_until(max(session.schedule.now, self._options.until or 0))
        self._journal.note_rejections(session.schedule.elapsed, session.commands.core)
        if begun and not self._journal.thought_count:
            self._journal.event(session.schedule.elapsed, "no thought", session.why_idle())

    def _hand_over(self, arrival: Arrival) -> None:
        message, session = arrival.message, self._session
        if arrival.source == EPOCHS:
            self._replay_epoch(message)
        elif arrival.source == ESTOP:
            if message.data:
                self._journal.event(session.schedule.elapsed, "estop", "emergency stop as recorded")
                session.estop()
        else:
            session.receive(arrival.source, message, arrival.time)

    def _replay_epoch(self, message: Any) -> None:
        """System 2's own epochs are begun again. Those of System 1 follow from what is replayed."""
        reason = str(message.reason)
        if not str(message.source).endswith("system2"):
            self._journal.event(self._session.schedule.elapsed, "epoch", f"not replayed: {reason}")
        elif reason.startswith(_INSTRUCTION):
            recorded = reason.removeprefix(_INSTRUCTION)
            self._assign(self._options.task or recorded, "given" if self._options.task else "recorded")
        else:
            self._session.rest(reason)

    def _assign(self, instruction: str, origin: str) -> None:
        self._session.assign(instruction, f"instruction ({origin}): {instruction}")
