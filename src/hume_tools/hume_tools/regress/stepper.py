"""Steps a session through both systems on the time of the recording: no threads that race, no DDS, no clock.

Every delay is a number: a message reaches the nodes when it was recorded, a thought or segment is there when its
latency is over. Inference runs beside the stepping and is waited for where its result is due, so the outcome does not
depend on how fast the machine is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import torch

from hume_core.kinematics import Kinematics
from hume_core.robot import RobotProfile
from hume_ros.observation_buffer import JOINT_STATES
from hume_system1.chunk_switch import ChunkSwitch
from hume_system1.control.settings import ControlSettings
from hume_system1.denoiser_settings import DenoiserSettings
from hume_tools.regress.core_steps import CoreSteps
from hume_tools.regress.denoiser_steps import DenoiserSteps
from hume_tools.regress.environment import deterministic_algorithms
from hume_tools.regress.journal import Journal
from hume_tools.regress.latency import LatencyModel
from hume_tools.regress.policy import Policy
from hume_tools.regress.schedule import NS, Rank, Schedule
from hume_tools.regress.session import EPOCHS, ESTOP, Arrival
from hume_tools.regress.system2_steps import System2Steps

_STATUS_PERIOD = 50_000_000
_INSTRUCTION = "instruction: "


@dataclass(frozen=True)
class StepOptions:
    """How to step.

    Attributes:
        task: takes the place of recorded instructions; empty: those.
        from_start: the session has no instructions; the task begins with it.
        chunk_switch: as of the denoiser.
        control: settings of the control core; rate and action space come from the robot.
        limit_scales: kind of limit -> share of the robot's.
        kinematics: of the arm, for action spaces of the end effector.
    """

    task: str = ""
    from_start: bool = False
    chunk_switch: ChunkSwitch = field(default_factory=lambda: ChunkSwitch(DenoiserSettings.chunk_switch))
    control: ControlSettings = field(default_factory=ControlSettings)
    kinematics: Kinematics | None = None
    limit_scales: Mapping[str, float] = field(default_factory=dict)


def step_session(
    arrivals: Iterable[Arrival], profile: RobotProfile, policy: Policy, latency: LatencyModel, options: StepOptions
) -> Journal:
    """Step from the first arrival to the last; what happened."""
    # Paths of end-effector actions go on from segment to segment.
    threads = 1 if profile.action.space.end_effector else policy.parallel_segments
    with (
        deterministic_algorithms(),
        ThreadPoolExecutor(1, "thinking", policy.thinker.enter_thread) as thinking,
        ThreadPoolExecutor(threads, "denoising", torch.set_num_threads, (1,)) as denoising,
    ):
        stepper = _Stepper(profile, policy, latency, options, thinking, denoising)
        stepper.run(arrivals)
    return stepper.journal


class _Stepper:
    """One run: hands messages and epochs round between the systems."""

    def __init__(
        self,
        profile: RobotProfile,
        policy: Policy,
        latency: LatencyModel,
        options: StepOptions,
        thinking: Executor,
        denoising: Executor,
    ) -> None:
        self._options = options
        self._schedule = schedule = Schedule()
        self.journal = journal = Journal(profile, [*policy.cameras, JOINT_STATES], policy.candidates)
        self._core = CoreSteps(profile, options.control, options.limit_scales, schedule, journal)
        self._denoiser = DenoiserSteps(
            profile, policy, options.chunk_switch, options.kinematics, latency.denoise, schedule, journal, self._core,
            denoising,
        )  # fmt: skip
        self._system2 = System2Steps(profile, policy, latency.think, schedule, journal, self._publish_chunk, thinking)
        self._epoch = 0

    def run(self, arrivals: Iterable[Arrival]) -> None:
        """See `step_session`."""
        waiting: list[Arrival] = []
        begun = False
        for arrival in arrivals:
            if not begun:
                # The first joint state is time zero, so that a camera that moves in time moves nothing else.
                waiting.append(arrival)
                if arrival.source != JOINT_STATES:
                    continue
                begun = True
                self._begin(arrival.time)
            else:
                waiting = [arrival]
            for item in waiting:
                self._schedule.run_until(item.time)
                self._receive(item)
        self._core.catch_up(self._schedule.now)
        self._core.note_rejections()
        if begun and not self.journal.thought_count:
            self.journal.event(self._schedule.elapsed, "no thought", self._system2.why_idle())

    def _begin(self, start: int) -> None:
        schedule = self._schedule
        schedule.begin(start)
        self._core.begin()
        if self._options.from_start:
            self._assign(self._options.task, "given")
        schedule.at(start, Rank.START, self._denoiser.round)
        schedule.at(start, Rank.REPORT, self._report)

    def _publish_chunk(self, message: Any) -> None:
        self._denoiser.offer(message)
        self._core.offer(message)

    def _receive(self, arrival: Arrival) -> None:
        message, schedule = arrival.message, self._schedule
        if arrival.source == EPOCHS:
            self._replay_epoch(message)
        elif arrival.source == ESTOP:
            if message.data:
                self.journal.event(schedule.elapsed, "estop", "emergency stop as recorded")
                self._core.estop()
        else:
            stamp = int(message.header.stamp.sec) * NS + int(message.header.stamp.nanosec)
            self.journal.received(arrival.source, arrival.time - schedule.start, stamp - schedule.start, message)
            if arrival.source == JOINT_STATES:
                self._core.receive(message)
            self._denoiser.receive(arrival.source, message)
            self._system2.receive(arrival.source, message)

    def _replay_epoch(self, message: Any) -> None:
        """System 2's own epochs are begun anew; those of System 1 follow from what is replayed."""
        reason = str(message.reason)
        if not str(message.source).endswith("system2"):
            self.journal.event(self._schedule.elapsed, "epoch", f"not replayed: {reason}")
        elif reason.startswith(_INSTRUCTION):
            recorded = reason.removeprefix(_INSTRUCTION)
            self._assign(self._options.task or recorded, "given" if self._options.task else "recorded")
        else:
            self._begin_epoch(self._epoch + 1, reason)
            self._system2.rest()
            self._core.begin_epoch(self._epoch)

    def _assign(self, instruction: str, origin: str) -> None:
        self._begin_epoch(self._epoch + 1, f"instruction ({origin}): {instruction}")
        self._core.begin_epoch(self._epoch)
        self._system2.assign(instruction, self._epoch)

    def _begin_epoch(self, epoch: int, reason: str) -> None:
        self._epoch = epoch
        self._denoiser.begin_epoch(epoch)
        self.journal.event(self._schedule.elapsed, "epoch", f"{epoch}: {reason}")

    def _report(self) -> None:
        """What System 1's status timer does: tell the others of an epoch that the core began."""
        epoch = self._core.epoch()
        if epoch > self._epoch:
            self._begin_epoch(epoch, f"System 1: {self._core.state}")
            self._system2.begin_epoch(self._epoch)
        self._schedule.at(self._schedule.now + _STATUS_PERIOD, Rank.REPORT, self._report)
