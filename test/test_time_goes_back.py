"""From a simulator's reset, or a bag's next round, to motion: both systems and the core on simulated time, without ROS.

`./hume python test/test_time_goes_back.py` prints how long it takes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hume_core.errors import ChunkError, ObservationError
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_ros.conversions import set_stamp
from hume_ros.message_sync import MessageSource
from hume_ros.observation_buffer import JOINT_STATES, ObservationBuffer
from hume_system1.control.command import ClockReading
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.core import ControlCore
from hume_system1.control.events import (
    ActivateEvent,
    ChunkEvent,
    HeartbeatEvent,
    JointStateEvent,
    ResetEvent,
    SegmentEvent,
)
from hume_system1.control.states import Mode, Reason
from hume_system1.denoising_cycle import DenoisingCycle
from hume_system1.robot_settings import control_settings, gripper_settings
from hume_system1.segment_planner import SegmentPlanner
from hume_system2.thinker import ThoughtResult
from hume_system2.thinking_cycle import Assignment, ThinkingCycle

PERIOD = 0.005
HORIZON = 16


class Still:
    """Stands for both models: the arm stays where it is asked to."""

    chunk_size, segment_size, origin, sees_images = HORIZON, 8, "anchor", False

    def segment(
        self, observation: Observation, rows: NDArray[np.float32], stamp: float, moved: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return self.unnormalise(rows[:8])

    def unnormalise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        return rows.astype(np.float64)


class Stack:
    """Both systems and the core, with a latency each, around a simulated arm.

    Attributes:
        now: ROS time, s.
        steady: s.
        problems: what was warned of.
    """

    def __init__(self, camera_delay: float = 0.08, joint_rate: int = 100) -> None:
        self.profile = profile = RobotProfile.load("wx250s_sim")
        names = [*profile.joint_names, profile.gripper.joint if profile.gripper else ""]
        self.names, self.camera_delay, self.joint_rate = names, camera_delay, joint_rate
        self.steady, self.now, self.problems = 500.0, 80.0, []
        self.arm = np.array(profile.home)
        self.core = ControlCore(
            profile.motion_limits(), control_settings(profile, ControlSettings()), gripper_settings(profile)
        )
        self.sources = {key: [MessageSource(), MessageSource()] for key in (*profile.cameras, JOINT_STATES)}
        buffers = [
            ObservationBuffer(
                profile, {key: pair[i] for key, pair in self.sources.items()}, clock=lambda: self.steady,
                decode=False, on_problem=self.problems.append,
            )
            for i in range(2)
        ]  # fmt: skip
        self.thinking = ThinkingCycle(buffers[0], profile, 0.0)
        self.buffer = buffers[0]
        self.thinking.assignment = Assignment("stay", 1)
        denoiser = SegmentPlanner(Still(), profile)
        self.denoising = DenoisingCycle(denoiser, buffers[1], profile, 0, self.problems.append)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._thinks = self._denoises = False
        self._ticks = 0
        self.core.inbox.append(ActivateEvent())

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> float:
        """Go on for some time, or until something is true. Returns for how long, s."""
        for k in range(round(seconds / PERIOD)):
            if until():
                return k * PERIOD
            self._tick()
        return seconds

    def running(self) -> bool:
        """Whether the core follows segments."""
        return self.core.state.mode is Mode.RUNNING

    def jump_to(self, now: float, arm: NDArray[np.float64] | None = None) -> None:
        """The ROS clock and all stamps begin again at `now`, s, and the arm stands elsewhere."""
        self.now = now
        self.arm = self.arm if arm is None else arm

    def _later(self, delay: float, action: Callable[[], None]) -> None:
        self._due.append((self.steady + delay, next(self._numbers), action))

    def _tick(self) -> None:
        self.steady, self.now, self._ticks = self.steady + PERIOD, self.now + PERIOD, self._ticks + 1
        if self._ticks % round(1.0 / PERIOD / self.joint_rate) == 0:
            self._sense()
        if self._ticks % 7 == 0:
            images = [(key, self._message()) for key in self.profile.cameras]
            self._later(self.camera_delay, lambda: [self._deliver(*image) for image in images] and None)
        due = sorted(event for event in self._due if event[0] <= self.steady)
        self._due = [event for event in self._due if event[0] > self.steady]
        for _, _, action in due:
            action()
        self._think()
        self._denoise()
        self.core.inbox.append(HeartbeatEvent(self.steady))
        command = self.core.step(ClockReading(self.steady, self.now))
        if command.publish:
            self.arm = command.position.copy()

    def _message(self) -> Any:
        message = SimpleNamespace(header=SimpleNamespace(stamp=SimpleNamespace(sec=0, nanosec=0)))
        set_stamp(message.header.stamp, self.now)
        return message

    def _deliver(self, source: str, message: Any) -> None:
        for listener in self.sources[source]:
            listener.deliver(message)

    def _sense(self) -> None:
        message = self._message()
        message.name, message.position, message.velocity = self.names, [*self.arm, 0.02], []
        self._deliver(JOINT_STATES, message)
        place = tuple(message.position)
        self.core.inbox.append(JointStateEvent(tuple(self.names), place, (0.0,) * len(place), self.now, self.steady))

    def _think(self) -> None:
        cycle = self.thinking
        due = not self._thinks and self.steady >= cycle.next_start
        if not due or not self.buffer.wait_for_new(cycle.last_stamp, 0.0):
            return
        try:
            task = cycle.begin(self.steady, self.now)
        except ObservationError as error:
            self.problems.append(str(error))
            return
        assert task is not None
        # Absolute or relative to the anchor: in both cases the arm stays.
        self._thinks = True
        rows = np.zeros((HORIZON, 7), np.float32)

        def finish() -> None:
            self._thinks = False
            result = ThoughtResult(rows, rows[None], *(np.zeros(1, np.float32) for _ in range(3)), 0.15)
            chunk = cycle.finish(task, result, self.now)
            if chunk is None:
                return
            self.core.inbox.append(ChunkEvent(chunk, self.steady))
            try:
                self.denoising.offer(chunk, self.now)
            except ChunkError as error:
                self.problems.append(str(error))

        self._later(0.15, finish)

    def _denoise(self) -> None:
        epoch = self.core.intake.epoch
        assignment = self.thinking.assignment
        if assignment is not None and epoch > assignment.epoch:
            self.thinking.assignment = Assignment(assignment.instruction, epoch)
            self.denoising.begin_epoch(epoch)
        if self._denoises:
            return
        try:
            request = self.denoising.begin(self.now)
        except ObservationError as error:
            self.problems.append(str(error))
            return
        if request is None:
            return
        self._denoises = True
        actions = self.denoising.refine(request)

        def finish() -> None:
            self._denoises = False
            segment = self.denoising.finish(request, actions, 0.03)
            self.core.inbox.append(SegmentEvent(segment, self.steady))

        self._later(0.03, finish)


def seconds_to_motion(
    camera_delay: float, joint_rate: int, played: float, back: float, ask_after: float = 1.0
) -> tuple[float, float, Stack]:
    """How long after time went back there is motion again, and how long after the reset, simulated s.

    Args:
        camera_delay: s.
        joint_rate: of the joint states, Hz.
        played: how long everything went well, s.
        back: by how much time goes back, s.
        ask_after: when somebody asks for a reset, s after that.
    """
    stack = Stack(camera_delay, joint_rate)
    stack.run(5.0, stack.running)
    stack.run(played)
    assert stack.running(), stack.core.state
    stack.jump_to(stack.now - back, stack.arm + 0.3)
    stack.run(ask_after)
    assert stack.core.state.mode is Mode.FAULT, stack.core.state
    assert stack.core.state.reason is Reason.CLOCK_BACKWARD, stack.core.state
    stack.core.inbox.append(ResetEvent())
    since = stack.run(20.0, stack.running)
    return ask_after + since, since, stack


@pytest.mark.parametrize(
    ("camera_delay", "joint_rate", "back", "ask_after"),
    [(0.0, 100, 4.0, 0.1), (0.08, 200, 60.0, 1.0), (0.12, 50, 0.5, 0.3), (0.05, 100, 3600.0, 0.1)],
)
def test_after_time_went_back_a_reset_goes_on_within_two_seconds(
    camera_delay: float, joint_rate: int, back: float, ask_after: float
) -> None:
    _, since, stack = seconds_to_motion(camera_delay, joint_rate, 2.0, back, ask_after)
    assert since < 2.0, stack.problems[-3:]
    assert any("went back" in problem for problem in stack.problems)


if __name__ == "__main__":
    for delay, rate in ((0.0, 100), (0.08, 200), (0.12, 50)):
        for back in (0.5, 20.0, 3600.0):
            total, since, _ = seconds_to_motion(delay, rate, 3.0, back, 0.1)
            sys.stdout.write(
                f"cameras {1e3 * delay:3.0f} ms late, states at {rate} Hz, back by {back:6.1f} s: "
                f"motion {total:.2f} s after that, {since:.2f} s after the reset was asked for\n"
            )
