"""The whole stack in simulation with its real processes: it moves, it stops on cancel, it survives a dead System 2."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hume_msgs.action import ExecuteTask
from hume_msgs.msg import ActionChunk, System1Status, Thought
from rclpy.action import ActionClient
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger

from hume_bringup.description import graph
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.supervisor import Supervisor
from hume_core.robot import RobotProfile
from hume_ros.conversions import joint_values

pytestmark = pytest.mark.ros

START_TIMEOUT = 120.0
PROFILE = RobotProfile.load("wx250s_sim")


class Watch:
    """Subscribes to what the tests look at."""

    def __init__(self, observer: Any) -> None:
        self.observer = observer
        self.status = System1Status()
        self.reasons: list[str] = []
        self.measured: list[np.ndarray] = []
        self.commands: list[np.ndarray] = []
        self.chunks: list[ActionChunk] = []
        node = observer.node
        node.create_subscription(System1Status, "hume/status", self._on_status, 10)
        node.create_subscription(JointState, "joint_states", self._on_joints, 10)
        node.create_subscription(Float64MultiArray, "arm_controller/commands", self._on_command, 10)
        node.create_subscription(ActionChunk, "hume/action_chunk", self.chunks.append, 10)
        self.goals = ActionClient(node, ExecuteTask, "hume/execute_task")

    def _on_status(self, message: System1Status) -> None:
        self.status = message
        if message.reason and (not self.reasons or self.reasons[-1] != message.reason):
            self.reasons.append(message.reason)

    def _on_joints(self, message: JointState) -> None:
        self.measured.append(joint_values(message, PROFILE.joint_names))

    def _on_command(self, message: Float64MultiArray) -> None:
        self.commands.append(np.array(message.data))

    def mode_is(self, mode: int) -> bool:
        return bool(self.status.mode == mode)

    def stands_still(self) -> bool:
        return bool(self.status.standing_still)

    def running_goal(self, instruction: str) -> Any:
        """Send a goal and wait until System 1 runs. Returns its handle.

        A fault from a starved machine ends the goal. It is reset, as an operator would, and the goal sent again.
        """
        for _ in range(5):
            handle = self.send_goal(instruction)
            if self.mode_is(System1Status.FAULT):
                self.observer.call(Trigger, "hume_system1/reset", Trigger.Request())
            ended = handle.get_result_async()
            self.observer.until(lambda e=ended: self.mode_is(System1Status.RUNNING) or e.done(), 60.0, "motion")
            if not ended.done():
                return handle
        pytest.fail(f"System 1 does not run: {self.status.mode_name}, {self.status.reason}")

    def send_goal(self, instruction: str, max_duration: float = 0.0) -> Any:
        self.observer.until(self.goals.server_is_ready, START_TIMEOUT, "hume/execute_task")
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            goal = ExecuteTask.Goal(instruction=instruction, max_duration=max_duration)
            future = self.goals.send_goal_async(goal, feedback_callback=lambda _: None)
            self.observer.until(future.done, 10.0, "an answer to the goal")
            if future.result().accepted or time.monotonic() > deadline:
                return future.result()
            self.observer.spin(0.3)

    def cancel(self, handle: Any) -> None:
        """Cancel a goal and wait until it has ended."""
        cancelled, result = handle.cancel_goal_async(), handle.get_result_async()
        self.observer.until(cancelled.done, 20.0, "an answer to cancel")
        self.observer.until(result.done, 20.0, "the end of the goal")

    def undisturbed_result(self, instruction: str, max_duration: float) -> Any:
        """Of a goal that System 1 did not stop: a starved machine may be a fault, which is reset with the next goal."""
        for _ in range(5):
            future = self.send_goal(instruction, max_duration).get_result_async()
            self.observer.until(future.done, max_duration + 60.0, "the end of the goal")
            result = future.result().result
            if result.code != ExecuteTask.Result.STOPPED:
                break
            self.observer.call(Trigger, "hume_system1/reset", Trigger.Request())
        return result


@pytest.fixture(scope="module")
def stack(ros_domain: int, checkpoint: Path) -> Iterator[Supervisor]:
    options = LaunchOptions(checkpoint=str(checkpoint), seed=0, candidates=3)
    with Supervisor(graph("sim", options)) as supervisor:
        yield supervisor


@pytest.fixture(scope="module")
def watch(observer: Any, stack: Supervisor) -> Watch:
    watch = Watch(observer)
    observer.until(lambda: watch.mode_is(System1Status.IDLE), START_TIMEOUT, "System 1 becoming idle")
    return watch


def test_a_goal_moves_the_arm_and_cancelling_stops_it(watch: Watch, observer: Any) -> None:
    handle = watch.running_goal("lift the red cube")
    result = handle.get_result_async()
    start = watch.measured[-1]
    observer.until(lambda: np.abs(watch.measured[-1] - start).max() > 0.02, 20.0, "the simulated arm moving")
    limits = PROFILE.motion_limits()
    commands = np.array(watch.commands)
    assert np.all(commands >= limits.lower)
    assert np.all(commands <= limits.upper)
    assert 0.0 < watch.status.max_velocity_ratio <= 1.0 + 1e-6
    assert watch.chunks[-1].instruction == "lift the red cube"

    cancelled = handle.cancel_goal_async()
    observer.until(cancelled.done, 5.0, "an answer to cancel")
    observer.until(result.done, 5.0, "the end of the goal")
    assert result.result().result.code == ExecuteTask.Result.CANCELED
    observer.until(lambda: watch.mode_is(System1Status.IDLE) and watch.stands_still(), 5.0, "standstill")
    count, chunks = len(watch.commands), len(watch.chunks)
    observer.spin(1.0)
    assert len(watch.commands) > count, "a holding arm is still commanded"
    assert np.ptp(np.array(watch.commands[count:]), axis=0).max() < 1e-9
    assert len(watch.chunks) == chunks, "nothing is thought about after cancel"


def test_thoughts_are_published_for_those_who_listen(watch: Watch, observer: Any) -> None:
    thoughts: list[Thought] = []
    observer.node.create_subscription(Thought, "hume/thought", thoughts.append, 1)
    handle = watch.send_goal("lift the green cube")
    # System 2 publishes none before it has found the subscription, so the goal goes on until one has come.
    observer.until(lambda: thoughts, 60.0, "a thought")
    thought = thoughts[-1]
    assert thought.instruction == "lift the green cube"
    # On a busy computer fewer may have been taken.
    assert 1 <= thought.num_candidates <= 3
    assert len(thought.candidates) == thought.num_candidates * thought.horizon * thought.dim
    assert thought.index == int(np.argmax(thought.values))
    watch.cancel(handle)


@pytest.mark.parametrize("limit", [0.5, 2.0])
def test_a_goal_ends_when_its_time_is_over(watch: Watch, observer: Any, limit: float) -> None:
    result = watch.undisturbed_result("lift the green cube", limit)
    assert result.code == ExecuteTask.Result.TIMEOUT
    assert f"max_duration of {limit:g} s" in result.reason
    assert result.duration >= limit


def test_a_newer_goal_takes_over(watch: Watch, observer: Any) -> None:
    first = watch.send_goal("lift the red cube")
    first_result = first.get_result_async()
    epoch = watch.status.epoch
    second = watch.send_goal("lift the blue cube", max_duration=4.0)
    observer.until(first_result.done, 10.0, "the end of the first goal")
    assert first_result.result().result.code == ExecuteTask.Result.PREEMPTED
    observer.until(lambda: watch.status.epoch > epoch, 10.0, "a new epoch")
    second_result = second.get_result_async()
    observer.until(second_result.done, 20.0, "the end of the second goal")


@pytest.mark.parametrize("instruction", ["", "  ", "lift\tthe red cube", "lift the <pad> cube", "lift " * 200])
def test_what_is_no_instruction_is_refused(watch: Watch, observer: Any, instruction: str) -> None:
    future = watch.goals.send_goal_async(ExecuteTask.Goal(instruction=instruction))
    observer.until(future.done, 10.0, "an answer to the goal")
    assert not future.result().accepted


def test_killing_system_2_makes_system_1_hold_with_a_reason(watch: Watch, observer: Any, stack: Supervisor) -> None:
    watch.running_goal("lift the red cube")
    os.kill(stack.pid("hume_system2"), signal.SIGKILL)
    watch.reasons.clear()
    observer.until(lambda: watch.mode_is(System1Status.HOLD), 10.0, "System 1 holding")
    observer.until(watch.stands_still, 3.0, "standstill")
    # A new System 2 may have come and ended the hold by now. It has no task.
    assert any(reason.startswith("hold: ") for reason in watch.reasons)
    count = len(watch.commands)
    observer.spin(0.5)
    assert len(watch.commands) > count, "a holding arm is still commanded"
    assert np.ptp(np.array(watch.commands[count:]), axis=0).max() < 1e-9


def test_everything_stops_within_two_seconds_and_nothing_is_left(stack: Supervisor, watch: Watch) -> None:
    pids = [stack.pid(name) for name in ("hume_sim", "hume_system1")]
    family = [psutil.Process(pid) for pid in pids]
    family += [child for process in family for child in process.children(recursive=True)]
    assert len(family) >= 3, "the denoiser is a process of its own"
    stack.stop()
    _, alive = psutil.wait_procs(family, timeout=0.5)
    # A killed grandchild may wait for init to collect its exit code.
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
